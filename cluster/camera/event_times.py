"""How long a frame's event takes into the outbox, and into the database."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from cluster.camera.snapshot import SnapshotJpegs
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import Frame
from cluster.telemetry import metrics

_MOST_ON_THEIR_WAY = 1000


class Sink(Protocol):
    """`cluster.camera.ledger.EventSink`."""

    def accept(
        self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None, open_episodes: Sequence[dict[str, Any]]
    ) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


class EventTimes:
    """Remembers when the frame of each revision was captured, until it is recorded; any thread may call.

    What no frame caused (a blind camera) counts from the moment in which it was said. What an earlier process left on
    the disk counts by the wall clock of this machine: the monotonic one says nothing about that process, and to leave
    those out would leave out the worst.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], datetime] = utc_now) -> None:
        self._clock, self._wall = clock, wall
        self._lock = threading.Lock()
        self._frame = ("", 0.0)
        self._on_their_way: OrderedDict[tuple[str, int], float] = OrderedDict()

    def looking_at(self, frame: Frame) -> None:
        """The frame of which the next events may be; one at a time."""
        self._frame = (frame.correlation_id, frame.captured_s)

    def said(self, events: Iterable[SafetyEvent]) -> None:
        """Before they are accepted: from then on they may be recorded at any moment."""
        correlation_id, captured_s = self._frame
        now_s = self._clock()
        with self._lock:
            for event in events:
                begun_s = captured_s if event.correlation_id == correlation_id else now_s
                self._on_their_way.setdefault((event.event_id, event.revision), begun_s)
            while len(self._on_their_way) > _MOST_ON_THEIR_WAY:
                self._on_their_way.popitem(last=False)

    def accepted(self, events: Iterable[SafetyEvent]) -> None:
        """They are on disk."""
        for event in events:
            begun_s = self._on_their_way.get((event.event_id, event.revision))
            if begun_s is not None:
                metrics.event_record.observe(self._clock() - begun_s, {"stage": "outbox"})

    def recorded(self, events: Iterable[SafetyEvent]) -> None:
        """They are committed rows."""
        for event in events:
            with self._lock:
                begun_s = self._on_their_way.pop((event.event_id, event.revision), None)
            took_s = self._clock() - begun_s if begun_s is not None else self._by_the_wall_s(event)
            metrics.event_record.observe(took_s, {"stage": "row"})

    def _by_the_wall_s(self, event: SafetyEvent) -> float:
        return max(0.0, (self._wall() - event.updated_at).total_seconds())


class TimedSink:
    """A sink whose events are timed."""

    def __init__(self, sink: Sink, times: EventTimes) -> None:
        self._sink, self._times = sink, times

    def accept(
        self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None, open_episodes: Sequence[dict[str, Any]]
    ) -> None:
        """As the sink."""
        self._times.said(events)
        self._sink.accept(events, snapshot, open_episodes)
        self._times.accepted(events)
