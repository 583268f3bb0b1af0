"""How often a camera may ask the detectors when they cannot follow: danger zones first."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from cluster.safety.zones import ZoneKind
from cluster.settings.cameras import CameraSettings

FLOOR_FPS = 0.6
"""No camera gives way further: looks 1.7 s apart are still watched time to the rules (`LONGEST_GAP_S`)."""
STARVED_BELOW_FPS = 1.0
"""A danger zone that is looked at less often is not watched as it should be."""

_DECIDES_EVERY_S = 1.0
_SHORTEST_INFERENCE_S = 0.05  # what is shorter may queue for so long before anybody has to give way
_DOWN = 0.8
_AUTOSCALER_FIRST_S = 6.0
_PATIENCE_OF_THE_LEAST = 1.0
_NEWEST = 0.3
_STARVED_AFTER_S = 5.0
_RESTORED_AFTER_S = 10.0


class Risk(IntEnum):
    """The worst zone of a camera."""

    NONE = 0
    WARNING = 1
    DANGER = 2

    @classmethod
    def of(cls, camera: CameraSettings) -> "Risk":
        if camera.has_danger_zone:
            return cls.DANGER
        return cls.WARNING if any(zone.kind is ZoneKind.WARNING for zone in camera.zones) else cls.NONE


@dataclass(frozen=True, slots=True)
class _Weight:
    """queue_inferences: how many inferences long it may queue. up_fps: what it takes back in a second."""

    queue_inferences: float
    up_fps: float


_WEIGHTS = {Risk.NONE: _Weight(1.0, 0.1), Risk.WARNING: _Weight(1.5, 0.2), Risk.DANGER: _Weight(4.0, 0.5)}


class DetectRate:
    """One camera's share of the detectors, found out from their answers alone. Belongs to one thread.

    Once a second: if its calls queued for longer than its risk allows, or one was not answered, four fifths of
    the rate that it had; else a step more, up to what is configured. All cameras meet in the same queues, so those
    without zones give way first and keep the queue at their own short limit, at which cameras with a
    danger zone notice nothing; these give way only when all others are at the floor. Equal steps up and
    equal shares down make equals equal.

    The autoscaler still sees the overload, although it counts calls in flight. It comes first: for 6 s nobody gives
    way, and every camera has its call in flight. Later these are rate x answer time (Little), and nobody gives way
    before calls queue for a whole inference (or 0.05 s, whichever is more). So an overloaded replica goes on
    holding about two calls for each one that it works at (a batch on a GPU, one on a CPU): a target of fewer than
    that makes the deployment grow, and stay so. Where it grows, the steps up find it.
    """

    def __init__(self, camera: CameraSettings, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.configured_fps, self._weight = camera.detect_fps, _WEIGHTS[Risk.of(camera)]
        self.limit_fps = self.configured_fps
        self.reset()

    def apply(self, camera: CameraSettings) -> None:
        """Goes on with another configured rate or risk."""
        was_whole = self.limit_fps == self.configured_fps
        self.configured_fps, self._weight = camera.detect_fps, _WEIGHTS[Risk.of(camera)]
        self.limit_fps = self.configured_fps if was_whole else min(self.limit_fps, self.configured_fps)

    def reset(self) -> None:
        """The whole rate again, nothing known of the detectors."""
        self.limit_fps = self.configured_fps
        self.is_limited = False
        self._answer_s = 0.0
        self._decided_s = self._followed_s = self._whole_since_s = self._clock()
        self._starving_since_s: float | None = None
        self._queued_s, self._inferences_s, self._answers, self._refused = 0.0, 0.0, 0, False

    def answered(self, answer_s: float, inference_s: float) -> None:
        """A call took `answer_s`, of which the model itself took `inference_s`."""
        self._answer_s += (_NEWEST if self._answer_s else 1.0) * (answer_s - self._answer_s)
        self._queued_s += max(0.0, answer_s - inference_s)
        self._inferences_s += inference_s
        self._answers += 1
        self._decide()

    def refused(self) -> None:
        """A call was not answered in time. That may be a replica that died, so it tells nothing of answer times."""
        self._refused = True
        self._decide()

    @property
    def possible_fps(self) -> float:
        """What is left of the configured rate: one call in flight cannot be faster than its answers either."""
        return min(self.limit_fps, 1.0 / self._answer_s) if self._answer_s > 0 else self.limit_fps

    @property
    def is_starved(self) -> bool:
        """Whether the detectors have not managed one frame a second for some seconds, though more is configured."""
        since_s = self._starving_since_s
        return since_s is not None and self._clock() - since_s >= _STARVED_AFTER_S

    def _decide(self) -> None:
        now_s = self._clock()
        if now_s - self._decided_s < _DECIDES_EVERY_S:
            return
        floor_fps, queues = min(FLOOR_FPS, self.configured_fps), self._queues_too_long()
        if not (queues or self._refused):
            self._followed_s = now_s
        if self.limit_fps == self.configured_fps and now_s - self._followed_s < _AUTOSCALER_FIRST_S:
            pass
        elif queues:
            self.limit_fps = max(floor_fps, _DOWN * self.possible_fps)
        elif self._refused:
            self.limit_fps = max(floor_fps, _DOWN * self.limit_fps)
        else:
            self.limit_fps = min(self.configured_fps, self.limit_fps + self._weight.up_fps)
        self._decided_s = now_s
        self._queued_s, self._inferences_s, self._answers, self._refused = 0.0, 0.0, 0, False
        self._note(now_s)

    def _queues_too_long(self) -> bool:
        if not self._answers:
            return False
        inference_s = max(_SHORTEST_INFERENCE_S, self._inferences_s / self._answers)
        # Who has less bears more, so that equals become equal whoever came first.
        patience = 1.0 + _PATIENCE_OF_THE_LEAST * (1.0 - self.limit_fps / self.configured_fps)
        return self._queued_s / self._answers > patience * self._weight.queue_inferences * inference_s

    def _note(self, now_s: float) -> None:
        """Limited at once, restored after a while, so that what swings around the configured rate is said once."""
        if self.limit_fps < self.configured_fps:
            self._whole_since_s = now_s
        self.is_limited = self.limit_fps < 0.9 * self.configured_fps or (
            self.is_limited and now_s - self._whole_since_s < _RESTORED_AFTER_S
        )
        starves = self.possible_fps < STARVED_BELOW_FPS <= self.configured_fps
        if not starves:
            self._starving_since_s = None
        elif self._starving_since_s is None:
            self._starving_since_s = now_s
