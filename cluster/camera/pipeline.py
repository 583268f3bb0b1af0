"""The way of a frame: newest frame, shrunk, detector, tracker, rules."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from structlog.contextvars import bound_contextvars

from cluster.camera.frame_lines import FrameLines
from cluster.camera.latest_frame import LatestFrame
from cluster.camera.looking import Looking, LookState, Skip
from cluster.camera.rate import RateMeter
from cluster.camera.shrink import shrink
from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError
from cluster.safety.events import SafetyEvent, SeenObject
from cluster.safety.frames import Frame, Image
from cluster.safety.tracks import Observation
from cluster.settings.cameras import CameraSettings
from cluster.telemetry import metrics

_log = structlog.get_logger()
_FIRST_IMAGE_SIZE = 640
_LONGEST_WAIT_S = 0.5


class Detect(Protocol):
    """A call to the detector: BGR (h, w, 3) uint8 in, boxes in 0..1 out, within `deadline_s`.

    Raises:
        DetectorError: no answer, whatever the reason.
    """

    def __call__(self, image: Image, *, deadline_s: float) -> Detections: ...


class Track(Protocol):
    """Follows objects from frame to frame."""

    def update(self, frame: Frame, detections: Detections) -> Observation: ...

    def expect(self, frame_rate: float) -> None:
        """From now on about so many frames a second come."""


class Observe(Protocol):
    """What becomes of an observation."""

    def __call__(self, observation: Observation, frame: Frame) -> list[SafetyEvent]: ...


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of the last frame that was looked at; `inference_s` is monotonic, None: never.

    `dropped`: frames that should have been looked at and were not, `unanswered`: those of them that the detector gave
    no answer to; `gated`: those in which nothing moved.
    """

    inference_s: float | None = None
    sequence: int = 0
    objects: tuple[SeenObject, ...] = ()
    error: str = ""
    dropped: int = 0
    unanswered: int = 0
    gated: int = 0


class Pipeline:
    """Looks at the newest frame, one at a time, as often as `Looking` says.

    `run` blocks and belongs to one thread; `stop`, `apply`, `looked` and `look_state` may be called from any other.
    """

    def __init__(
        self,
        camera: CameraSettings,
        frames: LatestFrame,
        detect: Detect,
        tracker: Track,
        observe: Observe,
        *,
        violations: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`violations`: in how many zones somebody is in danger now, for the log."""
        self._camera, self._frames = camera, frames
        self._detect, self._tracker, self._observe = detect, tracker, observe
        self._clock = clock
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._image_size = _FIRST_IMAGE_SIZE
        self._looked = Looked()
        self._rate = RateMeter()
        self._looking = Looking(camera, clock=clock)
        self._tags = {"camera_id": camera.camera_id}
        self._lines = FrameLines(camera.camera_id, violations, clock)

    def run(self) -> None:
        """Looks at frames until `stop`."""
        sequence, next_look_s = 0, 0.0
        while not self._stops_before(next_look_s):
            frame = self._frames.take(sequence, _LONGEST_WAIT_S)
            if frame is None:
                continue
            sequence = frame.sequence
            started_s = self._clock()
            if skip := self._judge(frame):
                self._skip(frame, skip)
            else:
                self._look_or_drop(frame)
            next_look_s = started_s + self._looking.period_s

    def stop(self) -> None:
        self._stopping.set()
        self._woken.set()

    def apply(self, camera: CameraSettings) -> None:
        """From the next frame on, which is not waited for as long as the old settings said."""
        self._camera = camera
        self._looking.apply(camera)
        self._woken.set()

    def log_frames_every(self, seconds: float) -> None:
        """See `FrameLines.every`."""
        self._lines.every(seconds)

    def look_state(self) -> LookState:
        return self._looking.state()

    def looked(self) -> Looked:
        return self._looked

    def detect_fps(self) -> float:
        """Frames looked at a second, over the last few."""
        return self._rate.rate(self._clock())

    def look_at(self, frame: Frame) -> None:
        """One frame's whole way.

        Raises:
            DetectorError: the detector did not answer in time.
        """
        image = shrink(frame.image, self._image_size)
        detections = self._ask(frame, image)
        # The model in service says how large it wants its pictures: no second place to configure it.
        self._image_size = detections.image_size
        # Under overload looks are further apart than configured: tracks must not be lost between two of them.
        self._tracker.expect(self._looking.state().limit_fps)
        observation = self._tracker.update(frame, detections)
        self._looking.observed(observation)
        events = self._observe(observation, frame)
        self._note(observation)
        metrics.frames_processed.inc(1, self._tags)
        metrics.frame_processing.observe(self._clock() - frame.captured_s, self._tags)
        self._lines.processed(frame, detections, told=bool(events))

    def _stops_before(self, look_s: float) -> bool:
        """Waits for the next look, or until something changes."""
        self._woken.wait(max(0.0, look_s - self._clock()))
        self._woken.clear()
        return self._stopping.is_set()

    def _judge(self, frame: Frame) -> Skip | None:
        try:
            return self._looking.judge(frame)
        # The border of the loop: a picture that the gate cannot compare is looked at, and so is the next one.
        except Exception:  # noqa: BLE001
            _log.exception("frame_not_judged", correlation_id=frame.correlation_id)
            return None

    def _ask(self, frame: Frame, image: Image) -> Detections:
        called_s = self._clock()
        try:
            detections = self._detect(image, deadline_s=self._camera.detector_deadline_s)
        except DetectorError as error:
            self._looking.failed(error, called_s)
            raise
        self._looking.answered(frame, called_s, detections.inference_s)
        return detections

    def _look_or_drop(self, frame: Frame) -> None:
        with bound_contextvars(correlation_id=frame.correlation_id):
            try:
                self.look_at(frame)
            except DetectorError as error:
                self._looked = replace(self._looked, error=str(error), unanswered=self._looked.unanswered + 1)
                self._drop(frame, "detector")
            # The border of the loop: whatever a frame does to tracker or rules, the next frame is looked at,
            # and the camera turns DEGRADED because no inference is noted.
            except Exception as error:  # noqa: BLE001
                self._looked = replace(self._looked, error=f"{type(error).__name__}: {error}")
                _log.exception("frame_failed")
                self._drop(frame, "error")

    def _skip(self, frame: Frame, skip: Skip) -> None:
        if skip is Skip.GATED:
            self._looked = replace(self._looked, gated=self._looked.gated + 1)
            metrics.frames_gated.inc(1, self._tags)
        elif skip is not Skip.OFF:
            self._drop(frame, skip.value)

    def _drop(self, frame: Frame, reason: str) -> None:
        self._looked = replace(self._looked, dropped=self._looked.dropped + 1)
        metrics.frames_dropped.inc(1, {**self._tags, "reason": reason})
        self._lines.dropped(frame, reason)

    def _note(self, observation: Observation) -> None:
        """Only a frame that went all the way counts as looked at."""
        now_s = self._clock()
        self._rate.tick(now_s)
        objects = tuple(SeenObject(t.label, t.confidence, t.box, t.track_id) for t in observation.tracks)
        self._looked = replace(
            self._looked, inference_s=now_s, sequence=observation.sequence, objects=objects, error=""
        )
