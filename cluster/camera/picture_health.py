"""Pictures that still come but show nothing: a frozen picture, a covered lens."""

import numpy as np
from numpy.typing import NDArray

from cluster.safety.frames import Image
from cluster.settings.cameras import PictureHealthSettings

FROZEN = "frozen picture"
COVERED = "covered lens"

_LOOK_EVERY_S = 0.25
# Between two looks no more time than this counts: what nobody saw proves nothing.
_LONGEST_STEP_S = 2.0
_SAMPLES_ACROSS = 128
# What an encoder adds to a picture that stands still. Sensor noise moves some pixel of thousands further.
_STILL_WITHIN_LEVELS = 2


class PictureHealth:
    """Judges pictures as good, frozen or covered, slowly in both directions. Belongs to one thread.

    Looks at about 9,000 pixels four times a second. Frozen: none of them has moved by more than 2 levels
    for `frozen_after_s`; believed again once pixels have kept moving for `recover_after_s`. Covered: dark
    or uniform for `covered_after_s`. Time runs only while pictures come. Covered wins over frozen, as a
    covered lens may well give the same black for ever.

    `judge_frozen=False` is for files: what plays from a file cannot freeze, and a recorded or drawn scene
    may rightly stand still.
    """

    def __init__(self, settings: PictureHealthSettings, *, judge_frozen: bool = True) -> None:
        self._settings = settings
        self._frozen = _Frozen(settings) if judge_frozen else None
        self._covered = _Covered(settings)
        self._last_look_s: float | None = None
        self._observed_s = 0.0
        self._verdict = ""

    def observe(self, image: Image, now_s: float) -> str:
        """The verdict with `image`, taken at `now_s` (monotonic): "", `FROZEN` or `COVERED`."""
        if self._last_look_s is not None and now_s - self._last_look_s < _LOOK_EVERY_S:
            return self._verdict
        if self._last_look_s is not None:
            self._observed_s += min(now_s - self._last_look_s, _LONGEST_STEP_S)
        self._last_look_s = now_s
        self._verdict = self._judge(_sampled(image))
        return self._verdict

    def _judge(self, pixels: NDArray[np.int16]) -> str:
        frozen = self._frozen is not None and self._frozen.judge(pixels, self._observed_s)
        if self._covered.judge(pixels, self._observed_s):
            return COVERED
        return FROZEN if frozen else ""


class _Frozen:
    """Whether the pixels stand still."""

    def __init__(self, settings: PictureHealthSettings) -> None:
        self._after_s = settings.frozen_after_s
        self._recover_s = settings.recover_after_s
        self._reference: NDArray[np.int16] | None = None
        self._moved_s = 0.0
        self._moving_since_s = 0.0
        self._verdict = False

    def judge(self, pixels: NDArray[np.int16], now_s: float) -> bool:
        if not self._moved(pixels):
            self._verdict = self._verdict or now_s - self._moved_s >= self._after_s
            return self._verdict
        # One change after a long rest is a glitch: movement starts anew, and must last.
        if now_s - self._moved_s > self._after_s / 2:
            self._moving_since_s = now_s
        self._moved_s, self._reference = now_s, pixels
        if now_s - self._moving_since_s >= self._recover_s:
            self._verdict = False
        return self._verdict

    def _moved(self, pixels: NDArray[np.int16]) -> bool:
        if self._reference is None or self._reference.shape != pixels.shape:
            return True
        return bool(np.abs(pixels - self._reference).max() > _STILL_WITHIN_LEVELS)


class _Covered:
    """Whether the picture is dark or uniform."""

    def __init__(self, settings: PictureHealthSettings) -> None:
        self._settings = settings
        self._verdict = False
        self._otherwise_since_s: float | None = None

    def judge(self, pixels: NDArray[np.int16], now_s: float) -> bool:
        if self._shows_nothing(pixels) == self._verdict:
            self._otherwise_since_s = None
            return self._verdict
        if self._otherwise_since_s is None:
            self._otherwise_since_s = now_s
        limit_s = self._settings.recover_after_s if self._verdict else self._settings.covered_after_s
        if now_s - self._otherwise_since_s >= limit_s:
            self._verdict, self._otherwise_since_s = not self._verdict, None
        return self._verdict

    def _shows_nothing(self, pixels: NDArray[np.int16]) -> bool:
        brightness = pixels.mean(axis=2)
        return bool(brightness.mean() < self._settings.dark_below or brightness.std() < self._settings.flat_below)


def _sampled(image: Image) -> NDArray[np.int16]:
    """Every so many-th pixel, about 128 across: exact pixels and no averages, which would hide noise."""
    height, width = image.shape[:2]
    step = max(1, min(width // _SAMPLES_ACROSS, height // 8))
    return image[step // 2 :: step, step // 2 :: step].astype(np.int16)
