"""How long events are on their way."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.camera.event_times import EventTimes, TimedSink
from cluster.safety.errors import OutboxFull
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.frames import correlation_id
from cluster.telemetry import metrics

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
FRAME = SimpleNamespace(correlation_id=correlation_id("gate-1", 3, 7), captured_s=100.0)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def event(frame: str = FRAME.correlation_id, revision: int = 1) -> SafetyEvent:
    return SafetyEvent(
        "id", revision, "gate-1", "press", "DANGER_ZONE_INTRUSION", Severity.CRITICAL, EpisodeState.OPEN, "person:7", 3,
        frame, NOON, NOON,
    )  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    told: list[tuple[str, float]] = []
    monkeypatch.setattr(metrics.event_record, "observe", lambda took_s, tags: told.append((tags["stage"], took_s)))
    return told


class Disk:
    """A sink that takes `writes_s` seconds, or fails."""

    def __init__(self, clock: Clock, error: Exception | None = None) -> None:
        self.clock, self.error = clock, error

    def accept(self, *_: Any) -> None:
        self.clock.now_s += 0.5
        if self.error is not None:
            raise self.error


def test_from_the_capture_of_the_frame_to_the_disk_and_to_the_row(told: list[tuple[str, float]]) -> None:
    clock = Clock()
    times = EventTimes(clock)
    times.looking_at(FRAME)
    clock.now_s = 100.25

    TimedSink(Disk(clock), times).accept([event()], None, [])
    clock.now_s = 102.0
    times.recorded([event()])

    assert told == [("outbox", 0.75), ("row", 2.0)]


def test_what_no_frame_caused_counts_from_when_it_was_said(told: list[tuple[str, float]]) -> None:
    clock = Clock()
    times = EventTimes(clock)
    times.looking_at(FRAME)
    clock.now_s = 160.0

    times.said([event("gate-1-3-99")])
    clock.now_s = 161.0
    times.recorded([event("gate-1-3-99")])

    assert told == [("row", 1.0)]


def test_what_the_disk_refused_is_timed_until_it_is_recorded_from_memory(told: list[tuple[str, float]]) -> None:
    clock = Clock()
    times = EventTimes(clock)
    times.looking_at(FRAME)

    with pytest.raises(OutboxFull):
        TimedSink(Disk(clock, OutboxFull("/data", "no space")), times).accept([event()], None, [])
    clock.now_s = 103.0
    times.recorded([event()])

    assert told == [("row", 3.0)]


@pytest.mark.parametrize(("later_s", "took_s"), [(90, 90.0), (-5, 0.0)], ids=["later", "the clock was set back"])
def test_what_an_earlier_process_left_counts_by_the_wall_clock(
    told: list[tuple[str, float]], later_s: float, took_s: float
) -> None:
    EventTimes(wall=lambda: NOON + timedelta(seconds=later_s)).recorded([event()])

    assert told == [("row", took_s)]


def test_a_revision_that_is_offered_again_counts_from_its_own_frame(told: list[tuple[str, float]]) -> None:
    clock = Clock()
    times = EventTimes(clock)
    times.looking_at(FRAME)
    times.said([event()])
    clock.now_s = 150.0

    times.said([event(), event(revision=2)])
    times.recorded([event()])

    assert told == [("row", 50.0)]


def test_it_does_not_remember_without_bound(told: list[tuple[str, float]]) -> None:
    times = EventTimes(wall=lambda: NOON)
    times.looking_at(FRAME)

    times.said(event(revision=number) for number in range(1, 1500))

    assert len(times._on_their_way) == 1000
