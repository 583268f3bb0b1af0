"""What is logged of a camera's frames: few of them, since a site looks at hundreds a second."""

import time
from collections.abc import Callable

import structlog

from cluster.safety.detections import Detections
from cluster.safety.frames import Frame
from cluster.telemetry.sampling import Sampler

_log = structlog.get_logger()
_DROPS_EVERY_S = 60.0
_FRAMES_EVERY_S = 10.0


class FrameLines:
    """`processed` and `dropped` belong to the thread that looks; `every` may be called from any."""

    def __init__(
        self, camera_id: str, violations: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._camera_id, self._violations = camera_id, violations
        self._looks, self._drops = Sampler(_FRAMES_EVERY_S, clock), Sampler(_DROPS_EVERY_S, clock)
        self._before = 0

    def every(self, seconds: float) -> None:
        """A frame in which nothing changes is logged at most so often."""
        self._looks.every_s = seconds

    def processed(self, frame: Frame, detections: Detections, *, told: bool) -> None:
        """The frame went all the way. `told`: events came of it; then, and when another number of zones is violated
        than before, its line comes in any case."""
        violations = self._violations()
        changed, self._before = violations != self._before, violations
        if told:
            width, height = frame.size
            _log.info(
                "frame_captured",
                camera_id=self._camera_id,
                correlation_id=frame.correlation_id,
                captured_at=frame.captured_at.isoformat(),
                width=width,
                height=height,
            )
        if self._looks.passes(always=told or changed):
            _log.info(
                "frame_processed",
                camera_id=self._camera_id,
                frame_number=frame.sequence,
                detection_count=len(detections),
                inference_time_ms=round(detections.inference_s * 1000, 2),
                roi_violations=violations,
                request_id=frame.correlation_id,  # that of the call to the Detector: see `ServeDetector`
                correlation_id=frame.correlation_id,
            )

    def dropped(self, frame: Frame, reason: str) -> None:
        """The frame should have been looked at and was not; the first of a `reason`, then one a minute."""
        if self._drops.passes(reason):
            before = self._drops.held_back(reason)
            _log.warning(
                "frame_dropped",
                camera_id=self._camera_id,
                reason=reason,
                frame_number=frame.sequence,
                dropped_before=before,
                correlation_id=frame.correlation_id,
            )
