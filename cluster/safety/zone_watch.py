"""All rules of one zone."""

from collections.abc import Sequence

from cluster.safety.contents import Contents
from cluster.safety.dwell import judge_dwell
from cluster.safety.entrances import ENTRANCE, judge_entrance, judge_exit
from cluster.safety.episodes import RULE_OFF, ZONE_REMOVED, EpisodeBook, Moment, SavedEpisode
from cluster.safety.equipment import equipment_types, judge_equipment
from cluster.safety.events import EventType, object_missing
from cluster.safety.intrusion import intrusion_type, judge_intrusion
from cluster.safety.looks import Look
from cluster.safety.objects import PERSON, is_a
from cluster.safety.presence import Patience, Phase, Presence
from cluster.safety.presences import Presences
from cluster.safety.stay import close_all, close_one, restored, saved, saved_episodes, take_up
from cluster.safety.subjects import Subject
from cluster.safety.zones import Zone


class ZoneWatch:
    """One zone: who is in it, and what its rules say about that.

    Two kinds of stays are kept apart: of the zone's own `objects` (intrusion, dwell), and of people
    (entrances, equipment), because a zone for vehicles may still ask for helmets.
    """

    def __init__(self, zone: Zone, book: EpisodeBook) -> None:
        self.zone = zone
        self._book = book
        self._intruders = Presences(Patience.of(zone))
        self._people = Presences(Patience.of(zone))
        self._contents = Contents(zone, book)
        self._bounds = zone.bounds

    def observe(self, look: Look, knows: frozenset[str] | None) -> None:
        """Judge one look."""
        inside = self._inside(look.subjects)
        self._observe_intruders([one for one in inside if self._is_intruder(one)], look)
        if self._watches_people:
            self._observe_people([one for one in inside if is_a(one.label, PERSON)], look, knows)
        self._contents.observe(look, knows)

    def reconfigure(self, zone: Zone, moment: Moment) -> None:
        """Go on with `zone`, which has the same id: stays are kept, and the next look finds out who is still inside."""
        self.zone = zone
        self._bounds = zone.bounds
        self._intruders.patience = self._people.patience = Patience.of(zone)
        for presence in self._intruders.everyone():
            self._close_other_types(presence, _stay_types(zone), moment)
        for presence in self._people.everyone():
            self._close_other_types(presence, {*equipment_types(zone)}, moment)
            presence.forget_equipment(zone.require)
            if not zone.entrances:
                presence.episodes.pop(ENTRANCE, None)
        if not self._watches_people:
            self._people.clear()
        self._contents.reconfigure(zone, moment)

    def close(self, moment: Moment, reason: str = ZONE_REMOVED) -> None:
        """End every episode: the zone is gone."""
        for presence in [*self._intruders.present(), *self._people.present()]:
            close_all(self._book, presence, self.zone, moment, reason)
        self._intruders.clear()
        self._people.clear()
        self._contents.close(moment, reason)

    def break_off(self, now_s: float) -> None:
        """The camera was blind."""
        self._intruders.break_off(now_s)
        self._people.break_off(now_s)
        self._contents.break_off()

    @property
    def is_occupied(self) -> bool:
        """Whether any episode is open."""
        stays = [*self._intruders.everyone(), *self._people.everyone()]
        return self._contents.is_open or any(one.is_open for stay in stays for one in stay.episodes.values())

    def open_episodes(self) -> list[SavedEpisode]:
        stays = [*self._intruders.everyone(), *self._people.everyone()]
        return [one for presence in stays for one in saved_episodes(presence)] + self._contents.open_episodes()

    def entered(self) -> list[SavedEpisode]:
        """Entrances whose exit is still to be told, in state closed."""
        inside = self._people.present()
        return [saved(presence, presence.episodes[ENTRANCE]) for presence in inside if ENTRANCE in presence.episodes]

    def resume(self, episodes: Sequence[SavedEpisode], moment: Moment) -> None:
        """Take up what an earlier process left open in this zone; what is not asked for any more is closed."""
        self._resume_stays(self._intruders, [one for one in episodes if one.event_type in _ANY_STAY])
        contents = {object_missing(name) for name in self.zone.must_contain}
        ppe = set(equipment_types(self.zone))
        people = ppe | ({ENTRANCE} if self.zone.entrances else set())
        self._resume_stays(self._people, [one for one in episodes if one.event_type in people])
        for one in episodes:
            if one.event_type in contents:
                self._contents.resume(one)
            elif one.event_type not in people | _ANY_STAY:
                self._book.give_up(one, moment, RULE_OFF)
        for presence in self._intruders.everyone():
            self._close_other_types(presence, _stay_types(self.zone), moment)

    @property
    def _watches_people(self) -> bool:
        return self.zone.entrances or bool(self.zone.require)

    def _observe_intruders(self, inside: list[Subject], look: Look) -> None:
        for presence in self._intruders.observe(inside, look):
            close_all(self._book, presence, self.zone, look.moment)
        for presence in self._intruders.inside_now():
            take_up(self._book, presence, self.zone, look.moment)
            judge_intrusion(self.zone, presence, self._book, look.moment)
            judge_dwell(self.zone, presence, self._book, look.moment)

    def _observe_people(self, inside: list[Subject], look: Look, knows: frozenset[str] | None) -> None:
        for presence in self._people.observe(inside, look):
            judge_exit(self.zone, presence, self._book, look.moment)
            close_all(self._book, presence, self.zone, look.moment)
        for presence in self._people.seen_inside():
            take_up(self._book, presence, self.zone, look.moment)
            if self.zone.entrances and presence.phase is Phase.PRESENT:
                judge_entrance(self.zone, presence, self._book, look.moment)
            judge_equipment(self.zone, presence, knows, self._book, look)

    def _inside(self, subjects: Sequence[Subject]) -> list[Subject]:
        """Who stands in the polygon; the bounds first, because most of the picture is outside of most zones."""
        left, top, right, bottom = self._bounds
        found = []
        for subject in subjects:
            x, y = self.zone.anchor.of(subject.box)
            if left <= x <= right and top <= y <= bottom and self.zone.contains(subject.box):
                found.append(subject)
        return found

    def _is_intruder(self, subject: Subject) -> bool:
        return any(is_a(subject.label, wanted) for wanted in self.zone.objects)

    def _close_other_types(self, presence: Presence, wanted: set[str], moment: Moment) -> None:
        for event_type in list(presence.episodes):
            if event_type not in wanted and event_type != ENTRANCE:
                close_one(self._book, presence, self.zone, event_type, moment, RULE_OFF)
                del presence.episodes[event_type]

    def _resume_stays(self, presences: Presences, episodes: list[SavedEpisode]) -> None:
        groups: dict[str, list[SavedEpisode]] = {}
        for one in episodes:
            groups.setdefault(one.subject.rpartition("@")[2], []).append(one)
        for name, group in groups.items():
            presences.restore(restored(name, group, self._book))


_ANY_STAY = frozenset(
    {
        EventType.DANGER_ZONE_INTRUSION.value,
        EventType.WARNING_ZONE_INTRUSION.value,
        EventType.ZONE_DWELL.value,
    }
)


def _stay_types(zone: Zone) -> set[str]:
    dwell = {EventType.ZONE_DWELL.value} if zone.dwell_s is not None else set()
    return {intrusion_type(zone.kind)} | dwell
