"""Observed time: how much of the time between two frames was really watched."""

from collections import deque

LONGEST_GAP_S = 2.0
"""Two looks further apart than this say nothing about the time between them."""

SLOWEST_RHYTHM_S = 30.0

EPSILON_S = 1e-6
"""Sums of frame intervals carry rounding errors; a debounce must not take a frame longer for it."""


class ObservedTime:
    """Turns the times of looks into observed seconds.

    What lies between two looks is observed if they are at most `LONGEST_GAP_S` apart. A detector that is
    slower than that all the time (an overloaded CPU) must neither lose alarms nor leave them open for
    ever, so a steady slow rhythm is believed too: three intervals in a row, the last at most twice
    the shortest and under `SLOWEST_RHYTHM_S`. One gap in a fast rhythm never is.
    """

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._intervals: deque[float] = deque(maxlen=3)

    def look(self, now_s: float) -> float | None:
        """Observed seconds since the look before; None if that time was not observed."""
        if self._last_s is None:
            self._last_s = now_s
            return None
        interval_s = max(0.0, now_s - self._last_s)
        self._last_s = max(self._last_s, now_s)
        self._intervals.append(interval_s)
        return interval_s if interval_s <= LONGEST_GAP_S + EPSILON_S or self._is_rhythm(interval_s) else None

    def break_off(self) -> None:
        """The camera was blind: the next look begins anew."""
        self._last_s = None
        self._intervals.clear()

    def _is_rhythm(self, interval_s: float) -> bool:
        known = len(self._intervals) == self._intervals.maxlen
        return known and interval_s <= min(SLOWEST_RHYTHM_S, 2 * min(self._intervals))
