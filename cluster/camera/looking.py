"""When a frame of a camera goes to the detector, and when it does not."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from cluster.camera.attention import Attention
from cluster.camera.breaker import Breaker, BreakerState
from cluster.camera.motion import LONGEST_PAUSE_S, MotionGate
from cluster.camera.overload import DetectRate
from cluster.safety.errors import DetectorError, DetectorTimeout
from cluster.safety.frames import Frame
from cluster.safety.tracks import Observation
from cluster.settings.cameras import CameraSettings

_log = structlog.get_logger()


class Skip(StrEnum):
    """Why a frame is not looked at. OFF and GATED lose nothing, the others are drops."""

    OFF = "off"
    GATED = "gated"
    LATE = "late"
    BREAKER = "breaker"


@dataclass(frozen=True, slots=True)
class LookState:
    """How looking goes. `refused`: why no frames go to the detector, "" if they do. `slow`: what overload leaves,
    in one line, "" if all. `starved`: it leaves less than one frame a second."""

    breaker: BreakerState = BreakerState.CLOSED
    limit_fps: float = 0.0
    refused: str = ""
    slow: str = ""
    starved: bool = False


NOT_LOOKED = LookState()


class Looking:
    """Motion gate, breaker and rate of one camera.

    Belongs to the thread that looks; only `apply` and `state` may be called from others.
    """

    def __init__(
        self,
        camera: CameraSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._camera = self._wanted = camera
        self._gate = MotionGate()
        self._attention = Attention(camera)
        self._breaker = Breaker(clock, jitter)
        self._rate = DetectRate(camera, clock)
        self._state = LookState(limit_fps=camera.detect_fps)
        self._take_over(camera)
        self._publish()

    def apply(self, camera: CameraSettings) -> None:
        """From the next frame on."""
        self._wanted = camera

    def state(self) -> LookState:
        return self._state

    @property
    def period_s(self) -> float:
        """From one look to the next."""
        return 1.0 / self._rate.limit_fps

    def judge(self, frame: Frame) -> Skip | None:
        """Why `frame` is not looked at; None: it is, and `answered` or `failed` has to follow."""
        if self._wanted is not self._camera:
            self._take_over(self._wanted)
        if not self._camera.detect:
            return Skip.OFF
        if self._clock() - frame.captured_s > self._camera.max_frame_age_s:
            self._gate.missed()
            return Skip.LATE
        if self._breaker.state is not BreakerState.CLOSED:
            return None if self._probes() else Skip.BREAKER
        return None if self._wants(frame) else Skip.GATED

    def answered(self, frame: Frame, called_s: float, inference_s: float) -> None:
        """The detector answered now to the call made at `called_s`."""
        now_s = self._clock()
        age_s, may_be_s = now_s - frame.captured_s, self._camera.max_frame_age_s
        if age_s > may_be_s:
            # What was found is true and counts; but an alarm that comes so late is a failure to be said.
            self._fail(f"answers come too late: {age_s:.1f} s after the frame instead of {may_be_s:g} s", called_s)
        else:
            if self._breaker.state is not BreakerState.CLOSED:
                _log.warning("detector_breaker_closed", after=self._breaker.reason)
            self._breaker.succeeded()
        self._rate.answered(now_s - called_s, inference_s)
        self._publish()

    def failed(self, error: DetectorError, called_s: float) -> None:
        """The detector did not answer to the call made at `called_s`."""
        self._gate.missed()
        self._fail(str(error), called_s)
        if isinstance(error, DetectorTimeout):
            self._rate.refused()
        self._publish()

    def observed(self, observation: Observation) -> None:
        """What came of the frame."""
        self._attention.observed(observation)

    def _wants(self, frame: Frame) -> bool:
        if not self._camera.motion_gate:
            return True
        return self._gate.wants(frame.image, frame.captured_s, busy=self._attention.is_busy(frame.captured_s))

    def _probes(self) -> bool:
        self._gate.missed()  # what happens meanwhile is unknown: all frames count when it closes
        allowed = self._breaker.allows()
        self._publish()
        return allowed

    def _fail(self, reason: str, called_s: float) -> None:
        before = self._breaker.state
        self._breaker.failed(reason, called_s)
        if before is BreakerState.CLOSED and self._breaker.state is BreakerState.OPEN:
            _log.error("detector_breaker_opened", reason=reason)

    def _take_over(self, camera: CameraSettings) -> None:
        switched = camera.detect != self._camera.detect or camera.motion_gate != self._camera.motion_gate
        self._camera = camera
        # Two pauses of the gate must not look like a detector that does not answer.
        self._gate.longest_pause_s = min(LONGEST_PAUSE_S, camera.degraded_after_s / 2)
        self._attention.apply(camera)
        self._rate.apply(camera)
        if switched:
            self._breaker.reset()
            self._rate.reset()
            self._gate.reset()
        self._publish()

    def _publish(self) -> None:
        """The state for other threads, replaced as a whole."""
        before, rate, breaker = self._state, self._rate, self._breaker
        slow = f"the detectors cannot follow {rate.configured_fps:g} frames a second" if rate.is_limited else ""
        if rate.is_starved:
            slow = "the detectors cannot follow: less than one frame a second is looked at"
        self._state = LookState(breaker.state, rate.possible_fps, breaker.reason, slow, rate.is_starved)
        if bool(slow) != bool(before.slow):
            name = "detection_rate_limited" if slow else "detection_rate_restored"
            _log.warning(name, detect_fps=round(rate.limit_fps, 2))
