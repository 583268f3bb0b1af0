"""The capture loop: what its frames carry, and what their pictures are worth."""

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from counterparts.scripted_camera import SCENE, Script, camera, ticking
from counterparts.waiting import PATIENCE_S
from structlog.testing import capture_logs

from cluster.camera.capture import CaptureLoop
from cluster.safety.errors import CameraEnded, CameraUnreachable
from cluster.settings.cameras import PictureHealthSettings, SourceKind

_START = datetime(2026, 1, 1, tzinfo=UTC)
BLACK = np.zeros((48, 64, 3), np.uint8)
PICTURE_HEALTH = PictureHealthSettings(frozen_after_s=10, covered_after_s=5, recover_after_s=2)


def test_frames_are_numbered_from_1_and_go_on_over_reconnects(watch):
    watched = watch(Script([SCENE, SCENE, CameraEnded("broke")], [CameraUnreachable("away")], [SCENE]))
    watched.until_frames(3)
    health = watched.loop.health()

    assert [frame.correlation_id for frame in watched.frames] == ["gate-1-3-1", "gate-1-3-2", "gate-1-3-3"]
    assert (health.sequence, health.reconnects, health.connected, health.blind_reason) == (3, 2, True, "")
    assert (health.width, health.height, health.codec) == (64, 48, "h264")


def test_a_frame_has_wall_time_and_monotonic_time_of_its_capture(watch):
    seconds = itertools.count(1)
    watched = watch(Script([SCENE]), wall=lambda: _START + timedelta(hours=next(seconds)), clock=lambda: 5.0)
    watched.until_frames(1)

    assert (watched.frames[0].captured_at, watched.frames[0].captured_s) == (_START + timedelta(hours=1), 5.0)


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


@pytest.mark.parametrize(("picture", "reason"), [(SCENE, "frozen picture"), (BLACK, "covered lens")])
def test_frames_go_on_while_the_picture_shows_nothing_and_the_camera_is_blind(watch, picture, reason):
    watched = watch(Script([picture] * 40), camera(picture_health=PICTURE_HEALTH), clock=ticking(0.3))
    watched.until_frames(40)

    assert watched.healths[0] == ""
    assert watched.healths[-1] == reason
    assert watched.loop.health().frame_age_s > 1
    assert [frame.sequence for frame in watched.frames] == list(range(1, 41))


def test_a_masked_picture_is_no_covered_lens(watch):
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    pictures = [SCENE + np.uint8(10 * (step % 2)) for step in range(40)]
    settings = camera(picture_health=PICTURE_HEALTH, privacy_masks=[everything])
    watched = watch(Script(pictures), settings, clock=ticking(0.3))
    watched.until_frames(40)

    assert set(watched.healths) == {""}


def test_a_file_never_counts_as_frozen(watch):
    script = Script([SCENE] * 60, kind=SourceKind.FILE)
    watched = watch(script, camera(picture_health=PICTURE_HEALTH), clock=ticking(0.3))
    watched.until_frames(60)

    assert set(watched.healths) == {""}


def test_a_file_that_ended_is_blind_and_not_played_again(watch):
    script = Script([SCENE, CameraEnded("the file ended")], [SCENE] * 5, kind=SourceKind.FILE)
    watched = watch(script, camera(source="clip.mp4"))
    watched.blind("ended")

    assert watched.loop.stop(PATIENCE_S)
    assert (script.opened, len(watched.frames)) == (1, 1)


def test_a_loop_that_was_stopped_before_it_ran_opens_nothing():
    script = Script([SCENE])
    loop = CaptureLoop(camera(), 1, on_frame=lambda frame: None, open_source=script.open)

    assert loop.stop()
    loop.run()

    assert script.opened == 0
