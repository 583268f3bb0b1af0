"""Watches one camera's capture and detection, and says what the camera is worth."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from cluster.camera.breaker import BreakerState
from cluster.camera.capture_health import CaptureHealth
from cluster.camera.looking import NOT_LOOKED, LookState
from cluster.camera.pipeline import Looked
from cluster.camera.status_watch import CameraFacts, judge
from cluster.safety.frames import Frame
from cluster.safety.status import CameraStatus
from cluster.settings.cameras import CameraSettings
from cluster.telemetry import metrics

_log = structlog.get_logger()
SHOWN = frozenset({CameraStatus.MONITORED, CameraStatus.DEGRADED})
"""Statuses in which a frame may be shown as live."""
HANGS_AFTER_S = 5.0


class Watch:
    """`look` belongs to one thread, `frame` to the capture thread; the attributes may be read from any."""

    def __init__(
        self, camera_id: str, *, on_blind: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._camera_id, self._on_blind, self._clock = camera_id, on_blind, clock
        self.status, self.reason = CameraStatus.CONNECTING, ""
        self.since = datetime.now(UTC)
        self._started_s = self._looked_s = clock()
        self._frame_s: float | None = None
        self._frames_since_s: float | None = None

    def frame(self, frame: Frame, unmonitored_after_s: float) -> None:
        """A new frame came; after a gap that made the camera blind a new stretch begins."""
        if self._frame_s is None or frame.captured_s - self._frame_s > unmonitored_after_s:
            self._frames_since_s = frame.captured_s
        self._frame_s = frame.captured_s

    def look(
        self,
        camera: CameraSettings,
        health: CaptureHealth,
        looked: Looked,
        unjudged: str = "",
        switched_off: str = "",
        look: LookState = NOT_LOOKED,
    ) -> None:
        """Judges the camera at this moment."""
        self._looked_s = self._clock()
        facts = CameraFacts(
            now_s=self._clock(),
            started_s=self._started_s,
            frame_s=self._frame_s,
            frames_since_s=self._frames_since_s,
            inference_s=looked.inference_s,
            blind_reason=health.blind_reason,
            detector_reason=looked.error,
            unjudged=unjudged,
            switched_off=switched_off,
            look=look,
        )
        self.become(*judge(facts, camera, self.status))

    def become(self, status: CameraStatus, reason: str) -> None:
        """Takes on a status; each change is logged and counted."""
        if status is not self.status:
            level = _level(self.status, status)
            _log.log(level, "camera_status_changed", before=self.status.value, status=status.value, reason=reason)
            metrics.camera_status_changes.inc(1, {"camera_id": self._camera_id, "status": status.value})
            self.since = datetime.now(UTC)
        self.status, self.reason = status, reason
        if status not in SHOWN:
            self._on_blind()

    def export(self, camera: CameraSettings, look: LookState, inference_age_s: float | None) -> None:
        """Here and not with each frame: a metric that nothing has touched for a while costs 0.1 ms."""
        tags = {"camera_id": self._camera_id}
        metrics.camera_target_fps.set(camera.detect_fps if camera.detect else 0.0, tags)
        metrics.detect_fps_limit.set(look.limit_fps, tags)
        metrics.breaker_open.set(float(look.breaker is not BreakerState.CLOSED), tags)
        if inference_age_s is not None:
            metrics.camera_inference_age.set(inference_age_s, tags)

    @property
    def hangs(self) -> bool:
        """Whether nobody has judged for so long that the status is worth nothing."""
        return self._clock() - self._looked_s > HANGS_AFTER_S

    def verdict(self) -> tuple[CameraStatus, str]:
        """Status and reason as others may be told."""
        if self.hangs:
            return CameraStatus.UNMONITORED, "the camera's own watch hangs, probably on its disk"
        return self.status, self.reason

    @property
    def frame_age_s(self) -> float | None:
        return None if self._frame_s is None else max(0.0, self._clock() - self._frame_s)


def _level(before: CameraStatus, status: CameraStatus) -> int:
    """A camera that begins or is switched off is no trouble; one that is blind is, and one that sees again was."""
    if status is CameraStatus.UNMONITORED:
        return logging.ERROR
    starts = before is CameraStatus.CONNECTING and status is CameraStatus.MONITORED
    return logging.INFO if starts or status is CameraStatus.DISABLED else logging.WARNING
