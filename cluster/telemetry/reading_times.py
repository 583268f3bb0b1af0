"""When the hub reads the nodes: shortly before somebody asks. To export 50 cameras costs a node much of a second."""

from collections import deque

_AHEAD_S = 1.0
_ONE_ASK_S = 1.0
_IDLE_S = 30.0


class ReadingTimes:
    """Learns how often somebody asks. All times are monotonic seconds; belongs to one event loop.

    Prometheus asks every so many seconds: what it gets was read a moment before. Who asks more often gets what is at
    most `keep_s` old; while nobody asks, the nodes are read now and then only.
    """

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._asked_s = float("-inf")
        self._pauses: deque[float] = deque(maxlen=3)
        self._read_s, self._took_s = float("-inf"), 0.0

    def asked(self, now_s: float) -> None:
        """Somebody asked. Several who ask within a second are one."""
        pause_s = now_s - self._asked_s
        if pause_s < _ONE_ASK_S:
            return
        if pause_s < 2 * _IDLE_S:
            self._pauses.append(pause_s)
        self._asked_s = now_s

    def read(self, begun_s: float, took_s: float) -> None:
        """The nodes were read, or it was tried."""
        self._read_s, self._took_s = begun_s, took_s

    def due_s(self) -> float:
        """When to read next, unless somebody asks before."""
        pause_s = min(self._pauses, default=self._keep_s)
        for_the_next_s = self._asked_s + pause_s - self._took_s - _AHEAD_S
        if for_the_next_s <= self._read_s:
            return self._read_s + _IDLE_S
        return min(max(for_the_next_s, self._read_s + 0.8 * self._keep_s), self._read_s + _IDLE_S)
