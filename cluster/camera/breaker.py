"""Keeps frames away from a detector that does not answer, and finds out when it does again."""

from collections.abc import Callable
from enum import StrEnum

from cluster.camera.retry_pause import RetryPause

OPENS_AFTER = 3
"""So many calls in a row that failed or were answered too late, and ..."""
OPENS_AFTER_S = 2.0
"""... so long since the first of them was made: a replica that is replaced may refuse a few within a moment."""
LONGEST_PAUSE_S = 10.0


class BreakerState(StrEnum):
    """CLOSED: frames go to the detector. OPEN: none. HALF_OPEN: one went, to see whether it answers."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """One camera's circuit breaker. `allows`, `succeeded` and `failed` belong to one thread, one call at a time.

    Opens after a row of failures. An open one lets a single frame through after a pause of 1 to 2 s, doubled up to
    10 s with each frame that fails, shortened at random so that a site's cameras do not probe together. One
    answer in time closes it. `reason` says in one line why it is not closed.
    """

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._pause = RetryPause(LONGEST_PAUSE_S, clock, jitter, first_s=2.0)
        self.reset()

    def reset(self) -> None:
        """Closed, as at the start."""
        self.state, self.reason = BreakerState.CLOSED, ""
        self._failures, self._failing_since_s = 0, 0.0
        self._pause.succeeded()

    def allows(self) -> bool:
        """Whether a frame may go to the detector now; if it does, `succeeded` or `failed` has to follow."""
        if self.state is BreakerState.OPEN and self._pause.left_s() <= 0:
            self.state = BreakerState.HALF_OPEN
        return self.state is not BreakerState.OPEN

    def succeeded(self) -> None:
        """An answer came in time."""
        self.reset()

    def failed(self, reason: str, called_s: float) -> None:
        """No answer came, or too late, to the call made at `called_s` (of the same clock)."""
        if self._failures == 0:
            self._failing_since_s = called_s
        self._failures += 1
        lasted_s = self._clock() - self._failing_since_s
        if self.state is BreakerState.HALF_OPEN or (self._failures >= OPENS_AFTER and lasted_s >= OPENS_AFTER_S):
            self.state, self.reason = BreakerState.OPEN, reason
            self._pause.failed()
