"""An outbox that the agent of a node works on, when its camera comes back: it must not wait for a slow Recorder."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from counterparts.left_outboxes import SETTINGS, THERE, LeasingRecorder, lives
from counterparts.waiting import PATIENCE_S, wait_for

from cluster.camera.forwarding import Forwarding
from cluster.camera.outbox import Outbox
from cluster.camera.outbox_drain import OutboxDrain
from cluster.safety.errors import DatabaseUnavailable, OutboxBusy


class Slow:
    """A call that does not come back before the test ends."""

    def __init__(self) -> None:
        self.called, self.over = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.called.set()
        self.over.wait(2 * PATIENCE_S)


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.over.set()


@pytest.fixture
def draining(drain: OutboxDrain) -> Iterator[Callable[[], None]]:
    thread = threading.Thread(target=drain.run, daemon=True)
    yield thread.start
    drain.stop()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


@pytest.mark.parametrize("call", ["fails", "picture_fails"], ids=["events", "pictures"])
def test_a_camera_that_comes_back_gets_its_folder_while_a_call_hangs(
    call: str,
    leave: Callable[..., Path],
    make_snapshot: Any,
    recorder: LeasingRecorder,
    drain: OutboxDrain,
    slow: Slow,
    draining: Callable[[], None],
) -> None:
    folder = leave(1, snapshot=make_snapshot(1))
    setattr(recorder, call, slow)
    drain.learn(lives(THERE))
    draining()
    assert slow.called.wait(PATIENCE_S)

    def camera_starts() -> Outbox | None:
        try:
            return Outbox(folder, SETTINGS, "gate-1")
        except OutboxBusy:
            return None

    owner = wait_for("the camera to own its folder", camera_starts, every_s=0.05)

    assert not slow.over.is_set()
    assert owner.depth() + owner.pictures_waiting() == 1, "what was not heard for certain is said again"
    owner.close()


def test_a_call_that_nobody_disturbs_is_waited_for_and_fails_as_it_fails(
    leave: Callable[..., Path], recorder: LeasingRecorder
) -> None:
    forwarding = Forwarding(leave(1), SETTINGS, recorder, jitter=lambda: 0.0)
    away = iter([DatabaseUnavailable("the database is away")])
    recorder.fails = lambda: next(away, None)

    forwarding.send()
    assert (forwarding.failure, recorder.rows) == ("the database is away", {})

    wait_for("the next attempt", lambda: forwarding.send() == 0.0, every_s=0.02)
    assert (forwarding.failure, list(recorder.rows)) == ("", ["event-1"])
    forwarding.close()


@pytest.mark.parametrize("end", [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()])
def test_a_call_that_was_broken_off_was_not_heard(
    leave: Callable[..., Path], recorder: LeasingRecorder, end: BaseException
) -> None:
    def broken_off() -> None:
        raise end

    forwarding = Forwarding(leave(1), SETTINGS, recorder)
    recorder.fails = broken_off

    forwarding.send()

    assert (forwarding.outbox.depth(), recorder.rows) == (1, {}), "it is still to be said"
    assert type(end).__name__ in forwarding.failure
    forwarding.close()


@pytest.mark.parametrize("fault", [OSError("a bad sector"), RuntimeError("a fault")])
def test_a_folder_that_cannot_be_read_is_not_kept_from_its_camera(
    leave: Callable[..., Path], recorder: LeasingRecorder, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    folder = leave(1)

    def unreadable(*_: Any) -> Any:
        raise fault

    with monkeypatch.context() as damaged:
        damaged.setattr(Outbox, "pending", unreadable)
        with pytest.raises(type(fault)):
            Forwarding(folder, SETTINGS, recorder)

    Outbox(folder, SETTINGS, "gate-1").close()


def test_an_open_episode_that_is_none_keeps_back_no_other(
    leave: Callable[..., Path], recorder: LeasingRecorder
) -> None:
    folder = leave(1, 2)
    newest = max(folder.glob("*.json"))
    record = json.loads(newest.read_text())
    newest.write_text(json.dumps({**record, "open_episodes": ["no object", *record["open_episodes"]]}))

    forwarding = Forwarding(folder, SETTINGS, recorder)

    assert [one.event_id for one in forwarding.left_open()] == ["event-1", "event-2"]
    forwarding.close()
