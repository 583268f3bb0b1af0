"""Episodes: the told part of what a rule sees, from opening to end, and the ids they carry."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity, derive_event_id
from cluster.safety.tracks import Box

Detail = Mapping[str, Any]

NOT_WATCHED = "ended while not watched"
RULE_OFF = "rule switched off"
ZONE_REMOVED = "zone removed"


@dataclass(frozen=True, slots=True)
class Moment:
    """What causes a revision: wall time (UTC), monotonic time in seconds, and the frame that showed it."""

    wall: datetime
    now_s: float
    correlation_id: str
    model_digest: str = ""
    objects: tuple[SeenObject, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedEpisode:
    """An episode as it outlives the process that told it; JSON-friendly through `to_dict`.

    `epoch` and `counter` are those of its event id. `since` is when the presence was first seen,
    `last_seen_at` when it was last, `inside_s` the observed seconds between, `box` the last place (None:
    the episode has none). `state` is "closed" only for a PERSON_ENTRANCE whose exit is still to be told.
    """

    event_id: str
    revision: int
    zone_id: str
    event_type: str
    severity: Severity
    state: EpisodeState
    subject: str
    epoch: int
    counter: int
    opened_at: datetime
    since: datetime
    last_seen_at: datetime
    inside_s: float = 0.0
    box: Box | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values only; times as ISO 8601."""
        values = asdict(self)
        for key in ("opened_at", "since", "last_seen_at"):
            values[key] = values[key].isoformat()
        return {
            **values,
            "severity": self.severity.value,
            "state": self.state.value,
            "box": self.box and list(self.box),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `to_dict` gave.

        Raises:
            ValueError: a key is missing or unknown, or holds what it cannot hold.
        """
        try:
            times = {key: datetime.fromisoformat(values[key]) for key in ("opened_at", "since", "last_seen_at")}
            x1, y1, x2, y2 = values.get("box") or (0.0, 0.0, 0.0, 0.0)
            box = (float(x1), float(y1), float(x2), float(y2)) if values.get("box") else None
            state, severity = EpisodeState(values["state"]), Severity(values["severity"])
            return cls(**{**values, **times, "state": state, "severity": severity, "box": box})
        except (KeyError, TypeError) as error:
            raise ValueError(f"saved episode: {error}") from error


@dataclass(slots=True, eq=False)
class Episode:
    """One episode that was told at least once. Only its `EpisodeBook` changes it."""

    event_id: str
    zone_id: str
    event_type: str
    subject: str
    severity: Severity
    epoch: int
    counter: int
    opened_at: datetime
    state: EpisodeState = EpisodeState.OPEN
    revision: int = 0
    reopened: int = 0
    escalated: bool = False
    closed_s: float = 0.0
    taken_up: bool = True
    """False from `EpisodeBook.restore` until somebody was seen to whom it belongs."""

    @property
    def is_open(self) -> bool:
        return self.state is not EpisodeState.CLOSED


class EpisodeBook:
    """Writes the revisions of one camera's episodes under one lease epoch.

    An event id never repeats: it holds the epoch and a counter, and the counter is the millisecond of the
    opening (at least one more than the last), so that not even a process that starts anew under the
    same epoch can tell a new alarm under an id that is already stored as closed.
    """

    def __init__(self, camera_id: str, epoch: int) -> None:
        self._camera_id = camera_id
        self._epoch = epoch
        self._counter = 0
        self._told: list[SafetyEvent] = []

    def drain(self) -> list[SafetyEvent]:
        """The revisions since the last call, in the order in which they became true."""
        told, self._told = self._told, []
        return told

    def open(
        self, zone_id: str, event_type: str, subject: str, severity: Severity, moment: Moment, detail: Detail
    ) -> Episode:
        """Tell a new episode: revision 1, state open."""
        episode = self._new(zone_id, event_type, subject, severity, moment)
        self._tell(episode, moment, detail)
        return episode

    def tell_moment(self, zone_id: str, event_type: str, subject: str, moment: Moment, detail: Detail) -> Episode:
        """Tell what has no duration: one INFO revision that is closed already."""
        episode = self._new(zone_id, event_type, subject, Severity.INFO, moment)
        episode.state = EpisodeState.CLOSED
        self._tell(episode, moment, detail, closed_at=moment.wall)
        return episode

    def reopen(self, episode: Episode, moment: Moment, detail: Detail) -> None:
        """Continue a closed episode under its id, as bad as it was before it closed."""
        episode.state = EpisodeState.ESCALATED if episode.escalated else EpisodeState.OPEN
        episode.reopened += 1
        self._tell(episode, moment, {**detail, "reopened": episode.reopened})

    def escalate(self, episode: Episode, severity: Severity, moment: Moment, detail: Detail) -> None:
        episode.state, episode.severity, episode.escalated = EpisodeState.ESCALATED, severity, True
        self._tell(episode, moment, detail)

    def close(
        self, episode: Episode, moment: Moment, detail: Detail, reason: str, ended_at: datetime | None = None
    ) -> None:
        """End it; `ended_at` is when it really ended, the moment itself if None."""
        episode.state, episode.closed_s = EpisodeState.CLOSED, moment.now_s
        closed_at = max(episode.opened_at, ended_at or moment.wall)
        self._tell(episode, moment, {**detail, "reason": reason}, closed_at=closed_at)

    def take_up(self, episode: Episode, moment: Moment, detail: Detail) -> None:
        """Tell that a restored episode goes on, once: later calls say nothing."""
        if not episode.taken_up:
            self._tell(episode, moment, {**detail, "resumed": True})

    def restore(self, saved: SavedEpisode) -> Episode:
        """The episode that `saved` was, under its own id and at its own revision; tells nothing yet."""
        if saved.epoch == self._epoch:
            self._counter = max(self._counter, saved.counter)
        return Episode(
            event_id=saved.event_id,
            zone_id=saved.zone_id,
            event_type=saved.event_type,
            subject=saved.subject,
            severity=saved.severity,
            epoch=saved.epoch,
            counter=saved.counter,
            opened_at=saved.opened_at,
            state=saved.state,
            revision=saved.revision,
            escalated=saved.state is EpisodeState.ESCALATED,
            taken_up=False,
        )

    def give_up(self, saved: SavedEpisode, moment: Moment, reason: str) -> None:
        """Close what nobody can take up; an entrance in `saved` is closed already."""
        episode = self.restore(saved)
        if episode.is_open:
            self.close(episode, moment, {"since": saved.since.isoformat()}, reason, saved.last_seen_at)

    def _new(self, zone_id: str, event_type: str, subject: str, severity: Severity, moment: Moment) -> Episode:
        self._counter = max(self._counter + 1, int(moment.wall.timestamp() * 1000))
        event_id = derive_event_id(self._camera_id, zone_id, event_type, subject, self._epoch, self._counter)
        return Episode(event_id, zone_id, event_type, subject, severity, self._epoch, self._counter, moment.wall)

    def _tell(self, episode: Episode, moment: Moment, detail: Detail, closed_at: datetime | None = None) -> None:
        episode.revision += 1
        episode.taken_up = True
        self._told.append(
            SafetyEvent(
                event_id=episode.event_id,
                revision=episode.revision,
                camera_id=self._camera_id,
                zone_id=episode.zone_id,
                event_type=episode.event_type,
                severity=episode.severity,
                state=episode.state,
                subject=episode.subject,
                # Not the epoch of the id: whoever tells a revision owns the camera now.
                epoch=self._epoch,
                correlation_id=moment.correlation_id,
                opened_at=episode.opened_at,
                updated_at=moment.wall,
                closed_at=closed_at,
                model_digest=moment.model_digest,
                objects=moment.objects,
                detail=dict(detail),
            )
        )


def save(episode: Episode, since: datetime, last_seen_at: datetime, inside_s: float, box: Box | None) -> SavedEpisode:
    """`episode` as it can be handed to `EpisodeBook.restore` of another process."""
    return SavedEpisode(
        event_id=episode.event_id,
        revision=episode.revision,
        zone_id=episode.zone_id,
        event_type=episode.event_type,
        severity=episode.severity,
        state=episode.state,
        subject=episode.subject,
        epoch=episode.epoch,
        counter=episode.counter,
        opened_at=episode.opened_at,
        since=since,
        last_seen_at=last_seen_at,
        inside_s=inside_s,
        box=box,
    )


def newest_revisions(saved: Iterable[SavedEpisode]) -> list[SavedEpisode]:
    """`saved` with each event id once, at its highest revision."""
    by_id: dict[str, SavedEpisode] = {}
    for episode in saved:
        known = by_id.get(episode.event_id)
        if known is None or episode.revision > known.revision:
            by_id[episode.event_id] = episode
    return list(by_id.values())
