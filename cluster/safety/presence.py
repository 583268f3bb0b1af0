"""One subject's presence in one place, debounced on both sides."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Self

from cluster.safety.absence import Absence
from cluster.safety.episodes import NOT_WATCHED, Episode
from cluster.safety.looks import Look
from cluster.safety.observed_time import EPSILON_S
from cluster.safety.subjects import Subject
from cluster.safety.zones import Zone

LEFT = "left"
LOST = "lost from sight"


class Where(Enum):
    """INSIDE and OUTSIDE are seen; MISSING: the tracker does not show the subject, or (UNKNOWN) nobody looked."""

    INSIDE = auto()
    OUTSIDE = auto()
    MISSING = auto()
    UNKNOWN = auto()


class Phase(Enum):
    """PENDING is not told yet. GONE has ended, and is continued if the subject comes back within the cooldown."""

    PENDING = auto()
    PRESENT = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Patience:
    """Debounce in and out, grace for detector gaps and cooldown, in seconds; see `Zone`."""

    enter_s: float
    exit_s: float
    gap_grace_s: float
    cooldown_s: float

    @classmethod
    def of(cls, zone: Zone) -> Self:
        return cls(zone.enter_debounce_s, zone.exit_debounce_s, zone.gap_grace_s, zone.cooldown_s)


@dataclass(slots=True, eq=False)
class Presence:
    """Somebody's stay in a zone, or on the ground.

    Coming: inside for `enter_s` of observed time and in 2 looks (1 if `enter_s` is 0). At a flickering edge
    time inside counts in full and time outside takes half of itself away, so who is inside for more than
    a third of the time is told. Looks that are far apart earn no time; the third such look in a row with
    the subject inside is believed all the same, because a slow detector must not lose an alarm.

    Going: seen outside for `exit_s`, or missing for more than `gap_grace_s` and in 2 looks. Time that
    was not observed counts for neither.

    `inside_s` is the observed time inside since `since`, gaps within the grace included. `adrift` says that
    the subject was not seen since a time that was not observed, so that somebody else's number may be his.
    `episodes` (by event type) and `absences` (by equipment) belong to the rules.
    """

    subject: Subject
    since: datetime
    last_inside_at: datetime
    name: str = ""
    phase: Phase = Phase.PENDING
    where: Where = Where.INSIDE
    inside_s: float = 0.0
    steady_s: float = 0.0
    adrift: bool = False
    gone_s: float = 0.0
    reason: str = ""
    episodes: dict[str, Episode] = field(default_factory=dict)
    absences: dict[str, Absence] = field(default_factory=dict)
    _score_s: float = 0.0
    _looks: int = 1
    _gaps: int = 0
    _tentative_s: float = 0.0
    _missing_s: float = 0.0
    _missing_looks: int = 0
    _outside_s: float = 0.0
    _was_outside: bool = False

    @property
    def was_told(self) -> bool:
        """Whether it was ever confirmed, so that its return within the cooldown continues it."""
        return bool(self.name)

    def begin_again(self, look: Look) -> None:
        """A PENDING presence starts at this look, in which the subject is inside."""
        self.phase, self.where = Phase.PENDING, Where.INSIDE
        self._score_s, self._looks, self._gaps, self.steady_s = 0.0, 1, 0, 0.0
        self.absences.clear()
        self._settle(look)

    def observe(self, where: Where, look: Look, patience: Patience) -> None:
        """Take one look into account; `phase` says afterwards what became of it."""
        before, self.where = self.where, where
        self._count_inside(before, look)
        self._count_away(before, look)
        if self.phase is Phase.PENDING:
            self._count_pending(before, look)
            self._judge_pending(look, patience)
        elif self.phase is Phase.PRESENT and (reason := self._end(patience)):
            self._leave(NOT_WATCHED if self.adrift else reason, look)
        if where is Where.INSIDE:
            self._settle(look)
        elif where is Where.OUTSIDE:
            self.adrift = False

    def drift(self) -> None:
        """Time passed that nobody watched: the subject may come back under another number."""
        self.adrift = self.adrift or self.phase is Phase.PRESENT

    def break_off(self, now_s: float) -> None:
        """The camera was blind: debounces in progress start again, what is told stays told."""
        if self.phase is Phase.PENDING:
            self.phase, self.gone_s = Phase.GONE, self.gone_s if self.was_told else now_s
        self.drift()
        self._forget_away()
        self._tentative_s, self.where = 0.0, Where.UNKNOWN
        for absence in self.absences.values():
            absence.break_off()

    def forget_equipment(self, except_for: Collection[str]) -> None:
        """What is no longer required is no longer counted."""
        self.absences = {item: absence for item, absence in self.absences.items() if item in except_for}

    def confirmed_by(self, patience: Patience) -> bool:
        """Whether a pending presence, inside at this look, has been so for long enough."""
        if patience.enter_s <= 0.0 or self._gaps >= 2:
            return True
        return self._looks >= 2 and self._score_s >= patience.enter_s - EPSILON_S

    def _judge_pending(self, look: Look, patience: Patience) -> None:
        if self.where is Where.INSIDE:
            return
        if self._missing_s > patience.gap_grace_s + EPSILON_S or (self._was_outside and self._score_s <= 0.0):
            self.phase = Phase.GONE
            self.gone_s = self.gone_s if self.was_told else look.now_s

    def _count_pending(self, before: Where, look: Look) -> None:
        ends = (before, self.where)
        inside, outside = ends.count(Where.INSIDE), ends.count(Where.OUTSIDE)
        self._score_s = max(0.0, self._score_s + look.credit_s * (inside / 2 - outside / 4))
        if self.where is Where.INSIDE:
            self._looks += 1
            self._gaps += look.follows_gap and before is Where.INSIDE

    def _count_inside(self, before: Where, look: Look) -> None:
        self.steady_s = 0.0
        if self.where is Where.OUTSIDE:
            self._tentative_s = 0.0
        elif self.where is Where.MISSING:
            self._tentative_s += look.credit_s
        elif before is Where.INSIDE:
            self.steady_s = look.credit_s
            self.inside_s += look.credit_s
        elif before is Where.MISSING:
            self.inside_s += self._tentative_s + look.credit_s
        elif before is Where.OUTSIDE:
            self.inside_s += look.credit_s / 2

    def _count_away(self, before: Where, look: Look) -> None:
        if self.where is Where.INSIDE:
            return
        self._missing_s += look.credit_s
        self._missing_looks += self.where is Where.MISSING
        if self._was_outside:
            self._outside_s += look.credit_s
        self._was_outside = self._was_outside or self.where is Where.OUTSIDE

    def _end(self, patience: Patience) -> str:
        """Why the stay is over, "" if it is not."""
        if self.where is Where.INSIDE:
            return ""
        if self.where is Where.OUTSIDE:
            return LEFT if self._outside_s >= patience.exit_s - EPSILON_S else ""
        # Who was seen to step outside and then vanished is given the longer of the two times.
        limit_s = max(patience.gap_grace_s, patience.exit_s) if self._was_outside else patience.gap_grace_s
        enough_looks = self._missing_looks >= 2 or limit_s <= 0.0
        return LOST if enough_looks and self._missing_s > limit_s + EPSILON_S else ""

    def _leave(self, reason: str, look: Look) -> None:
        self.phase, self.reason, self.gone_s, self.adrift = Phase.GONE, reason, look.now_s, False

    def _settle(self, look: Look) -> None:
        self.last_inside_at, self.adrift, self._tentative_s = look.moment.wall, False, 0.0
        self._forget_away()

    def _forget_away(self) -> None:
        self._missing_s, self._missing_looks, self._outside_s, self._was_outside = 0.0, 0, 0.0, False
