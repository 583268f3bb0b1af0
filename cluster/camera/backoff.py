"""How long to wait before a camera is tried again."""

import random

from cluster.safety.errors import CameraUnauthorized
from cluster.settings.cameras import CameraSettings

FIRST_PAUSE_S = 0.5
_MOST_DOUBLINGS = 16


class Backoff:
    """Pauses that double up to `camera.max_backoff_s`, each cut by up to a half at random.

    The jitter keeps the cameras of a site from knocking all at once when their switch comes back. A refused
    password waits `camera.unauthorized_backoff_s` from the first time on: cameras lock the account after a
    few failures. Belongs to one thread.
    """

    def __init__(self, camera: CameraSettings, rng: random.Random) -> None:
        self._max_s = camera.max_backoff_s
        self._unauthorized_s = camera.unauthorized_backoff_s
        self._rng = rng
        self._failures = 0

    def pause_s(self, error: Exception) -> float:
        """Seconds to wait after `error`, which counts as one more failure."""
        if isinstance(error, CameraUnauthorized):
            return self._unauthorized_s * self._rng.uniform(1.0, 1.1)
        longest_s = min(FIRST_PAUSE_S * 2.0**self._failures, self._max_s)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return longest_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """After a healthy while: the next failure is a first one again."""
        self._failures = 0
