"""When a message may be sent, and when it is tried again."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE_S = 60.0
_FIRST_S, _LONGEST_S, _SHORTEST_S = 1.0, 20.0, 0.2
_LONGEST_ASKED_S = 600.0
_MOST_DOUBLINGS = 16
_FEWEST_ATTEMPTS = 5


class Pace:
    """At most `most_per_minute` messages in any minute. A third of them is for CRITICAL ones: a flood of what is less
    must not make them wait. Belongs to one event loop; `clock` is monotonic, in seconds."""

    def __init__(self, most_per_minute: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most_per_minute, clock
        self._for_critical = most_per_minute // 3
        self._begun_s: deque[float] = deque()
        self._held_until_s = clock()

    def room(self) -> int:
        """How many messages may begin now; 0 while the channel asked to be left alone."""
        return self._left() if self._clock() >= self._held_until_s else 0

    def only_critical(self) -> bool:
        """Whether what is left is kept for CRITICAL messages."""
        return self._left() <= self._for_critical

    def began(self) -> None:
        """One more was begun."""
        self._begun_s.append(self._clock())

    def hold(self, pause_s: float) -> None:
        """The channel asked for a pause of all messages to it."""
        self._held_until_s = max(self._held_until_s, self._clock() + min(pause_s, _LONGEST_ASKED_S))

    def _left(self) -> int:
        while self._begun_s and self._begun_s[0] <= self._clock() - _MINUTE_S:
            self._begun_s.popleft()
        return max(0, self._most - len(self._begun_s))


@dataclass(frozen=True, slots=True)
class Patience:
    """How attempts follow each other. `random` gives 0..1.

    Full jitter (a pause anywhere between none and twice the last one) spreads best what all failed at the same moment.
    """

    give_up_after_s: float
    random: Callable[[], float]

    def next_try(self, now: datetime, due_at: datetime, attempt: int, asked_s: float | None) -> datetime | None:
        """When attempt number `attempt`, which failed, is followed by another; None: given up.

        `asked_s`: the least that the channel asked for. The last attempt is at the very end of the time there is, but
        nothing is given up before its fifth: who was away himself finds messages whose time is over.
        """
        end = due_at + timedelta(seconds=self.give_up_after_s)
        at = now + timedelta(seconds=self._pause_s(attempt, asked_s))
        if now < end:
            return min(end, at)
        return at if attempt < _FEWEST_ATTEMPTS else None

    def _pause_s(self, attempt: int, asked_s: float | None) -> float:
        longest_s = min(_LONGEST_S, _FIRST_S * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
        pause_s = max(_SHORTEST_S, longest_s * self.random())
        return max(pause_s, min(asked_s or 0.0, _LONGEST_ASKED_S))
