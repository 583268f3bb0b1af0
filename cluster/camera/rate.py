"""How often something happened lately."""

from collections import deque


class RateMeter:
    """Events a second over the last `window_s`; not thread-safe for more than one writer."""

    def __init__(self, window_s: float = 5.0) -> None:
        self._window_s = window_s
        self._ticks: deque[float] = deque(maxlen=1000)

    def tick(self, now_s: float) -> None:
        self._ticks.append(now_s)

    def rate(self, now_s: float) -> float:
        """0.0 when nothing happened within the window."""
        recent = [tick for tick in tuple(self._ticks) if now_s - tick <= self._window_s]
        if len(recent) < 2:
            return 0.0
        # Up to now, not up to the last tick: a stream that stopped must not keep its rate.
        return (len(recent) - 1) / max(now_s - recent[0], 1e-6)
