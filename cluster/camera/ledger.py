"""Turns what a camera sees and what becomes of it into events that are safe on disk."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from cluster.camera.snapshot import SnapshotJpegs, snapshot_jpegs
from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.errors import OutboxFull
from cluster.safety.events import SafetyEvent, Severity
from cluster.safety.frames import Frame
from cluster.safety.pictures import ZoneOutline
from cluster.safety.status import CameraStatus
from cluster.safety.tracks import Observation
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone

_log = structlog.get_logger()
_MOST_HELD = 1000


class EventSink(Protocol):
    """Where events become durable; `accept` returns only when they are."""

    def accept(
        self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None, open_episodes: Sequence[dict[str, object]]
    ) -> None: ...


class EpisodeLedger:
    """Owns the rules of one camera. Every method may be called from any thread; one lock orders them.

    The rules move on only together with the disk: what they say is accepted by the sink in the same step,
    and what the sink could not take is held here and offered again with the next step.
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
    ) -> None:
        self._rules, self._health, self._sink = rules, health, sink
        self._zones = tuple(zones)
        self._on_events = on_events
        self._jpeg_quality = jpeg_quality
        self._lock = threading.Lock()
        self._held: list[SafetyEvent] = []

    def observe(self, observation: Observation, frame: Frame) -> list[SafetyEvent]:
        """Evaluates the rules on one looked-at frame."""
        with self._lock:
            events = self._rules.observe(observation)
            self._accept(events, self._snapshot(events, frame))
        return events

    def status(
        self, status: CameraStatus, reason: str, now_wall: datetime, now_s: float, correlation_id: str
    ) -> list[SafetyEvent]:
        """Tells the health rules what the camera is worth, at least once a second."""
        with self._lock:
            if status not in (CameraStatus.MONITORED, CameraStatus.DEGRADED):
                self._rules.blind(now_wall, now_s)
            events = self._health.observe(status, reason, now_wall, now_s, correlation_id)
            self._accept(events, None)
        return events

    def apply(self, zones: Sequence[Zone], *, fallen: bool, now_wall: datetime, now_s: float) -> list[SafetyEvent]:
        """Changes the zones; episodes of untouched ones go on."""
        with self._lock:
            self._zones = tuple(zones)
            events = self._rules.apply(zones, fallen, now_wall, now_s)
            self._accept(events, None)
        return events

    def outlines(self) -> tuple[ZoneOutline, ...]:
        """The zones as they are drawn, with who is occupied."""
        with self._lock:
            return self._outlines()

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
        return snapshot_jpegs(frame, worst, self._outlines(), quality=self._jpeg_quality)

    def _accept(self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None) -> None:
        if not events and not self._held:
            return
        offered = [*self._held, *events]
        episodes = [saved.to_dict() for saved in (*self._rules.open_episodes(), *self._health.open_episodes())]
        try:
            self._sink.accept(offered, snapshot, episodes)
        except (OutboxFull, OSError) as error:
            self._hold(offered, error)
        else:
            self._held = []
            self._on_events()

    def _hold(self, events: list[SafetyEvent], error: Exception) -> None:
        """The disk is full or gone: keep what there is, the least severe goes first when that is too much."""
        _log.critical("events_held_in_memory", events=len(events), reason=str(error))
        if len(events) > _MOST_HELD:
            lost = len(events) - _MOST_HELD
            _log.critical("events_lost", events=lost, reason="disk unusable and memory bound reached")
            expendable = sorted(range(len(events)), key=lambda i: (events[i].severity is Severity.CRITICAL, i))[:lost]
            events = [event for i, event in enumerate(events) if i not in set(expendable)]
        self._held = events
