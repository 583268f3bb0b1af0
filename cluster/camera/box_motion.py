"""Where boxes will be: a Kalman filter of constant velocity for all tracks of a group at once.

The four sides of a box move by themselves and are seen with the same noise, so the filter of ByteTrack, eight
states a box, falls apart into four of two states that share one covariance: three numbers a track. The noise
is ByteTrack's, as the `trackers` library sets it; a test holds both to the same ids.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SEEN_NOISE = 0.1
_STEP_NOISE = 0.01
_NOMINAL_WITHIN_S = 0.004
"""A step this close to one frame of the nominal rate is one: cameras are not exact."""


@dataclass(slots=True)
class BoxMotion:
    """n boxes that move. Belongs to one thread.

    place, speed: (n, 4) x1 y1 x2 y2, and the change of each in one frame of `frame_rate`.
    spread: (n, 3) variance of the place, covariance of both, variance of the speed.
    """

    frame_rate: float
    place: Floats = field(default_factory=lambda: np.empty((0, 4)))
    speed: Floats = field(default_factory=lambda: np.empty((0, 4)))
    spread: Floats = field(default_factory=lambda: np.empty((0, 3)))

    def expect(self, frame_rate: float) -> None:
        """Another nominal rate; the boxes go on as fast as they were."""
        stretch = self.frame_rate / frame_rate
        self.frame_rate = frame_rate
        self.speed *= stretch
        self.spread *= (1.0, stretch, stretch**2)

    def predict(self, elapsed_s: float) -> None:
        """Moves all boxes on."""
        step = elapsed_s * self.frame_rate
        self.place += step * self.speed
        place, both, speed = self.spread.T
        noise = self._noise(step)
        self.spread = np.column_stack(
            (
                place + 2 * step * both + step**2 * speed + noise[0],
                both + step * speed + noise[1],
                speed + noise[2],
            )
        )

    def see(self, rows: NDArray[np.intp], boxes: Floats) -> None:
        """The tracks `rows` were seen at `boxes`, (len(rows), 4)."""
        place, both, speed = self.spread[rows].T
        place_gain, speed_gain = place / (place + _SEEN_NOISE), both / (place + _SEEN_NOISE)
        surprise = boxes - self.place[rows]
        self.place[rows] += place_gain[:, None] * surprise
        self.speed[rows] += speed_gain[:, None] * surprise
        left: Floats = 1 - place_gain
        self.spread[rows] = np.column_stack((left * place, left * both, speed - speed_gain * both))

    def add(self, boxes: Floats) -> None:
        """New tracks at `boxes`, (m, 4), behind the others; nothing is known of their speed."""
        self.place = np.concatenate((self.place, boxes))
        self.speed = np.concatenate((self.speed, np.zeros_like(boxes)))
        self.spread = np.concatenate((self.spread, np.tile((1.0, 0.0, 1.0), (len(boxes), 1))))

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Forgets the tracks that are not `kept`, (n,)."""
        self.place, self.speed, self.spread = self.place[kept], self.speed[kept], self.spread[kept]

    def _noise(self, step: float) -> tuple[float, float, float]:
        """What a step adds to `spread`: after a gap, that of an unknown acceleration for so long."""
        if abs(step - 1.0) <= _NOMINAL_WITHIN_S * self.frame_rate:
            return _STEP_NOISE, 0.0, _STEP_NOISE
        return _STEP_NOISE * step**4 / 4, _STEP_NOISE * step**3 / 2, _STEP_NOISE * step**2
