"""One frame's way, with a detector that answers as told."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from counterparts.waiting import wait_for

from cluster.camera.latest_frame import LatestFrame
from cluster.camera.pipeline import Pipeline
from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorTimeout
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import Frame, Image
from cluster.safety.tracks import Observation, Track
from cluster.settings.cameras import CameraSettings

CAMERA = CameraSettings(camera_id="a", source="x.mp4", detect_fps=60, max_frame_age_s=2, motion_gate=False)


def frame(sequence: int, captured_s: float = 100.0) -> Frame:
    return Frame("a", 7, sequence, datetime.now(UTC), captured_s, np.zeros((720, 1280, 3), np.uint8))


def answer(image_size: int = 320) -> Detections:
    box = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    return Detections(box, np.array([0.9], np.float32), ("person",), "digest", image_size, 0.01)


class WatchedFrames(LatestFrame):
    """Says when the pipeline has finished with a frame: it asks for a newer one."""

    def __init__(self) -> None:
        super().__init__()
        self._finished: dict[int, threading.Event] = {}

    def asked_for_more_than(self, sequence: int) -> threading.Event:
        return self._finished.setdefault(sequence, threading.Event())

    def take(self, after_sequence: int, timeout_s: float) -> Frame | None:
        self.asked_for_more_than(after_sequence).set()
        return super().take(after_sequence, timeout_s)


class FakeTracker:
    def __init__(self) -> None:
        self.expected_fps: list[float] = []

    def update(self, frame: Frame, detections: Detections) -> Observation:
        tracks = tuple(Track(1, label, 0.9, (0.1, 0.2, 0.3, 0.4)) for label in detections.labels)
        return Observation(frame.camera_id, frame.epoch, frame.sequence, frame.captured_at, frame.captured_s, tracks)

    def expect(self, frame_rate: float) -> None:
        self.expected_fps.append(frame_rate)


class Bench:
    """A pipeline with a hand-set clock, and what it did."""

    def __init__(self, camera: CameraSettings = CAMERA) -> None:
        self.now_s = 100.0
        self.sent: list[tuple[int, ...]] = []
        self.observed: list[int] = []
        self.answer: Callable[[], Detections] = answer
        self.on_observed: Callable[[], None] = lambda: None
        self.frames, self.tracker = WatchedFrames(), FakeTracker()
        self.pipeline = Pipeline(camera, self.frames, self.detect, self.tracker, self.observe, clock=lambda: self.now_s)

    def detect(self, image: Image, *, deadline_s: float) -> Detections:
        self.sent.append(image.shape)
        return self.answer()

    def observe(self, observation: Observation, frame: Frame) -> list[SafetyEvent]:
        self.observed.append(observation.sequence)
        self.on_observed()
        return []

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.pipeline.run, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.pipeline.stop()
    bench.frames.close()


def test_a_frame_goes_shrunk_to_the_detector_and_its_tracks_to_the_rules(bench: Bench) -> None:
    bench.pipeline.look_at(frame(1))

    assert bench.sent == [(360, 640, 3)]
    assert bench.observed == [1]
    assert [seen.label for seen in bench.pipeline.looked().objects] == ["person"]


def test_the_model_in_service_says_how_large_it_wants_the_next_frame(bench: Bench) -> None:
    bench.pipeline.look_at(frame(1))
    bench.pipeline.look_at(frame(2))

    assert bench.sent == [(360, 640, 3), (180, 320, 3)]


def test_a_frame_that_grew_old_is_dropped_and_counted(bench: Bench) -> None:
    counted = threading.Event()
    bench.on_observed = counted.set
    bench.frames.put(frame(1, captured_s=90.0))
    thread = bench.start()
    wait_for("the frame to be dropped", lambda: bench.pipeline.looked().dropped == 1, every_s=0.01)
    bench.frames.put(frame(2, captured_s=100.0))

    assert counted.wait(10)
    assert bench.observed == [2]
    assert thread.is_alive()


def test_a_detector_that_fails_is_said_and_the_next_frame_is_looked_at(bench: Bench) -> None:
    observed = threading.Event()
    bench.on_observed = observed.set

    def refuses() -> Detections:
        raise DetectorTimeout("no answer within 2 s")

    bench.answer = refuses
    bench.frames.put(frame(1))
    bench.start()
    wait_for("the error", lambda: bench.pipeline.looked().error == "no answer within 2 s", every_s=0.01)
    assert bench.pipeline.looked().inference_s is None

    bench.answer = answer
    bench.frames.put(frame(2))

    assert observed.wait(10)
    wait_for("the error to go", lambda: bench.pipeline.looked().error == "", every_s=0.01)
    assert bench.pipeline.looked().dropped == 1


def test_rules_that_fail_do_not_count_as_looked_at_and_do_not_end_the_loop(bench: Bench) -> None:
    def breaks() -> None:
        raise ZeroDivisionError("a fault in the rules")

    bench.on_observed = breaks
    bench.frames.put(frame(1))
    thread = bench.start()
    wait_for("the frame to be dropped", lambda: bench.pipeline.looked().dropped == 1, every_s=0.01)

    assert bench.pipeline.looked().inference_s is None
    assert "ZeroDivisionError" in bench.pipeline.looked().error
    assert thread.is_alive()


def test_a_picture_that_the_gate_cannot_compare_is_looked_at_and_does_not_end_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(*_: object) -> bool:
        raise ValueError("a fault in the gate")

    monkeypatch.setattr("cluster.camera.scene_change.SceneChange.changed", breaks)
    bench = Bench(CAMERA.model_copy(update={"motion_gate": True}))
    thread = bench.start()
    for sequence in (1, 2):
        bench.frames.put(frame(sequence, captured_s=bench.now_s))
        assert bench.frames.asked_for_more_than(sequence).wait(10)
    looked = bench.observed, thread.is_alive()
    bench.pipeline.stop()

    assert looked == ([1, 2], True)


def test_the_tracker_learns_how_far_apart_the_looks_really_are(bench: Bench) -> None:
    def slow() -> Detections:
        bench.now_s += 1.5
        return answer()

    bench.pipeline.look_at(frame(1))
    bench.answer = slow
    for sequence in range(2, 21):
        bench.pipeline.look_at(frame(sequence, captured_s=bench.now_s))

    assert bench.tracker.expected_fps[0] == 60
    assert bench.tracker.expected_fps[-1] < 1


def test_a_frame_in_which_nothing_moved_is_counted_as_gated_and_not_as_dropped() -> None:
    bench = Bench(CAMERA.model_copy(update={"motion_gate": True}))
    thread = bench.start()
    for sequence in range(1, 41):
        bench.frames.put(frame(sequence, captured_s=bench.now_s))
        assert bench.frames.asked_for_more_than(sequence).wait(10)
        bench.now_s += 0.21
    bench.pipeline.stop()
    thread.join(10)

    looked = bench.pipeline.looked()
    assert looked.dropped == 0
    assert looked.gated >= 10
    assert looked.gated + len(bench.sent) == 40


def test_frames_that_the_breaker_keeps_back_are_counted_as_dropped(bench: Bench) -> None:
    def refuses() -> Detections:
        bench.now_s += 1.0
        raise DetectorTimeout("no answer within 1 s")

    bench.answer = refuses
    bench.start()
    for sequence in range(1, 7):
        bench.frames.put(frame(sequence, captured_s=bench.now_s))
        assert bench.frames.asked_for_more_than(sequence).wait(10)

    assert len(bench.sent) == 3
    assert bench.pipeline.looked().dropped == 6
    assert bench.pipeline.look_state().refused == "no answer within 1 s"


def test_detection_switched_off_sends_nothing(bench: Bench) -> None:
    bench.pipeline.apply(CAMERA.model_copy(update={"detect": False}))
    bench.frames.put(frame(1))
    thread = bench.start()
    assert bench.frames.asked_for_more_than(1).wait(10)
    bench.pipeline.stop()
    thread.join(10)

    assert not thread.is_alive()
    assert bench.sent == []


def test_new_settings_take_effect_without_the_wait_of_the_old_ones() -> None:
    bench = Bench(CAMERA.model_copy(update={"detect_fps": 0.001}))
    bench.frames.put(frame(1))
    thread = bench.start()
    wait_for("the first look", lambda: bench.observed == [1], every_s=0.01)

    bench.pipeline.apply(CAMERA)
    bench.frames.put(frame(2))
    wait_for("the second look", lambda: bench.observed == [1, 2], every_s=0.01)
    bench.pipeline.stop()
    thread.join(10)

    assert not thread.is_alive()


def test_a_pipeline_between_two_distant_looks_stops_at_once() -> None:
    bench = Bench(CAMERA.model_copy(update={"detect_fps": 0.001}))
    bench.frames.put(frame(1))
    thread = bench.start()
    wait_for("the first look", lambda: bench.observed == [1], every_s=0.01)

    bench.pipeline.stop()
    thread.join(10)

    assert not thread.is_alive()
