"""The outboxes that a camera left on a node where it lives no more: whose they are, and how their events end."""

import dataclasses
import os
import threading
import time
from datetime import timedelta

import pytest
from counterparts.events import NOON, safety_event
from counterparts.left_outboxes import HERE, SETTINGS, THERE, lives
from counterparts.waiting import PATIENCE_S, wait_for

from cluster.camera.forwarding import Forwarding
from cluster.camera.outbox import Outbox
from cluster.camera.outbox_drain import MOVED, SWITCHED_OFF
from cluster.camera.places import CameraPlace, Places
from cluster.safety.events import EpisodeState
from cluster.telemetry import metrics


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
    recorder.rows["event-1"] = from_owner = safety_event(1, epoch=8)
    drain.learn(Places({}, complete=True))

    drain.drain_all()

    row = recorder.rows["event-1"]
    assert (row.state, row.detail["reason"], row.epoch) == (EpisodeState.CLOSED, SWITCHED_OFF, 9)
    assert row.revision == from_owner.revision + 1
    assert not folder.exists()


def test_the_word_of_the_present_owner_holds_whoever_is_first(drain, leave, recorder) -> None:
    leave(1, 2)
    ended = safety_event(1, epoch=9, revision=1002, state=EpisodeState.CLOSED, subject="the owner's word")
    recorder.rows["event-1"] = ended
    drain.learn(lives(THERE, 9))

    drain.drain_all()
    late = safety_event(2, epoch=9, revision=1002, detail={"resumed": True})
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


def test_no_backlog_is_left_standing_in_the_figures(drain, leave, recorder, monkeypatch) -> None:
    said: list[float] = []
    monkeypatch.setattr(metrics.outbox_events, "set", lambda value, tags: said.append(value))
    leave(1)
    drain.learn(lives(THERE))

    drain.drain_all()

    assert (max(said), said[-1]) == (1, 0)


def test_what_nobody_records_grows_older_from_pass_to_pass(leave, recorder, monkeypatch) -> None:
    said: list[float] = []
    monkeypatch.setattr(metrics.outbox_oldest, "set", lambda value, tags: said.append(value))
    folder = leave(1)
    for record in folder.glob("*.json"):
        os.utime(record, (time.time() - 3600, time.time() - 3600))

    left = Forwarding(folder, SETTINGS, recorder)
    assert left.outbox.oldest_s() >= 3600
    left.close()

    assert said[-1] >= 3600


def test_a_clock_that_went_back_makes_no_age_below_zero(leave, recorder) -> None:
    folder = leave(1)
    for record in folder.glob("*.json"):
        os.utime(record, (time.time() + 3600, time.time() + 3600))

    left = Forwarding(folder, SETTINGS, recorder)
    assert left.outbox.oldest_s() >= 0
    left.close()


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


def test_it_works_in_a_thread_and_ends(drain, leave, recorder) -> None:
    folder, other = leave(1), leave(2, camera_id="dock-1")
    thread = threading.Thread(target=drain.run)
    thread.start()
    drain.learn(Places({}, complete=True))
    try:
        wait_for("both folders to be removed", lambda: not (folder.exists() or other.exists()), every_s=0.02)
    finally:
        drain.stop()
        thread.join(PATIENCE_S)

    assert not thread.is_alive()
    assert {row.state for row in recorder.rows.values()} == {EpisodeState.CLOSED}
    assert sorted(recorder.rows) == ["event-1", "event-2"]
