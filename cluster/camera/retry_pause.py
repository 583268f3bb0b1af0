"""When to try again."""

from collections.abc import Callable

_FIRST_S = 0.2


class RetryPause:
    """Pauses that double from `first_s` up to `longest_s`, each shortened at random by up to a half.

    Without the randomness all cameras of a site would ask a database that comes back at the same moment.
    """

    def __init__(
        self,
        longest_s: float,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        *,
        first_s: float = _FIRST_S,
    ) -> None:
        self._first_s = first_s
        self._longest_s, self._clock, self._jitter = longest_s, clock, jitter
        self._failures = 0
        self._failed_s = self._until_s = clock()

    @property
    def failing(self) -> bool:
        return self._failures > 0

    def left_s(self) -> float:
        """Seconds until the next attempt may be made, 0: now."""
        return max(0.0, self._until_s - self._clock())

    def failed(self) -> float:
        """Begins a pause; its length in seconds."""
        doubled_s = self._first_s * float(2 ** min(self._failures, 16))
        self._failures += 1
        pause_s = min(self._longest_s, doubled_s) * (1 - self._jitter() / 2)
        self._failed_s = self._clock()
        self._until_s = self._failed_s + pause_s
        return pause_s

    def hurry(self) -> None:
        """There is something new: the attempt need not wait longer than the first pause."""
        self._until_s = min(self._until_s, self._failed_s + self._first_s)

    def succeeded(self) -> None:
        self._failures = 0
        self._until_s = self._clock()
