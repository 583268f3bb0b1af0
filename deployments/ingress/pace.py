"""Evenly so many a second, on the long average: what came late once is made up for."""


class Pace:
    """Says how long to wait before the next one. Seconds of a monotonic clock.

    Turns are counted from the turn before and not from when it was taken: else each one would be later by what the
    event loop takes to wake up, and a viewer who wants 10 a second of a camera that gives 10 would miss some.
    """

    def __init__(self) -> None:
        self._next_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Until the next turn; 0: now."""
        return max(0.0, self._next_s - now_s)

    def taken(self, now_s: float, per_second: float) -> None:
        """A turn was taken. Of turns that were missed half a one is made up for, so that nothing comes in bursts."""
        period_s = 1 / per_second
        self._next_s = max(self._next_s, now_s - period_s / 2) + period_s
