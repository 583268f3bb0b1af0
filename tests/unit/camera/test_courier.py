import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.camera.courier import Courier
from cluster.camera.retry_pause import RetryPause
from cluster.safety.errors import DatabaseUnavailable, LeaseLost, SnapshotsUnavailable, StorageError
from cluster.safety.events import SafetyEvent

LONG_S = 30.0


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class FakeRecorder:
    """`fails` and `picture_fails` are asked before each call; what they return is raised."""

    fails: Callable[[list[SafetyEvent]], Exception | None] = lambda events: None
    picture_fails: Callable[[str], Exception | None] = lambda event_id: None
    calls: list[list[str]] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    with_pictures: set[str] = field(default_factory=set)
    pictures: list[tuple[str, str, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)

    def record(self, camera_id, sender_epoch, events, with_pictures) -> None:
        assert (camera_id, sender_epoch) == ("gate-1", 3)
        self.calls.append([event.event_id for event in events])
        if (error := self.fails(events)) is not None:
            raise error
        self.rows += [event.event_id for event in events]
        self.with_pictures |= with_pictures
        self.heard.set()

    def store_picture(self, camera_id, event_id, kind, correlation_id, jpeg) -> None:
        if (error := self.picture_fails(event_id)) is not None:
            raise error
        assert jpeg.startswith(kind.encode())
        self.pictures.append((event_id, kind, correlation_id))

    def picture_lost(self, camera_id, event_id) -> None:
        self.lost.append(event_id)


@dataclass
class Post:
    outbox: Any
    recorder: FakeRecorder
    courier: Courier
    clock: Clock
    lease_lost: list[bool]

    def attempts(self, count: int) -> None:
        """So many attempts, each as soon as it is due."""
        for _ in range(count):
            self.clock.now_s += self.courier.send_events()

    def picture_attempts(self, count: int) -> None:
        for _ in range(count):
            self.clock.now_s += self.courier.send_pictures()


@pytest.fixture
def post(open_outbox) -> Post:
    outbox, recorder, clock, lease_lost = open_outbox(), FakeRecorder(), Clock(), []
    courier = Courier(
        outbox,
        recorder,
        camera_id="gate-1",
        epoch=3,
        retry_max_s=5.0,
        on_lease_lost=lambda: lease_lost.append(True),
        clock=clock,
        jitter=lambda: 0.0,
    )
    return Post(outbox, recorder, courier, clock, lease_lost)


def names(*numbers: int) -> list[str]:
    return [f"event-{n}" for n in numbers]


def test_events_go_in_order_up_to_32_a_call(post: Post, make_event) -> None:
    for n in range(1, 41):
        post.outbox.accept([make_event(n)], None, [])

    post.attempts(2)

    assert [len(call) for call in post.recorder.calls] == [32, 8]
    assert post.recorder.rows == names(*range(1, 41))
    assert post.outbox.depth() == 0


def test_a_database_that_is_away_costs_nothing_but_time(post: Post, make_event) -> None:
    for n in range(1, 6):
        post.outbox.accept([make_event(n)], None, [])
    post.recorder.fails = lambda events: DatabaseUnavailable("refused")
    post.attempts(40)
    assert post.outbox.depth() == 5

    post.recorder.fails = lambda events: None
    post.attempts(12)

    assert sorted(post.recorder.rows) == names(*range(1, 6))
    assert post.outbox.depth() == 0
    assert post.outbox.dropped() == dict.fromkeys(post.outbox.dropped(), 0)


@pytest.mark.parametrize("error", [DatabaseUnavailable("x"), TimeoutError(), ConnectionError(), RuntimeError("fault")])
def test_any_failure_is_tried_again(post: Post, make_event, error: Exception) -> None:
    post.outbox.accept([make_event(1)], None, [])
    answers = [error, None]
    post.recorder.fails = lambda events: answers.pop(0)

    post.attempts(2)

    assert post.recorder.rows == names(1)


def test_failed_calls_become_smaller_and_then_larger_again(post: Post, make_event) -> None:
    for n in range(1, 101):
        post.outbox.accept([make_event(n)], None, [])
    post.recorder.fails = lambda events: TimeoutError() if len(events) > 4 else None

    post.attempts(5)

    assert [len(call) for call in post.recorder.calls] == [32, 16, 8, 4, 8]


@pytest.mark.parametrize("error", [StorageError("no row can hold it"), ValueError("of another camera")])
def test_an_event_that_the_recorder_cannot_take_holds_up_nobody(post: Post, make_event, error: Exception) -> None:
    for n in range(1, 5):
        post.outbox.accept([make_event(n)], None, [])
    post.recorder.fails = lambda events: error if "event-2" in names_of(events) else None

    with capture_logs() as logs:
        post.attempts(8)

    assert post.recorder.rows == names(1, 3, 4)
    assert post.outbox.depth() == 1
    assert "event_deferred" in [entry["event"] for entry in logs]


def test_an_event_whose_call_always_times_out_steps_behind_the_others(post: Post, make_event) -> None:
    post.outbox.accept([make_event(1)], None, [])
    post.recorder.fails = lambda events: TimeoutError() if "event-1" in names_of(events) else None
    post.attempts(4)

    post.outbox.accept([make_event(2)], None, [])
    post.courier.wake()
    post.clock.now_s += 0.2
    post.courier.send_events()

    assert post.recorder.rows == names(2)


def names_of(events: list[SafetyEvent]) -> list[str]:
    return [event.event_id for event in events]


def test_pauses_double_up_to_the_longest_and_begin_anew_after_success() -> None:
    clock = Clock()
    pause = RetryPause(5.0, clock, lambda: 0.0)

    assert [pause.failed() for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert pause.left_s() == 5.0
    pause.succeeded()
    assert (pause.left_s(), pause.failed()) == (0.0, 0.2)


def test_pauses_of_many_cameras_differ() -> None:
    pauses = [RetryPause(5.0, Clock(), lambda share=share: share).failed() for share in (0.0, 0.5, 1.0)]

    assert pauses == pytest.approx([0.2, 0.15, 0.1])


def test_a_new_event_shortens_the_pause_but_not_below_the_first(post: Post, make_event) -> None:
    post.outbox.accept([make_event(1)], None, [])
    post.recorder.fails = lambda events: DatabaseUnavailable("refused")
    post.attempts(8)
    post.courier.send_events()
    calls = len(post.recorder.calls)

    post.courier.wake()
    post.courier.send_events()
    assert len(post.recorder.calls) == calls
    post.clock.now_s += 0.2
    post.courier.send_events()

    assert len(post.recorder.calls) == calls + 1


def test_a_lost_lease_ends_the_sending_and_keeps_the_files(post: Post, make_event) -> None:
    post.outbox.accept([make_event(1)], None, [])
    post.recorder.fails = lambda events: LeaseLost("gate-1", 3, 4)

    post.courier.run()

    assert post.lease_lost == [True]
    assert len(post.recorder.calls) == 1
    assert post.outbox.depth() == 1
    assert post.courier.flush(LONG_S) is False


def test_pictures_follow_their_row_the_drawn_one_last(post: Post, make_event, make_snapshot) -> None:
    post.outbox.accept([make_event(1)], make_snapshot(1), [])
    post.picture_attempts(1)
    assert post.recorder.pictures == []

    post.attempts(1)
    post.picture_attempts(1)

    assert post.recorder.with_pictures == {"event-1"}
    assert post.recorder.pictures == [("event-1", "clean", "gate-1-3-1"), ("event-1", "drawn", "gate-1-3-1")]
    assert post.outbox.pictures_waiting() == 0


def test_a_snapshot_store_that_is_away_delays_pictures_and_no_row(post: Post, make_event, make_snapshot) -> None:
    post.recorder.picture_fails = lambda event_id: SnapshotsUnavailable("read-only")
    for n in (1, 2, 3):
        post.outbox.accept([make_event(n)], make_snapshot(n), [])
        post.attempts(1)
        post.courier.send_pictures()
    assert post.recorder.rows == names(1, 2, 3)
    assert post.outbox.pictures_waiting() == 3

    post.recorder.picture_fails = lambda event_id: None
    post.clock.now_s += LONG_S
    post.picture_attempts(4)

    assert {event_id for event_id, _, _ in post.recorder.pictures} == set(names(1, 2, 3))
    assert post.outbox.pictures_waiting() == 0


def test_a_picture_that_cannot_be_stored_holds_up_no_other(post: Post, make_event, make_snapshot) -> None:
    for n in (1, 2):
        post.outbox.accept([make_event(n)], make_snapshot(n), [])
    post.attempts(2)
    post.recorder.picture_fails = lambda event_id: ValueError("name") if event_id == "event-1" else None

    post.picture_attempts(4)

    assert {event_id for event_id, _, _ in post.recorder.pictures} == {"event-2"}
    assert post.outbox.pictures_waiting() == 1


def test_a_picture_that_was_given_up_is_said_to_be_lost(post: Post, make_event, make_snapshot) -> None:
    post.outbox.accept([make_event(1)], make_snapshot(1, 64 * 1024 * 1024), [])
    post.attempts(1)
    post.picture_attempts(1)

    assert post.recorder.with_pictures == {"event-1"}
    assert post.recorder.lost == ["event-1"]
    assert post.outbox.pictures_waiting() == 0


@pytest.fixture
def running(open_outbox):
    """A courier in its thread, on the real clock."""
    outbox, recorder = open_outbox(), FakeRecorder()
    courier = Courier(outbox, recorder, camera_id="gate-1", epoch=3, retry_max_s=5.0, on_lease_lost=lambda: None)
    thread = threading.Thread(target=courier.run)
    thread.start()
    yield outbox, recorder, courier, thread
    courier.stop()
    thread.join(LONG_S)
    assert not thread.is_alive()


def test_an_accepted_event_leaves_when_the_courier_is_woken(running, make_event) -> None:
    outbox, recorder, courier, _ = running

    outbox.accept([make_event(1)], None, [])
    courier.wake()

    assert recorder.heard.wait(LONG_S)
    assert recorder.rows == names(1)


def test_flush_waits_for_events_and_their_pictures(running, make_event, make_snapshot) -> None:
    outbox, recorder, courier, _ = running
    for n in range(1, 11):
        outbox.accept([make_event(n)], make_snapshot(n), [])

    assert courier.flush(LONG_S) is True

    assert recorder.rows == names(*range(1, 11))
    assert len(recorder.pictures) == 20


def test_flush_does_not_wait_for_pictures_that_nobody_takes(running, make_event, make_snapshot) -> None:
    outbox, recorder, courier, _ = running
    recorder.picture_fails = lambda event_id: SnapshotsUnavailable("away")
    outbox.accept([make_event(1)], make_snapshot(1), [])

    assert courier.flush(LONG_S) is True

    assert outbox.pictures_waiting() == 1


def test_flush_gives_up_at_its_time_and_loses_nothing(post: Post, make_event) -> None:
    post.outbox.accept([make_event(1)], None, [])
    post.clock.now_s = float("inf")

    assert post.courier.flush(1.0) is False

    assert post.outbox.depth() == 1
