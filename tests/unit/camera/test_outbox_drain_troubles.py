"""What gets in the way of draining an outbox that a camera left: absent stores, its return, a damaged folder."""

import dataclasses
import os
import time
from typing import Any

import pytest
from counterparts.left_outboxes import SETTINGS, THERE, lives
from structlog.testing import capture_logs

from cluster.camera.forwarding import Forwarding
from cluster.camera.outbox import Outbox
from cluster.camera.outbox_drain import MOVED
from cluster.camera.outbox_files import WANTED
from cluster.camera.places import Places
from cluster.safety.errors import DatabaseUnavailable, OutboxBusy, SnapshotsUnavailable
from cluster.safety.events import EpisodeState


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
