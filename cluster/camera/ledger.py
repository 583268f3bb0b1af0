"""Turns what a camera sees and what becomes of it into events that are safe on disk."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from cluster.camera.episode_file import readable_episodes
from cluster.camera.event_times import EventTimes, TimedSink
from cluster.camera.outbox import Outbox
from cluster.camera.snapshot import SnapshotJpegs, snapshot_jpegs
from cluster.safety.camera_rules import DEGRADED, UNMONITORED, CameraHealthRules
from cluster.safety.episodes import SavedEpisode
from cluster.safety.errors import OutboxFull
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.frames import Frame
from cluster.safety.left_open import ended_elsewhere, taken_up
from cluster.safety.pictures import ZoneOutline
from cluster.safety.status import SWITCHED_OFF, CameraStatus
from cluster.safety.tracks import Observation
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone, ZoneKind
from cluster.settings.cameras import Assignment
from cluster.settings.site import SiteSettings

_log = structlog.get_logger()
HEALTH_TYPES = frozenset({UNMONITORED, DEGRADED})


class EventSink(Protocol):
    """Where events become durable; `accept` returns only when they are.

    Raises OutboxFull if they are not: the sink keeps them in memory, and writes them with the next call.
    """

    def accept(
        self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None, open_episodes: Sequence[dict[str, Any]]
    ) -> None: ...


class EpisodeLedger:
    """Owns the rules of one camera. Every method may be called from any thread; one lock orders them.

    The rules move on only together with the disk: what they say, and what is open, is accepted by the sink in
    one step. What it could not write it is offered again with every step until it can.
    """

    def __init__(
        self,
        rules: CameraRules,
        health: CameraHealthRules,
        sink: EventSink,
        *,
        zones: Sequence[Zone],
        on_events: Callable[[], None],
        jpeg_quality: int = 90,
        time_zone: tzinfo = UTC,
    ) -> None:
        self._rules, self._health, self._sink = rules, health, sink
        self._zones = tuple(zones)
        self._on_events = on_events
        self._jpeg_quality, self._time_zone = jpeg_quality, time_zone
        self._lock = threading.Lock()
        self._unwritten = self._retired = False
        self._knows: frozenset[str] | None = None
        # Replaced as a whole and read without the lock: a heartbeat must not wait for a disk.
        self.open_events: tuple[str, ...] = ()
        self._violated_zones = 0

    def resume(
        self,
        saved: Sequence[Mapping[str, Any]],
        now_wall: datetime,
        now_s: float,
        told: Sequence[Mapping[str, Any]] = (),
        unsent: Collection[str] | None = None,
    ) -> None:
        """Takes up what an earlier process left open; once, before the first frame.

        `saved` is from the own disk; `told` is what the database shows open, for a camera that came from another node.
        `unsent`: of which events the own disk holds words that the database cannot know; None: `told` may not be all.
        """
        own, known = readable_episodes(saved), readable_episodes(told)
        over = [] if unsent is None else ended_elsewhere(own, known, unsent)
        if over:
            _log.warning("episodes_ended_elsewhere", event_ids=[one.event_id for one in over])
        episodes = taken_up([one for one in own if one not in over], known)
        with self._lock:
            self._health.resume([one for one in episodes if one.event_type in HEALTH_TYPES], now_wall, now_s)
            self._rules.resume([one for one in episodes if one.event_type not in HEALTH_TYPES], now_wall, now_s)
            if episodes != own:
                # The disk has to know of them before this process can die: the database may be away then.
                self._write((), None)
            self._note_open(self._open())

    def observe(self, observation: Observation, frame: Frame) -> list[SafetyEvent]:
        """Evaluates the rules on one looked-at frame."""
        with self._lock:
            if self._retired:
                return []
            self._learn(observation.knows)
            events = self._rules.observe(observation)
            self._accept(events, self._snapshot(events, frame))
        return events

    def status(
        self, status: CameraStatus, reason: str, now_wall: datetime, now_s: float, correlation_id: str
    ) -> list[SafetyEvent]:
        """Tells the health rules what the camera is worth, at least once a second."""
        with self._lock:
            if self._retired:
                return []
            if status not in (CameraStatus.MONITORED, CameraStatus.DEGRADED):
                self._rules.blind(now_wall, now_s)
            events = self._health.observe(status, reason, now_wall, now_s, correlation_id)
            self._accept(events, None)
        return events

    def unwatched(self, now_wall: datetime, now_s: float) -> None:
        """Nobody looks at the frames: open episodes stay open, nothing is counted until somebody looks again."""
        with self._lock:
            if not self._retired:
                self._rules.blind(now_wall, now_s)

    def apply(self, zones: Sequence[Zone], *, fallen: bool, now_wall: datetime, now_s: float) -> list[SafetyEvent]:
        """Changes the zones; episodes of untouched ones go on."""
        with self._lock:
            self._zones = tuple(zones)
            self._health.has_danger_zone = any(zone.kind is ZoneKind.DANGER for zone in zones)
            events = self._rules.apply(zones, fallen, now_wall, now_s)
            self._accept(events, None)
        return events

    def retire(self, now_wall: datetime, now_s: float, correlation_id: str) -> None:
        """Ends everything that is open; what a late thread still sees tells nothing any more."""
        with self._lock:
            if self._retired:
                return
            events = self._rules.apply((), False, now_wall, now_s)
            events += self._health.observe(CameraStatus.DISABLED, SWITCHED_OFF, now_wall, now_s, correlation_id)
            self._accept(events, None)
            self._retired = True

    def violated_zones(self) -> int:
        """In how many zones an episode is open; answers at once, like `open_events`."""
        return self._violated_zones

    def unjudged(self) -> frozenset[str]:
        """Objects that zones are about and that the model in service cannot find: those rules watch nothing."""
        knows = self._knows
        return frozenset() if knows is None else frozenset().union(*(zone.unjudged(knows) for zone in self._zones))

    def outlines(self) -> tuple[ZoneOutline, ...]:
        """The zones as they are drawn, with who is occupied."""
        with self._lock:
            return self._outlines()

    def _learn(self, knows: frozenset[str] | None) -> None:
        """Another model may find other things."""
        if knows is None or knows == self._knows:
            return
        self._knows = knows
        self._rules.know(knows)
        if unjudged := self.unjudged():
            _log.error("rules_not_judged", objects=sorted(unjudged), reason="the model in service cannot find them")

    def _outlines(self) -> tuple[ZoneOutline, ...]:
        occupied = self._rules.occupied_zones()
        return tuple(
            ZoneOutline(zone.zone_id, zone.name, zone.kind.value, zone.polygon, zone.zone_id in occupied)
            for zone in self._zones
        )

    def _snapshot(self, events: Sequence[SafetyEvent], frame: Frame) -> SnapshotJpegs | None:
        """The picture of the moment in which something opened; later revisions keep that one."""
        opened = [event for event in events if event.revision == 1]
        if not opened:
            return None
        worst = max(opened, key=lambda event: event.severity.rank)
        zones = self._outlines()
        return snapshot_jpegs(frame, worst, zones, quality=self._jpeg_quality, time_zone=self._time_zone)

    def _accept(self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None) -> None:
        if events or self._unwritten:
            self._write(events, snapshot)

    def _open(self) -> list[SavedEpisode]:
        return [*self._rules.open_episodes(), *self._health.open_episodes()]

    def _note_open(self, episodes: Sequence[SavedEpisode]) -> None:
        still_open = [one for one in episodes if one.state is not EpisodeState.CLOSED]
        self.open_events = tuple(one.event_id for one in still_open)
        self._violated_zones = len({one.zone_id for one in still_open if one.zone_id})

    def _write(self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None) -> None:
        episodes = self._open()
        self._note_open(episodes)
        _say("event_raised", events)
        try:
            self._sink.accept(events, snapshot, [saved.to_dict() for saved in episodes])
        except OutboxFull as error:
            self._unwritten = True
            _log.critical("events_only_in_memory", reason=str(error))
        else:
            self._unwritten = False
            _say("event_kept", events)
        self._on_events()


def _say(name: str, events: Sequence[SafetyEvent]) -> None:
    """A line for each: what the rules say (`event_raised`), then that it is on disk (`event_kept`)."""
    for event in events:
        _log.info(
            name,
            camera_id=event.camera_id,
            correlation_id=event.correlation_id,
            event_id=event.event_id,
            revision=event.revision,
            event_type=event.event_type,
            severity=event.severity.value,
            state=event.state.value,
            zone_id=event.zone_id,
        )


def open_ledger(
    assignment: Assignment, site: SiteSettings, outbox: Outbox, on_events: Callable[[], None], times: EventTimes
) -> EpisodeLedger:
    """The ledger of one lease, with what the owner before left open."""
    camera, epoch = assignment.camera, assignment.epoch
    ledger = EpisodeLedger(
        CameraRules(camera.camera_id, epoch, camera.zones, fallen=camera.fallen),
        CameraHealthRules(camera.camera_id, epoch, camera.has_danger_zone),
        TimedSink(outbox, times),
        zones=camera.zones,
        on_events=on_events,
        jpeg_quality=site.snapshots.jpeg_quality,
        time_zone=ZoneInfo(site.time_zone),
    )
    unsent = outbox.unsent_ids() if assignment.open_known else None
    ledger.resume(outbox.open_episodes(), datetime.now(UTC), time.monotonic(), assignment.open_episodes, unsent)
    return ledger
