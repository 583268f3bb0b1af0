"""The outboxes that a camera left on a node where it lives no more."""

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.camera.forwarding import Forwarding
from cluster.camera.outbox import Outbox
from cluster.camera.outbox_drain import MOVED, SWITCHED_OFF, OutboxDrain
from cluster.camera.outbox_files import WANTED
from cluster.camera.places import CameraPlace, Places
from cluster.safety.errors import DatabaseUnavailable, LeaseLost, OutboxBusy, SnapshotsUnavailable
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.left_open import from_event
from cluster.settings.site import OutboxSettings
from cluster.telemetry import metrics

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HERE, THERE = "node-a", "node-b"
SETTINGS = OutboxSettings(max_bytes=8 * 1024 * 1024, reserve_bytes=0, retry_max_s=0.3)
GENEROUS_S = 60.0


@dataclass
class FakeRecorder:
    """Leases and rows with the conditions of the real ones; `fails` is asked before each call."""

    fails: Callable[[], Exception | None] = lambda: None
    picture_fails: Callable[[], Exception | None] = lambda: None
    leases: dict[str, int] = field(default_factory=dict)
    rows: dict[str, SafetyEvent] = field(default_factory=dict)
    told: list[tuple[str, int, str]] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)

    def record(self, camera_id, sender_epoch, events, with_pictures) -> None:
        if (error := self.fails()) is not None:
            raise error
        current = self.leases.get(camera_id, 0)
        if sender_epoch < current:
            raise LeaseLost(camera_id, sender_epoch, current)
        self.leases[camera_id] = sender_epoch
        for event in events:
            row = self.rows.get(event.event_id)
            if row is None or (row.epoch, row.revision) < (event.epoch, event.revision):
                self.rows[event.event_id] = event
                self.told.append((event.event_id, event.revision, event.state.value))

    def store_picture(self, camera_id, event_id, kind, correlation_id, jpeg) -> None:
        if (error := self.picture_fails()) is not None:
            raise error
        self.pictures.append((event_id, kind))

    def picture_lost(self, camera_id, event_id) -> None:
        self.pictures.append((event_id, "lost"))


@pytest.fixture
def recorder() -> FakeRecorder:
    return FakeRecorder(leases={"gate-1": 9})


@pytest.fixture
def drain(tmp_path: Path, recorder: FakeRecorder) -> OutboxDrain:
    return OutboxDrain(tmp_path, HERE, SETTINGS, recorder, jitter=lambda: 0.0)


@pytest.fixture
def leave(tmp_path: Path, make_event: Any) -> Callable[..., Path]:
    """leave(1, 2): an outbox of a camera that ended with these events open and not sent (`sent`: sent)."""

    def make(*numbers: int, camera_id: str = "gate-1", sent: bool = False, snapshot: Any = None) -> Path:
        folder = tmp_path / camera_id
        outbox = Outbox(folder, SETTINGS, camera_id)
        opened = [make_event(n, camera_id=camera_id) for n in numbers]
        for count, event in enumerate(opened, 1):
            outbox.accept([event], snapshot, [from_event(one).to_dict() for one in opened[:count]])
        for item in outbox.pending(100) if sent else []:
            outbox.done(item)
        outbox.close()
        return folder

    return make


def lives(node_id: str, epoch: int = 9, *open_events: str) -> Places:
    return Places({"gate-1": CameraPlace(node_id, epoch, frozenset(open_events))}, complete=True)


def test_what_a_camera_left_is_delivered_and_what_nobody_took_up_ends(drain, leave, recorder, make_snapshot) -> None:
    folder = leave(1, 2, snapshot=dataclasses.replace(make_snapshot(1), correlation_id=""))
    drain.learn(lives(THERE, 9, "event-2"))

    drain.drain_all()

    assert recorder.told == [("event-1", 1, "open"), ("event-2", 1, "open"), ("event-1", 2, "closed")]
    end = recorder.rows["event-1"]
    assert (end.epoch, end.detail["reason"], end.closed_at) == (8, MOVED, NOON + timedelta(seconds=2))
    assert recorder.pictures == [(f"event-{n}", kind) for n in (1, 2) for kind in ("clean", "drawn")]
    assert recorder.leases == {"gate-1": 9}, "never above the owner's"
    assert not folder.exists()
    assert drain.waiting() == ()


@pytest.mark.parametrize(
    "places",
    [
        Places(),
        Places({}, complete=False),
        lives(HERE),
        lives(HERE, 0),
    ],
    ids=["nothing known", "not all known", "at home", "about to start at home"],
)
def test_a_folder_that_may_be_somebodys_is_left_alone(drain, leave, recorder, places) -> None:
    folder = leave(1)
    before = sorted(path.name for path in folder.iterdir())
    drain.learn(places)

    drain.drain_all()

    assert recorder.told == []
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_folder_that_a_process_owns_is_left_alone(drain, leave, recorder) -> None:
    owner = Outbox(leave(1), SETTINGS, "gate-1")
    drain.learn(lives(THERE))

    drain.drain_all()
    assert recorder.told == []
    assert drain.waiting() == ()

    owner.close()
    drain.drain_all()
    assert recorder.rows["event-1"].state is EpisodeState.CLOSED


@pytest.mark.parametrize(
    "place", [CameraPlace(""), CameraPlace(THERE, 0)], ids=["nowhere yet", "has not said anything"]
)
def test_what_a_camera_has_open_stays_open_until_its_owner_has_spoken(drain, leave, recorder, place) -> None:
    folder = leave(1)
    drain.learn(Places({"gate-1": place}, complete=True))

    drain.drain_all()

    assert recorder.told == [("event-1", 1, "open")]
    assert folder.exists()
    heir = Outbox(folder, SETTINGS, "gate-1")
    assert [one["event_id"] for one in heir.open_episodes()] == ["event-1"]
    heir.close()


def test_a_camera_that_nobody_wants_any_more_ends_as_switched_off(drain, leave, recorder) -> None:
    folder = leave(1, sent=True)
    recorder.rows["event-1"] = from_owner = dataclasses.replace(_opened(1), epoch=8)
    drain.learn(Places({}, complete=True))

    drain.drain_all()

    row = recorder.rows["event-1"]
    assert (row.state, row.detail["reason"], row.epoch) == (EpisodeState.CLOSED, SWITCHED_OFF, 9)
    assert row.revision == from_owner.revision + 1
    assert not folder.exists()


def test_the_word_of_the_present_owner_holds_whoever_is_first(drain, leave, recorder) -> None:
    leave(1, 2)
    ended = dataclasses.replace(
        _opened(1), epoch=9, revision=1002, state=EpisodeState.CLOSED, subject="the owner's word"
    )
    recorder.rows["event-1"] = ended
    drain.learn(lives(THERE, 9))

    drain.drain_all()
    late = dataclasses.replace(_opened(2), epoch=9, revision=1002, detail={"resumed": True})
    recorder.record("gate-1", 9, [late], frozenset())

    assert recorder.rows["event-1"] is ended
    assert recorder.rows["event-2"] is late


def test_a_new_owner_in_the_middle_does_not_stop_the_delivery(drain, leave, recorder) -> None:
    leave(1)
    epochs = iter([11, 12])
    recorder.fails = lambda: (recorder.leases.update({"gate-1": next(epochs, 12)}), None)[1]
    drain.learn(lives(THERE, 9))

    drain.drain_all()

    assert ("event-1", 1, "open") in recorder.told
    assert recorder.leases == {"gate-1": 12}


def test_while_the_recorder_is_away_it_is_said_what_waits_and_nothing_is_lost(drain, leave, recorder) -> None:
    folder = leave(1)
    drain.learn(lives(THERE))
    away = iter([DatabaseUnavailable("the database is away")] * 3)
    seen: list[Any] = []

    def fails() -> Exception | None:
        seen.append(drain.waiting())
        return next(away, None)

    recorder.fails = fails
    drain.drain_all()

    assert seen[0] == ()
    ((waiting,), *_) = seen[1:]
    assert (waiting.camera_id, waiting.events, waiting.reason) == ("gate-1", 1, "the database is away")
    assert recorder.rows["event-1"].state is EpisodeState.CLOSED
    assert not folder.exists()


def test_a_picture_store_that_is_away_delays_no_event(drain, leave, recorder, make_snapshot) -> None:
    leave(1, snapshot=make_snapshot(1))
    told_before: list[int] = []
    away = iter([SnapshotsUnavailable("no bucket")] * 2)

    def fails() -> Exception | None:
        told_before.append(len(recorder.told))
        return next(away, None)

    recorder.picture_fails = fails
    drain.learn(lives(THERE))

    drain.drain_all()

    assert told_before[0] == 1
    assert recorder.pictures == [("event-1", "clean"), ("event-1", "drawn")]


def test_a_camera_that_comes_home_in_the_middle_gets_its_folder(tmp_path, drain, leave, recorder) -> None:
    folder = leave(1, 2, 3)
    drain.learn(lives(THERE))

    def camera_starts() -> Exception:
        with pytest.raises(OutboxBusy):
            Outbox(folder, SETTINGS, "gate-1")
        return DatabaseUnavailable("away")

    recorder.fails = camera_starts
    drain.drain_all()  # ends at once: it would try again for 20 s

    assert (folder / WANTED).exists()
    drain.drain_all()
    assert (folder / WANTED).exists(), "left to who asked"
    owner = Outbox(folder, SETTINGS, "gate-1")
    assert owner.depth() == 3
    assert not (folder / WANTED).exists()
    owner.close()


@pytest.mark.parametrize("asked_ago_s", [61.0, -7200.0], ids=["long ago", "before the clock was set back"])
def test_who_asked_for_a_folder_and_never_came_does_not_hold_up_its_events(
    drain, leave, recorder, asked_ago_s: float
) -> None:
    folder = leave(1)
    (folder / WANTED).touch()
    asked = time.time() - asked_ago_s
    os.utime(folder / WANTED, (asked, asked))
    drain.learn(lives(THERE))

    drain.drain_all()

    assert recorder.rows["event-1"].state is EpisodeState.CLOSED
    assert not folder.exists()


def test_a_folder_that_makes_trouble_keeps_back_no_other(drain, leave, recorder, monkeypatch) -> None:
    leave(1, camera_id="dock-1")
    leave(2, camera_id="gate-1")

    class Troubled(Forwarding):
        def left_open(self) -> Any:
            if self.camera_id == "dock-1":
                raise RuntimeError("a fault in this folder's work")
            return super().left_open()

    monkeypatch.setattr("cluster.camera.outbox_drain.Forwarding", Troubled)
    drain.learn(Places({}, complete=True))

    drain.drain_all()

    assert recorder.rows["event-2"].state is EpisodeState.CLOSED
    assert [one.reason for one in drain.waiting()] == ["cannot be drained: RuntimeError"]


def test_no_backlog_is_left_standing_in_the_figures(drain, leave, recorder, monkeypatch) -> None:
    said: list[float] = []
    monkeypatch.setattr(metrics.outbox_events, "set", lambda value, tags: said.append(value))
    leave(1)
    drain.learn(lives(THERE))

    drain.drain_all()

    assert (max(said), said[-1]) == (1, 0)


def test_no_picture_is_sent_while_a_camera_waits_for_the_folder(leave, recorder, make_snapshot) -> None:
    folder = leave(1, sent=True, snapshot=dataclasses.replace(make_snapshot(1), correlation_id=""))
    forwarding = Forwarding(folder, SETTINGS, recorder)
    with pytest.raises(OutboxBusy):
        Outbox(folder, SETTINGS, "gate-1")

    forwarding.send()
    assert recorder.pictures == []

    (folder / WANTED).unlink()
    forwarding.send()
    assert recorder.pictures == [("event-1", "clean"), ("event-1", "drawn")]
    forwarding.close()


def test_what_a_person_should_look_at_is_said_once_and_drained_again_when_it_changes(drain, leave, recorder) -> None:
    folder = leave(1)
    (folder / "0000000009.json").write_text("half a rec")
    drain.learn(lives(THERE))

    with capture_logs() as logs:
        for _ in range(3):
            drain.drain_all()
    assert [line["event"] for line in logs].count("outbox_not_removed") == 1

    leave(2)
    drain.drain_all()
    assert recorder.rows["event-2"].state is EpisodeState.CLOSED


def test_a_folder_that_a_person_has_mended_is_drained_and_removed(drain, leave, recorder) -> None:
    folder = leave(1)
    (folder / "0000000009.json").write_text("half a rec")
    drain.learn(lives(THERE))
    drain.drain_all()

    (folder / "0000000009.json.broken").unlink()
    drain.drain_all()

    assert not folder.exists()


def test_what_is_no_cameras_folder_is_not_touched(tmp_path, drain, recorder) -> None:
    for name in ("lost+found", "Gate 1", ".trash"):
        (tmp_path / name).mkdir()
    (tmp_path / "dock-1").write_text("a file")
    drain.learn(Places({}, complete=True))

    drain.drain_all()

    assert recorder.leases == {"gate-1": 9}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".trash", "Gate 1", "dock-1", "lost+found"]
    assert all(not any(path.iterdir()) for path in tmp_path.iterdir() if path.is_dir())
    assert drain.waiting() == ()


def test_what_a_person_should_look_at_stays(drain, leave, recorder) -> None:
    folder = leave(1)
    (folder / "0000000009.json").write_text("half a rec")
    drain.learn(lives(THERE))

    drain.drain_all()
    drain.drain_all()

    assert [path.name for path in folder.iterdir() if path.name != "lock"] == ["0000000009.json.broken"]
    assert recorder.rows["event-1"].state is EpisodeState.CLOSED
    assert drain.waiting() == ()


def test_an_agent_that_dies_between_two_steps_loses_and_doubles_nothing(drain, leave, recorder) -> None:
    folder = leave(1)
    half_way = Forwarding(folder, SETTINGS, recorder)
    half_way.send()
    half_way.end_episodes(frozenset(), 9, MOVED)
    half_way.close()  # the end is on the disk, and nobody has heard of it
    drain.learn(lives(THERE))

    drain.drain_all()

    assert recorder.told == [("event-1", 1, "open"), ("event-1", 2, "closed")]
    assert not folder.exists()


def test_it_works_in_a_thread_and_ends(drain, leave, recorder) -> None:
    folder, other = leave(1), leave(2, camera_id="dock-1")
    thread = threading.Thread(target=drain.run)
    thread.start()
    drain.learn(Places({}, complete=True))
    gone = threading.Event()
    try:
        for _ in range(600):
            if gone.wait(0.1) or not (folder.exists() or other.exists()):
                break
    finally:
        drain.stop()
        thread.join(GENEROUS_S)

    assert not thread.is_alive()
    assert {row.state for row in recorder.rows.values()} == {EpisodeState.CLOSED}
    assert sorted(recorder.rows) == ["event-1", "event-2"]


def _opened(number: int) -> SafetyEvent:
    at = NOON + timedelta(seconds=number)
    return SafetyEvent(
        event_id=f"event-{number}",
        revision=1,
        camera_id="gate-1",
        zone_id="press",
        event_type="DANGER_ZONE_INTRUSION",
        severity=Severity.CRITICAL,
        state=EpisodeState.OPEN,
        subject=f"person:{number}",
        epoch=3,
        correlation_id=f"gate-1-3-{number}",
        opened_at=at,
        updated_at=at,
    )
