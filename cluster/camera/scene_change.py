"""Whether something in the scene has changed, as opposed to the light, the sensor's noise and the encoder."""

import cv2
import numpy as np
from numpy.typing import NDArray

from cluster.safety.frames import Image

Grey = NDArray[np.float32]
"""A small grey picture, about 160 cells on its long side, levels 0..255."""

_CELLS_ACROSS = 160
_ROWS_READ = 180  # two of a 720p picture's eight rows a cell: a third of the cost, and noise is still averaged
_FEWEST_LEVELS = 1.5
"""What a change must differ by at least, as the mean of 3 x 3 cells."""
_FEWEST_CELLS = 2
_NOISE_MARGIN = 3.5  # levels of noise (see `_Noise`, about 1.8 sigma) that a change must exceed: about 6 sigma
_TWO_PICTURES = 1.4  # the difference of two noisy pictures is noisier than that of one and a background
_NOISE_AT_FIRST, _NOISE_AT_MOST = 0.4, 2.0
_NOISE_FADES_S = 60.0
_NOISE_UP, _NOISE_UP_BY_CHANGE = 0.1, 0.02
_BACKGROUND_S, _FOREGROUND_S = 4.0, 60.0
_CUT_SHARE = 0.3
_JUMP = 0.03  # gain from one picture to the next
_LEAST_GAIN, _MOST_GAIN = 0.5, 2.0
_LEAST_CONTRAST = 4.0  # standard deviation in levels under which a picture says nothing about its gain
_FIT_EVERY_CELL = 4
_LONGEST_STEP_S = 1.0


class SceneChange:
    """Compares each picture with the one that the detector saw last and with a running background.

    The first finds whatever happened since, however slowly it adds up: nothing changed means that the detector
    would find the same again. The second finds what has come and stands still, which a detector may find in one
    frame and miss in the next. Before that the light is taken out: brightness and contrast of what is
    remembered are fitted to the new picture, so that neither a cloud nor an automatic exposure counts, and a
    person, who changes a part of the picture only, does. Noise is learned for each cell.

    About 0.4 ms of a picture of 1280x720. Belongs to one thread.
    """

    def __init__(self) -> None:
        self._now = self._seen = self._background = np.zeros((0, 0), np.float32)
        self._noise = self._now
        self._last_s = 0.0

    def changed(self, image: Image, now_s: float) -> bool:
        """Whether `image`, (h, w, 3) uint8 BGR, shows something else; always for the first and for another size."""
        self._now, elapsed_s = small_grey(image), min(max(now_s - self._last_s, 0.0), _LONGEST_STEP_S)
        self._last_s = now_s
        if self._now.shape != self._background.shape:
            self._begin()
            return True
        jumped = self._take_light()
        differs, limit = _difference(self._now, self._background), self._noise * _NOISE_MARGIN
        stands = differs > np.maximum(limit, _FEWEST_LEVELS)
        moved = _difference(self._now, self._seen) > np.maximum(limit * _TWO_PICTURES, _FEWEST_LEVELS)
        self._learn_noise(differs, stands, elapsed_s)
        self._learn_background(stands, elapsed_s, jumped)
        return _is_something(stands) or _is_something(moved)

    def seen(self) -> None:
        """The detector gets the picture of the last call."""
        self._seen = self._now

    def _begin(self) -> None:
        self._seen, self._background = self._now, self._now.copy()
        self._noise = np.full_like(self._now, _NOISE_AT_FIRST)

    def _take_light(self) -> bool:
        """Whether the light jumped: then its fit is rough, where the picture is nearly white or black."""
        gain, offset = _light(self._now, self._background)
        self._background = self._background * gain + offset
        self._seen = self._seen * gain + offset
        return bool(abs(gain - 1) > _JUMP)

    def _learn_background(self, stands: NDArray[np.bool_], elapsed_s: float, jumped: bool) -> None:
        """Quickly where nothing stands, slowly where something does: who pauses must not melt into it."""
        share = np.count_nonzero(stands) / stands.size
        if share > _CUT_SHARE or (jumped and share > 0):  # another scene, or light that no fit explains
            self._background = self._now.copy()
            return
        pace = np.where(stands, np.float32(elapsed_s / _FOREGROUND_S), np.float32(elapsed_s / _BACKGROUND_S))
        self._background += pace * (self._now - self._background)

    def _learn_noise(self, differs: Grey, stands: NDArray[np.bool_], elapsed_s: float) -> None:
        """Up with what is above, down in a minute: an encoder's pulse at each key frame is noise too, if rare.

        What counts as a change teaches little, and never more than a limit: nobody becomes noise by standing there.
        """
        above = np.maximum(np.minimum(differs, _NOISE_AT_MOST) - self._noise, 0)
        up = np.where(stands, np.float32(_NOISE_UP_BY_CHANGE), np.float32(_NOISE_UP)) * above
        self._noise += up - np.float32(elapsed_s / _NOISE_FADES_S) * self._noise


def small_grey(image: Image) -> Grey:
    """`image` (h, w, 3) uint8 as small as `Grey`, cells averaged, so that noise goes and small people stay."""
    height, width = image.shape[:2]
    scale = _CELLS_ACROSS / max(width, height)
    size = max(3, round(width * scale)), max(3, round(height * scale))
    rows = image[:: max(1, height // _ROWS_READ)]
    grey = cv2.cvtColor(rows, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _difference(now: Grey, then: Grey) -> Grey:
    """Levels by which cells differ, as the mean of 3 x 3: what is left of noise, and of a person's edge."""
    apart: Grey = np.asarray(cv2.blur(now - then, (3, 3)), dtype=np.float32)
    return np.abs(apart, out=apart)


def _light(now: Grey, then: Grey) -> tuple[np.float32, np.float32]:
    """Gain and offset that turn most of `then` into `now`; what fits worst, because it moved, is left out."""
    x, y = (part[::_FIT_EVERY_CELL, ::_FIT_EVERY_CELL].ravel() for part in (then, now))
    gain, offset = _line(x, y)
    apart = np.abs(y - (x * gain + offset))
    near = apart <= apart.mean() + np.float32(1e-3)
    return _line(x[near], y[near])


def _line(x: Grey, y: Grey) -> tuple[np.float32, np.float32]:
    mean_x, mean_y = x.mean(), y.mean()
    centred = x - mean_x
    variance = float(np.dot(centred, centred)) / len(x)
    gain = 1.0
    if variance >= _LEAST_CONTRAST**2:
        gain = min(_MOST_GAIN, max(_LEAST_GAIN, float(np.dot(centred, y)) / len(x) / variance))
    return np.float32(gain), np.float32(mean_y - gain * mean_x)


def _is_something(cells: NDArray[np.bool_]) -> bool:
    return bool(np.count_nonzero(cells) >= _FEWEST_CELLS)
