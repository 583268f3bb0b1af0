"""Decides which frames are worth an inference: all while something moves, one a second otherwise."""

import math

from cluster.camera.scene_change import SceneChange
from cluster.safety.frames import Image

LONGEST_PAUSE_S = 1.0
"""Whatever moves or not, the detector looks as often as this."""
HOLD_S = 2.0
"""So long after the last change every frame is looked at."""

_JITTER_S = 0.02
_GAP_S = 2.0


class MotionGate:
    """Says of each frame of one camera whether the detector should see it. Belongs to one thread.

    Errs on the side of looking: a change in vain costs an inference, a person not looked at may cost a life.
    After a change, and while the caller is `busy` with what it saw, every frame passes, so that debounce and
    grace of the rules see what they would see without the gate. While nothing changes the frames that
    are left out would show the detector what it has seen already. Two looks are never further apart than the
    rules take for watched time (`LONGEST_GAP_S` of `cluster.safety.observed_time`).
    """

    def __init__(self, *, longest_pause_s: float = LONGEST_PAUSE_S, hold_s: float = HOLD_S) -> None:
        self.longest_pause_s, self.hold_s = longest_pause_s, hold_s
        self.reset()

    def reset(self) -> None:
        """Begins anew: the next frame passes, and all others for `hold_s`."""
        self._scene = SceneChange()
        self._called_s = self._looked_s = -math.inf
        self._changed_s = -math.inf

    def wants(self, image: Image, now_s: float, *, busy: bool = False) -> bool:
        """Whether `image`, (h, w, 3) uint8 BGR, captured at `now_s` (monotonic), goes to the detector.

        `busy`: what was seen lately asks for every frame. True counts as looked at, unless `missed` follows.
        """
        if now_s < self._called_s or now_s - self._called_s > _GAP_S:
            self.reset()  # a file that begins again, a camera that was away: nobody knows what happened meanwhile
        pause_s, self._called_s = now_s - self._called_s, now_s
        if self._scene.changed(image, now_s):
            self._changed_s = now_s
        is_held = now_s - self._changed_s <= self.hold_s
        if not (busy or is_held or self._is_due(now_s, pause_s)):
            return False
        self._looked_s = now_s
        self._scene.seen()
        return True

    def missed(self) -> None:
        """The frame that was wanted did not reach the detector: the next one has to, and all for `hold_s`."""
        self._looked_s, self._changed_s = -math.inf, self._called_s

    def _is_due(self, now_s: float, pause_s: float) -> bool:
        """Whether the next frame, as far away as this one was from the last, would come too late."""
        return now_s + pause_s > self._looked_s + self.longest_pause_s + _JITTER_S
