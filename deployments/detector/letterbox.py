"""A picture made to fit the model, and boxes made to fit the picture again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from cluster.safety.frames import Image

_GREY = 114  # that Ultralytics trains with


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Scale, then pad: a picture of `width` x `height` becomes one of `model_width` x `model_height`, all in pixels.

    The arithmetic is that of Ultralytics' LetterBox, so that boxes agree with its own `predict`.
    """

    width: int
    height: int
    scaled_width: int
    scaled_height: int
    model_width: int
    model_height: int

    @classmethod
    def of(cls, width: int, height: int, image_size: int, stride: int, fixed_size: tuple[int, int] | None) -> Self:
        """For a model that takes any multiple of `stride`, or only `fixed_size` (height, width)."""
        high, wide = fixed_size or (image_size, image_size)
        gain = min(high / height, wide / width)
        scaled_width, scaled_height = round(width * gain), round(height * gain)
        if fixed_size is None:
            high = scaled_height + (high - scaled_height) % stride
            wide = scaled_width + (wide - scaled_width) % stride
        return cls(width, height, scaled_width, scaled_height, wide, high)

    @property
    def left(self) -> int:
        return round((self.model_width - self.scaled_width) / 2 - 0.1)

    @property
    def top(self) -> int:
        return round((self.model_height - self.scaled_height) / 2 - 0.1)

    def apply(self, images: Sequence[Image]) -> Image:
        """(n, model_height, model_width, 3) uint8, in the order of `images`, which all have the one shape."""
        batch = np.empty((len(images), self.model_height, self.model_width, 3), np.uint8)
        bottom, right = self.top + self.scaled_height, self.left + self.scaled_width
        batch[:, : self.top], batch[:, bottom:] = _GREY, _GREY  # the borders only: a fifth of the work
        batch[:, self.top : bottom, : self.left], batch[:, self.top : bottom, right:] = _GREY, _GREY
        for place, image in zip(batch[:, self.top : bottom, self.left : right], images, strict=True):
            place[:] = self._scaled(image)
        return batch

    def undo(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 4) pixels of the letterboxed picture to 0..1 of the picture that came in."""
        offset = np.array((self.left, self.top) * 2, np.float32)
        size = np.array((self.scaled_width, self.scaled_height) * 2, np.float32)
        return np.ascontiguousarray(np.clip((boxes - offset) / size, 0, 1), dtype=np.float32)

    def _scaled(self, image: Image) -> Image:
        if (self.scaled_width, self.scaled_height) == (self.width, self.height):
            return image
        scaled = cv2.resize(image, (self.scaled_width, self.scaled_height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(scaled, dtype=np.uint8)
