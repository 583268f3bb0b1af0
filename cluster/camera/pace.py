"""Plays what can be read faster than it happened (files, HLS) at its own rate."""

# A jump further than this, in either direction, is a new start and no pause.
_LONGEST_WAIT_S = 2.0
_LATEST_S = 0.5


class Pace:
    """When the frame at a position of the stream is due. Belongs to one thread.

    `speed` a little over 1 keeps a live stream (HLS) from falling behind for ever by the drift of two clocks.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._start_s: float | None = None

    def wait_s(self, position_s: float, now_s: float) -> float:
        """Seconds to wait at `now_s` (monotonic) before the frame at `position_s` is handed on."""
        if self._start_s is not None:
            due_s = self._start_s + position_s / self._speed
            if now_s - _LATEST_S <= due_s <= now_s + _LONGEST_WAIT_S:
                return max(0.0, due_s - now_s)
        self._start_s = now_s - position_s / self._speed
        return 0.0
