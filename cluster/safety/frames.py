"""A captured picture and where it comes from."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""BGR picture of shape (height, width, 3), uint8."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture that a camera really gave.

    `epoch` is the lease under which it was captured and `sequence` counts from 1 within it, so the
    correlation id never repeats. `captured_at` is wall time (UTC), read once; `captured_s` is the
    monotonic clock of the capturing process and the only one from which durations are computed.
    """

    camera_id: str
    epoch: int
    sequence: int
    captured_at: datetime
    captured_s: float
    image: Image

    @property
    def correlation_id(self) -> str:
        return correlation_id(self.camera_id, self.epoch, self.sequence)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


def correlation_id(camera_id: str, epoch: int, sequence: int) -> str:
    """The id that every log line, row, snapshot and message of one frame carries."""
    return f"{camera_id}-{epoch}-{sequence}"


def camera_of(frame_id: str) -> str:
    """The camera in a correlation id; "" if it is none."""
    return frame_id.rsplit("-", 2)[0] if frame_id.count("-") >= 2 else ""
