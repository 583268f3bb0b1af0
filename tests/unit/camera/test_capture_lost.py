"""The capture loop with sources that cannot be opened, break, hang and come back on command."""

import threading

import pytest
from counterparts.scripted_camera import SCENE, Script, camera, ticking
from counterparts.waiting import PATIENCE_S
from structlog.testing import capture_logs

from cluster.safety.errors import (
    CameraEnded,
    CameraError,
    CameraNotFound,
    CameraStalled,
    CameraUnauthorized,
    CameraUnreachable,
    CameraUnreadable,
    ConfigError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CameraUnreachable("away"), "unreachable"),
        (CameraNotFound("away"), "not_found"),
        (CameraUnreadable("away"), "unreadable"),
        (CameraStalled("away"), "stalled"),
        (CameraEnded("away"), "ended"),
        (CameraUnauthorized("away"), "unauthorized"),
        (CameraError("away"), "error"),
        (ConfigError("camera gate-1", "source", "", "away"), "config"),
    ],
)
def test_a_camera_that_cannot_be_opened_is_blind_and_says_why(watch, error, code):
    watched = watch(Script([error], *([error] for _ in range(1000))), camera(max_backoff_s=1))
    watched.blind(code)
    health = watched.loop.health()

    assert health.blind_reason.startswith(f"{code}: ")
    assert "away" in health.blind_reason
    assert (health.connected, health.frame_age_s, health.sequence) == (False, None, 0)


def test_a_fault_that_nobody_thought_of_is_a_lost_camera_and_not_a_dead_thread(watch):
    watched = watch(Script([SCENE, RuntimeError("rtsp://admin:secret@cam/1 exploded")], [SCENE, SCENE]))
    watched.until_frames(3)

    assert watched.loop.health().reconnects == 1


def test_no_password_reaches_health_or_log(watch):
    error = RuntimeError("rtsp://admin:secret@cam/1 exploded")
    with capture_logs() as logs:
        watched = watch(Script([SCENE, error], [CameraUnreachable("rtsp://admin:secret@cam/1 is away")]))
        watched.blind("unreachable")

    assert "secret" not in watched.loop.health().blind_reason
    assert "secret" not in str([entry for entry in logs if entry["event"] == "camera_lost"])


def test_a_reader_that_hangs_is_left_behind_and_what_it_brings_later_is_not_taken(watch):
    hang = threading.Event()
    script = Script([SCENE, hang], [SCENE, SCENE])
    watched = watch(script)
    watched.until(lambda: watched.loop.health().abandoned_readers == 1)
    watched.until_frames(3)
    assert script.closed == 0

    hang.set()
    watched.until(lambda: script.closed == 1)

    assert len(watched.frames) == 3
    assert not watched.stuck.is_set()


def test_the_second_reader_that_hangs_calls_for_a_new_process(watch):
    first, second = threading.Event(), threading.Event()
    watched = watch(Script([SCENE, first], [SCENE, second], [SCENE]))

    assert watched.stuck.wait(PATIENCE_S)
    watched.until_frames(3)
    assert watched.loop.health().abandoned_readers == 2
    first.set()
    second.set()


def test_an_opening_that_hangs_is_left_behind_too(watch):
    hang, script = threading.Event(), Script([SCENE])
    sources = iter([lambda settings: hang.wait(PATIENCE_S) and script.open(settings), script.open])
    watched = watch(script, open_source=lambda settings: next(sources)(settings))
    watched.until_frames(1)

    assert watched.loop.health().abandoned_readers == 1
    hang.set()


def test_a_stall_is_said_before_the_read_is_given_up(watch):
    now = [100.0]
    script = Script([SCENE])
    watched = watch(script, camera(unmonitored_after_s=5, read_timeout_s=120), clock=lambda: now[0])
    watched.until_frames(1)
    assert watched.loop.health().blind_reason == ""

    now[0] += 5.1

    health = watched.loop.health()
    assert (health.error_code, health.blind_reason) == ("stalled", "stalled: no frame for more than 5 s")
    assert health.frame_age_s == pytest.approx(5.1)
    assert watched.loop.stop(PATIENCE_S)


def test_stop_ends_a_long_pause_at_once(watch):
    watched = watch(Script([CameraUnauthorized("no")]), camera(unauthorized_backoff_s=3600))
    watched.blind("unauthorized")

    assert watched.loop.stop(PATIENCE_S)
    assert watched.loop.stop(PATIENCE_S)


def test_stop_does_not_wait_for_a_reader_that_hangs(watch):
    hang = threading.Event()
    script = Script([SCENE, hang])
    watched = watch(script, camera(read_timeout_s=120))
    watched.until_frames(1)

    assert watched.loop.stop(PATIENCE_S)
    assert script.closed == 0, "the reader came back first"
    assert watched.loop.health().abandoned_readers == 0
    hang.set()


def test_what_is_lost_is_said_once_and_what_comes_back_too(watch):
    with capture_logs() as logs:
        away = [[CameraUnreachable("away")] for _ in range(5)]
        watched = watch(Script([SCENE, CameraEnded("broke")], *away, [SCENE]))
        watched.until_frames(2)

    said = [(entry["log_level"], entry["event"], entry.get("code", "")) for entry in logs]
    assert said == [
        ("info", "camera_connected", ""),
        ("warning", "camera_lost", "ended"),
        ("warning", "camera_lost", "unreachable"),
        ("warning", "camera_recovered", ""),
    ]
    assert all(entry["camera_id"] == "gate-1" for entry in logs)


def test_a_refused_password_is_said_as_an_error(watch):
    with capture_logs() as logs:
        watched = watch(Script([CameraUnauthorized("no")]))
        watched.blind("unauthorized")
        watched.until(lambda: bool(logs))

    assert [(entry["log_level"], entry["event"]) for entry in logs] == [("error", "camera_lost")]
    assert logs[0]["retry_in_s"] >= 60


@pytest.mark.parametrize(("frame_every_s", "pauses_start_anew"), [(1.0, True), (0.1, False)])
def test_pauses_start_anew_only_after_a_healthy_while(watch, monkeypatch, frame_every_s, pauses_start_anew):
    monkeypatch.setattr("cluster.camera.backoff.FIRST_PAUSE_S", 0.1)
    away = [CameraUnreachable("away")]
    with capture_logs() as logs:
        watched = watch(
            Script(away, [CameraNotFound("away")], away, [SCENE] * 20 + [CameraEnded("broke")], [SCENE]),
            clock=ticking(frame_every_s),
        )
        watched.until_frames(21)

    lost = [entry["retry_in_s"] for entry in logs if entry.get("code") == "ended"]
    assert (lost[0] <= 0.1) is pauses_start_anew
