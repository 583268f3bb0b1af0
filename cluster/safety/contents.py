"""Objects that must be in a zone and are not."""

from typing import Any

from cluster.safety.absence import Absence
from cluster.safety.episodes import RULE_OFF, Episode, EpisodeBook, Moment, SavedEpisode, save
from cluster.safety.equipment import UNKNOWN_TO_MODEL
from cluster.safety.events import Severity, object_missing
from cluster.safety.geometry import center, contains
from cluster.safety.looks import Look
from cluster.safety.objects import is_a
from cluster.safety.zones import Zone

SEEN = "seen again"


class Contents:
    """The `must_contain` rule of one zone.

    An object is there if the zone's anchor or the centre of its box lies in the polygon: what hangs on a
    wall has no foot on the ground. Nobody is asked who hides it; a moment shorter than
    `missing_after_s` is no event.
    """

    def __init__(self, zone: Zone, book: EpisodeBook) -> None:
        self.zone = zone
        self._book = book
        self._absences: dict[str, Absence] = {}
        self._episodes: dict[str, Episode] = {}

    def observe(self, look: Look, knows: frozenset[str] | None) -> None:
        for name in dict.fromkeys(self.zone.must_contain):
            if knows is not None and name not in knows:
                self._drop(name, look.moment, UNKNOWN_TO_MODEL)
            else:
                self._observe_one(name, look)

    def reconfigure(self, zone: Zone, moment: Moment) -> None:
        """Go on with `zone`; what it no longer asks for is closed."""
        self.zone = zone
        for name in [*self._episodes, *self._absences]:
            if name not in zone.must_contain:
                self._drop(name, moment, RULE_OFF)

    def close(self, moment: Moment, reason: str) -> None:
        for name in list(self._episodes):
            self._drop(name, moment, reason)

    def break_off(self) -> None:
        for absence in self._absences.values():
            absence.break_off()

    @property
    def is_open(self) -> bool:
        return any(one.is_open for one in self._episodes.values())

    def open_episodes(self) -> list[SavedEpisode]:
        """What is open, with the opening as `since`: an object has no stay."""
        return [save(one, one.opened_at, one.opened_at, 0.0, None) for one in self._episodes.values() if one.is_open]

    def resume(self, saved: SavedEpisode) -> None:
        """Take up the episode of an object; told with the next look that does not show it."""
        self._episodes[saved.subject] = self._book.restore(saved)

    def _observe_one(self, name: str, look: Look) -> None:
        episode = self._episodes.get(name)
        is_open = episode is not None and episode.is_open
        absence = self._absences.setdefault(
            name, Absence(self.zone.missing_after_s, self.zone.exit_debounce_s, is_missing=is_open)
        )
        absence.missing_after_s, absence.seen_for_s = self.zone.missing_after_s, self.zone.exit_debounce_s
        seen = self._is_there(name, look)
        absence.observe(seen, look.credit_s)
        if absence.is_missing:
            self._tell(name, seen, look.moment)
        elif is_open and episode is not None:
            self._book.close(episode, look.moment, self._detail(name), SEEN)

    def _is_there(self, name: str, look: Look) -> bool:
        return any(
            self.zone.contains(track.box) or contains(self.zone.polygon, center(track.box))
            for track in look.tracks
            if is_a(track.label, name)
        )

    def _tell(self, name: str, seen: bool, moment: Moment) -> None:
        episode = self._episodes.get(name)
        if episode is not None and episode.is_open:
            if not seen:
                self._book.take_up(episode, moment, self._detail(name))
            return
        within_s = self.zone.cooldown_s + self.zone.missing_after_s
        if episode is not None and moment.now_s - episode.closed_s <= within_s:
            self._book.reopen(episode, moment, self._detail(name))
            return
        self._episodes[name] = self._book.open(
            self.zone.zone_id, object_missing(name), name, Severity.WARNING, moment, self._detail(name)
        )

    def _drop(self, name: str, moment: Moment, reason: str) -> None:
        self._absences.pop(name, None)
        episode = self._episodes.pop(name, None)
        if episode is not None and episode.is_open:
            self._book.close(episode, moment, self._detail(name), reason)

    def _detail(self, name: str) -> dict[str, Any]:
        return {"zone_name": self.zone.name, "zone_kind": self.zone.kind.value, "item": name}
