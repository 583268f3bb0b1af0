"""All rules of one camera about what it sees."""

from collections.abc import Sequence
from datetime import datetime

from cluster.safety.episodes import (
    NOT_WATCHED,
    RULE_OFF,
    ZONE_REMOVED,
    EpisodeBook,
    Moment,
    SavedEpisode,
    newest_revisions,
)
from cluster.safety.equipment import worn_by_track
from cluster.safety.events import EventType, SafetyEvent
from cluster.safety.fallen import FALLEN_PATIENCE, Fallen
from cluster.safety.frames import correlation_id
from cluster.safety.left_open import doubles
from cluster.safety.looks import Look, moment_of
from cluster.safety.observed_time import ObservedTime
from cluster.safety.subjects import Subjects
from cluster.safety.tracks import Observation
from cluster.safety.zone_watch import ZoneWatch
from cluster.safety.zones import Zone

_DEFAULT_GRACE_S = 2.0


class CameraRules:
    """Turns the looked-at frames of one camera into the revisions of its episodes.

    Pure: every time is handed in, `*_s` from one monotonic clock and wall times in UTC. Not thread-safe;
    the pipeline of the camera is its only caller. `knows` are the labels that the model in service can find
    (None: not said); what it cannot find is not judged, and the caller has to say so.

    An episode goes pending (not told), open, escalated, closed. The same subject that comes back within the
    cooldown after an end reopens the closed episode: same event id, next revision, as severe as it was,
    `detail["reopened"]` counts. It is never silent while somebody stands in a zone, and nobody else is
    ever held back by it. Ids of a new epoch start anew; see `EpisodeBook`.
    """

    def __init__(
        self,
        camera_id: str,
        epoch: int,
        zones: Sequence[Zone],
        *,
        fallen: bool = True,
        knows: frozenset[str] | None = None,
    ) -> None:
        self._camera_id = camera_id
        self._epoch = epoch
        self._correlation_id = correlation_id(camera_id, epoch, 0)
        self._knows = knows
        self._book = EpisodeBook(camera_id, epoch)
        self._time = ObservedTime()
        self._watches = {zone.zone_id: ZoneWatch(zone, self._book) for zone in zones}
        self._fallen = Fallen(self._book) if fallen else None
        self._subjects = Subjects(_DEFAULT_GRACE_S, _DEFAULT_GRACE_S)
        self._set_memory()

    def observe(self, observation: Observation) -> list[SafetyEvent]:
        """The revisions that this frame makes true, in order. No tracks: nobody was seen, which is a look too."""
        look = self._look(observation)
        for watch in self._watches.values():
            watch.observe(look, self._knows)
        if self._fallen is not None:
            self._fallen.observe(look)
        return self._book.drain()

    def apply(self, zones: Sequence[Zone], fallen: bool, now_wall: datetime, now_s: float) -> list[SafetyEvent]:
        """Go on with another configuration.

        Untouched zones keep everything, removed ones close their episodes, changed ones keep the stays of
        whom the next looks still find inside.
        """
        moment = self._moment(now_wall, now_s)
        kept = {zone.zone_id for zone in zones}
        for zone_id in [zone_id for zone_id in self._watches if zone_id not in kept]:
            self._watches.pop(zone_id).close(moment)
        self._watches = {zone.zone_id: self._watch(zone, moment) for zone in zones}
        self._switch_fallen(fallen, moment)
        self._set_memory()
        return self._book.drain()

    def know(self, labels: frozenset[str] | None) -> None:
        """From the next look on the model in service can find `labels`."""
        self._knows = labels

    def blind(self, now_wall: datetime, now_s: float) -> None:
        """The camera is UNMONITORED: nothing that happens from here to the next look was observed.

        Told episodes stay open, debounces start again. Calling it again while it is blind changes nothing.
        """
        self._time.break_off()
        self._subjects.break_off()
        for watch in self._watches.values():
            watch.break_off(now_s)
        if self._fallen is not None:
            self._fallen.break_off(now_s)

    def open_episodes(self) -> list[SavedEpisode]:
        """What another process has to take up if this one dies.

        Holds besides open episodes the entrances whose exit is to come (state closed), so that neither is
        told twice.
        """
        fallen = self._fallen.open_episodes() if self._fallen is not None else []
        zones = [one for watch in self._watches.values() for one in [*watch.open_episodes(), *watch.entered()]]
        return zones + fallen

    def resume(self, saved: Sequence[SavedEpisode], now_wall: datetime, now_s: float) -> None:
        """Take up what an earlier process left open; call it before the first look.

        The first look that finds somebody of the same kind in the zone, whatever his number, continues the
        episode with the next revision (`detail["resumed"]`). If nobody is found for the closing time
        it is closed with "ended while not watched". Revisions that are due at once, because the zone or rule is gone,
        come with the next call that returns some.
        """
        moment = self._moment(now_wall, now_s)
        episodes = newest_revisions(saved)
        for one in doubles(episodes):
            self._book.give_up(one, moment, NOT_WATCHED)
            episodes.remove(one)
        for zone_id in dict.fromkeys(one.zone_id for one in episodes):
            group = [one for one in episodes if one.zone_id == zone_id]
            if zone_id in self._watches:
                self._watches[zone_id].resume(group, moment)
            else:
                self._resume_elsewhere(group, moment)

    def occupied_zones(self) -> frozenset[str]:
        """Ids of the zones in which an episode is open."""
        return frozenset(zone_id for zone_id, watch in self._watches.items() if watch.is_occupied)

    def _look(self, observation: Observation) -> Look:
        observed_s = self._time.look(observation.captured_s)
        subjects = self._subjects.observe(observation.tracks, observed_s or 0.0)
        worn = worn_by_track(observation.tracks) if self._requires_equipment else {}
        moment = moment_of(observation)
        self._correlation_id = moment.correlation_id
        return Look(moment, observed_s, observation.tracks, tuple(subjects), worn)

    def _watch(self, zone: Zone, moment: Moment) -> ZoneWatch:
        watch = self._watches.get(zone.zone_id)
        if watch is None:
            return ZoneWatch(zone, self._book)
        if watch.zone != zone:
            watch.reconfigure(zone, moment)
        return watch

    def _switch_fallen(self, fallen: bool, moment: Moment) -> None:
        if self._fallen is not None and not fallen:
            self._fallen.close(moment, RULE_OFF)
            self._fallen = None
        elif self._fallen is None and fallen:
            self._fallen = Fallen(self._book)

    def _resume_elsewhere(self, episodes: Sequence[SavedEpisode], moment: Moment) -> None:
        for one in episodes:
            if one.event_type == EventType.PERSON_FALLEN.value and self._fallen is not None:
                self._fallen.resume(one)
            else:
                self._book.give_up(one, moment, ZONE_REMOVED if one.zone_id else RULE_OFF)

    def _set_memory(self) -> None:
        """Subjects are remembered for as long as any zone may still ask for them."""
        zones = [watch.zone for watch in self._watches.values()]
        memories = [zone.gap_grace_s + zone.cooldown_s for zone in zones]
        if self._fallen is not None:
            memories.append(FALLEN_PATIENCE.gap_grace_s + FALLEN_PATIENCE.cooldown_s)
        self._subjects.grace_s = max((zone.gap_grace_s for zone in zones), default=_DEFAULT_GRACE_S)
        self._subjects.memory_s = max(memories, default=_DEFAULT_GRACE_S)
        self._requires_equipment = any(zone.require for zone in zones)

    def _moment(self, now_wall: datetime, now_s: float) -> Moment:
        return Moment(now_wall, now_s, self._correlation_id)
