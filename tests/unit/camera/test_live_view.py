"""What a viewer gets of a camera that sees, of one that is not looked at, and of one that is blind."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from cluster.camera.latest_frame import LatestFrame
from cluster.camera.live_view import LiveView
from cluster.camera.looking import LookState
from cluster.camera.pipeline import Looked
from cluster.safety.events import SeenObject
from cluster.safety.frames import Frame
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.status import CameraStatus
from cluster.settings.cameras import Assignment, CameraSettings

CAMERA = CameraSettings(camera_id="a", source="x.mp4")
WORKER = (SeenObject("person", 0.9, (0.1, 0.2, 0.3, 0.4), 1),)


class Work:
    """Watch, pipeline and ledger, which say what they are told to."""

    def __init__(self) -> None:
        self.since = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.status = CameraStatus.MONITORED
        self.seen = Looked(inference_s=time.monotonic(), sequence=3, objects=WORKER)
        self.state = LookState()

    def verdict(self) -> tuple[CameraStatus, str]:
        return self.status, "the reason"

    def looked(self) -> Looked:
        return self.seen

    def look_state(self) -> LookState:
        return self.state

    def outlines(self) -> tuple[Any, ...]:
        return ()


@pytest.fixture
def work() -> Work:
    return Work()


def shown(work: Any, after: tuple[int, int] = (0, 0), camera: CameraSettings = CAMERA) -> LivePicture | None:
    frames = LatestFrame()
    frames.put(Frame("a", 7, 4, datetime.now(UTC), 100.0, np.zeros((36, 64, 3), np.uint8)))
    assignment = Assignment(camera=camera, revision=1, epoch=7)
    return LiveView(frames, work, work, work).picture(assignment, next(iter(PictureProfile)), after, 0.0)


def test_the_newest_frame_comes_with_its_boxes(work: Work) -> None:
    picture = shown(work)

    assert picture is not None
    assert (picture.epoch, picture.sequence, picture.objects, picture.objects_sequence) == (7, 4, WORKER, 3)
    assert picture.jpeg.startswith(b"\xff\xd8")


@pytest.mark.parametrize(("after", "comes"), [((7, 3), True), ((7, 4), False), ((6, 99), True)])
def test_a_frame_is_new_within_its_epoch(work: Work, after: tuple[int, int], comes: bool) -> None:
    assert (shown(work, after) is not None) is comes


def refused(work: Work) -> None:
    work.state = LookState(refused="no answer within 2 s")


def stopped_answering(work: Work) -> None:
    work.seen = replace(work.seen, inference_s=time.monotonic() - CAMERA.degraded_after_s - 60)


def never_answered(work: Work) -> None:
    work.seen = replace(work.seen, inference_s=None)


@pytest.mark.parametrize("happens", [refused, stopped_answering, never_answered])
def test_boxes_of_a_detector_that_does_not_answer_are_not_shown(work: Work, happens: Any) -> None:
    happens(work)
    picture = shown(work)

    assert picture is not None
    assert picture.objects == ()
    assert picture.jpeg != b""


def test_boxes_are_not_shown_when_detection_is_switched_off(work: Work) -> None:
    picture = shown(work, camera=CAMERA.model_copy(update={"detect": False}))

    assert picture is not None
    assert picture.objects == ()


@pytest.mark.parametrize("status", [CameraStatus.UNMONITORED, CameraStatus.CONNECTING])
def test_a_blind_camera_shows_no_frame_and_says_why(work: Work, status: CameraStatus) -> None:
    work.status = status
    picture = shown(work)

    assert picture is not None
    assert (picture.jpeg, picture.status, picture.reason) == (b"", status, "the reason")
    assert (picture.sequence, picture.objects, picture.captured_at) == (0, (), work.since)
