"""The capture loop with sources that break, hang and come back on command."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from cluster.camera.capture import CaptureLoop
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
from cluster.safety.frames import Frame, Image
from cluster.settings.cameras import CameraSettings, PictureHealthSettings, SourceKind

_GENEROUS_S = 30.0
_START = datetime(2026, 1, 1, tzinfo=UTC)
SCENE = np.random.default_rng(1).integers(60, 200, (48, 64, 3), np.uint8)
BLACK = np.zeros((48, 64, 3), np.uint8)


@pytest.fixture(autouse=True)
def _short_deadlines(monkeypatch):
    """Hanging is noticed in an instant, and pauses hardly last; what follows from them is what counts here."""
    monkeypatch.setattr("cluster.camera.backoff.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("cluster.camera.capture.OPEN_SLACK_S", -0.8)
    monkeypatch.setattr("cluster.camera.capture.READ_SLACK_S", -0.8)
    monkeypatch.setattr("cluster.camera.capture._READER_END_S", 0.1)


def camera(**settings: object) -> CameraSettings:
    values = {"camera_id": "gate-1", "source": "rtsp://cam/1", "open_timeout_s": 1, "read_timeout_s": 1}
    return CameraSettings(**values | settings)


class Script:
    """What the source does, opening after opening: pictures are given, errors raised, a Hang hangs.

    In step with the loop: a picture comes only after the one before was taken. After the last act the
    source waits for the test's end.
    """

    def __init__(self, *openings: list[Image | Exception | threading.Event], kind: SourceKind = SourceKind.RTSP):
        self.openings = iter(openings)
        self.opened, self.closed = 0, 0
        self.kind = kind
        self.taken = threading.Semaphore(1)
        self.over = threading.Event()

    def open(self, _: CameraSettings) -> "Source":
        acts = next(self.openings, [])
        if acts and isinstance(acts[0], ConfigError | CameraError) and len(acts) == 1:
            raise acts[0]
        self.opened += 1
        return Source(self, iter(acts))


class Source:
    width, height, fps, codec = 64, 48, 15.0, "h264"

    def __init__(self, script: Script, acts: Iterator[Image | Exception | threading.Event]) -> None:
        self.script, self.acts, self.kind = script, acts, script.kind

    def read(self) -> Image:
        assert self.script.taken.acquire(timeout=_GENEROUS_S)
        match next(self.acts, None):
            case Exception() as error:
                self.script.taken.release()
                raise error
            case threading.Event() as hang:
                self.script.taken.release()
                hang.wait(_GENEROUS_S)
                return SCENE.copy()
            case None:
                self.script.over.wait(_GENEROUS_S)
                self.script.taken.release()
                raise CameraEnded("the test is over")
            case image:
                return image.copy()

    def close(self) -> None:
        self.script.closed += 1


class Watched:
    def __init__(self, script: Script, settings: CameraSettings, failing: bool = False, **options: object) -> None:
        self.script, self.failing = script, failing
        self.frames: list[Frame] = []
        self.healths: list[str] = []
        self.stuck = threading.Event()
        options = {"open_source": script.open, "rng": random.Random(1), **options}  # noqa: S311
        self.loop = CaptureLoop(settings, 3, on_frame=self._keep, on_stuck=self.stuck.set, **options)
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def _keep(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.healths.append(self.loop.health().blind_reason)
        self.script.taken.release()
        if self.failing:
            raise ValueError("a fault in the pipeline")

    def until(self, condition: Callable[[], bool]) -> None:
        waiting = threading.Event()
        for _ in range(int(_GENEROUS_S / 0.01)):
            if condition():
                return
            waiting.wait(0.01)
        pytest.fail(f"waited {_GENEROUS_S:g} s; {self.loop.health()}")

    def until_frames(self, count: int) -> None:
        self.until(lambda: len(self.frames) >= count)

    def blind(self, code: str) -> None:
        self.until(lambda: self.loop.health().error_code == code)


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    watched: list[Watched] = []

    def start(script: Script, settings: CameraSettings | None = None, **options: object) -> Watched:
        watched.append(Watched(script, settings or camera(), **options))
        return watched[-1]

    yield start
    for each in watched:
        each.script.over.set()
        assert each.loop.stop(_GENEROUS_S)
        each.thread.join(_GENEROUS_S)


def test_frames_are_numbered_from_1_and_go_on_over_reconnects(watch):
    watched = watch(Script([SCENE, SCENE, CameraEnded("broke")], [CameraUnreachable("away")], [SCENE]))
    watched.until_frames(3)
    health = watched.loop.health()

    assert [frame.correlation_id for frame in watched.frames] == ["gate-1-3-1", "gate-1-3-2", "gate-1-3-3"]
    assert (health.sequence, health.reconnects, health.connected, health.blind_reason) == (3, 2, True, "")
    assert (health.width, health.height, health.codec) == (64, 48, "h264")


def test_a_new_loop_of_the_same_epoch_repeats_no_number(watch):
    watched = watch(Script([SCENE]), after_sequence=41)
    watched.until_frames(1)

    assert watched.frames[0].sequence == 42


def test_a_frame_has_wall_time_and_monotonic_time_of_its_capture(watch):
    seconds = itertools.count(1)
    watched = watch(Script([SCENE]), wall=lambda: _START + timedelta(hours=next(seconds)), clock=lambda: 5.0)
    watched.until_frames(1)

    assert (watched.frames[0].captured_at, watched.frames[0].captured_s) == (_START + timedelta(hours=1), 5.0)


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


def test_a_handler_that_fails_does_not_cost_the_camera(watch):
    with capture_logs() as logs:
        watched = watch(Script([SCENE] * 5), failing=True)
        watched.until_frames(5)

    assert [entry["event"] for entry in logs] == ["camera_connected", "frame_handler_failed"]
    assert watched.loop.health().reconnects == 0


def test_privacy_masks_are_painted_before_anybody_sees_the_frame(watch):
    left = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    larger = np.full((96, 128, 3), 200, np.uint8)
    watched = watch(Script([SCENE, larger]), camera(privacy_masks=[left]))
    watched.until_frames(2)

    assert not any(frame.image[:, : frame.size[0] // 2].any() for frame in watched.frames)
    assert all(frame.image[:, frame.size[0] // 2 + 3 :].any() for frame in watched.frames)
    assert [frame.size for frame in watched.frames] == [(64, 48), (128, 96)]


def steps_of(step_s: float) -> Callable[[], float]:
    """A clock that goes on by `step_s` each time that somebody looks."""
    ticks = itertools.count()
    return lambda: next(ticks) * step_s


PICTURE_HEALTH = PictureHealthSettings(frozen_after_s=10, covered_after_s=5, recover_after_s=2)


@pytest.mark.parametrize(("picture", "reason"), [(SCENE, "frozen picture"), (BLACK, "covered lens")])
def test_frames_go_on_while_the_picture_shows_nothing_and_the_camera_is_blind(watch, picture, reason):
    watched = watch(Script([picture] * 40), camera(picture_health=PICTURE_HEALTH), clock=steps_of(0.3))
    watched.until_frames(40)

    assert watched.healths[0] == ""
    assert watched.healths[-1] == reason
    assert watched.loop.health().frame_age_s > 1
    assert [frame.sequence for frame in watched.frames] == list(range(1, 41))


def test_a_masked_picture_is_no_covered_lens(watch):
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    pictures = [SCENE + np.uint8(10 * (step % 2)) for step in range(40)]
    settings = camera(picture_health=PICTURE_HEALTH, privacy_masks=[everything])
    watched = watch(Script(pictures), settings, clock=steps_of(0.3))
    watched.until_frames(40)

    assert set(watched.healths) == {""}


def test_a_file_never_counts_as_frozen(watch):
    script = Script([SCENE] * 60, kind=SourceKind.FILE)
    watched = watch(script, camera(picture_health=PICTURE_HEALTH), clock=steps_of(0.3))
    watched.until_frames(60)

    assert set(watched.healths) == {""}


def test_a_file_that_ended_is_blind_and_not_played_again(watch):
    script = Script([SCENE, CameraEnded("the file ended")], [SCENE] * 5, kind=SourceKind.FILE)
    watched = watch(script, camera(source="clip.mp4"))
    watched.blind("ended")

    assert watched.loop.stop(_GENEROUS_S)
    assert (script.opened, len(watched.frames)) == (1, 1)


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

    assert watched.stuck.wait(_GENEROUS_S)
    watched.until_frames(3)
    assert watched.loop.health().abandoned_readers == 2
    first.set()
    second.set()


def test_an_opening_that_hangs_is_left_behind_too(watch):
    hang, script = threading.Event(), Script([SCENE])
    sources = iter([lambda settings: hang.wait(_GENEROUS_S) and script.open(settings), script.open])
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
    assert watched.loop.stop(_GENEROUS_S)


def test_stop_ends_a_long_pause_at_once(watch):
    watched = watch(Script([CameraUnauthorized("no")]), camera(unauthorized_backoff_s=3600))
    watched.blind("unauthorized")

    assert watched.loop.stop(_GENEROUS_S)
    assert watched.loop.stop(_GENEROUS_S)


def test_stop_does_not_wait_for_a_reader_that_hangs(watch):
    hang = threading.Event()
    watched = watch(Script([SCENE, hang]), camera(read_timeout_s=120))
    watched.until_frames(1)

    assert watched.loop.stop(_GENEROUS_S)
    assert not hang.is_set()
    assert watched.loop.health().abandoned_readers == 0
    hang.set()


def test_a_loop_that_was_stopped_before_it_ran_opens_nothing():
    script = Script([SCENE])
    loop = CaptureLoop(camera(), 1, on_frame=lambda frame: None, open_source=script.open)

    assert loop.stop()
    loop.run()

    assert script.opened == 0


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
            clock=steps_of(frame_every_s),
        )
        watched.until_frames(21)

    lost = [entry["retry_in_s"] for entry in logs if entry.get("code") == "ended"]
    assert (lost[0] <= 0.1) is pauses_start_anew
