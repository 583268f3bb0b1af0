"""What viewers' pages say of their own faults: how many lines are taken, and how they are written down."""

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from cluster.safety.redaction import redact
from cluster.telemetry import metrics

_log = structlog.get_logger()
_LEVELS = logging.getLevelNamesMapping()
_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """One fault as a page tells it. Texts are foreign and of a bounded length; `at` is by the client's clock."""

    level: str
    event: str
    message: str = ""
    url: str = ""
    stack: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells it: the principal's name, and the address that the request came from."""

    name: str
    address: str


class LinesAMinute:
    """How many lines each teller, and all of them together, may still have written in this minute.

    The table of tellers is bounded: the one that told least recently is forgotten first. That gives him a fresh
    minute, and the bound of all together still holds.
    """

    def __init__(
        self, of_one: int, of_all: int, most_tellers: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._of_one, self._of_all, self._most_tellers, self._clock = of_one, of_all, most_tellers, clock
        self._lines: OrderedDict[Teller, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()

    def take(self, teller: Teller, wanted: int) -> int:
        """How many of `wanted` lines may be written now; they count from here on."""
        now_s = self._clock()
        own = self._lines.setdefault(teller, deque())
        self._lines.move_to_end(teller)
        if len(self._lines) > self._most_tellers:
            self._lines.popitem(last=False)
        for lines in (own, self._all):
            _forget_old(lines, now_s)
        granted = max(0, min(wanted, self._of_one - len(own), self._of_all - len(self._all)))
        own.extend([now_s] * granted)
        self._all.extend([now_s] * granted)
        return granted


def write_down(teller: Teller, entries: Sequence[ClientEntry], untold: int) -> None:
    """A line an entry, and one more if `untold` of them had no room in this minute."""
    for entry in entries:
        metrics.client_errors.inc(tags={"level": entry.level})
        _log.log(
            _LEVELS[entry.level.upper()],
            "client_error",
            who=teller.name,
            address=teller.address,
            client_event=_line(entry.event),
            message=_line(entry.message),
            url=_line(entry.url),
            stack=redact(entry.stack),
            client_time=entry.at.isoformat() if entry.at else None,
        )
    if untold:
        _log.warning("client_errors_untold", who=teller.name, address=teller.address, untold=untold)


def _line(text: str) -> str:
    return redact(" ".join("".join(one if one.isprintable() else " " for one in text).split()))


def _forget_old(lines: deque[float], now_s: float) -> None:
    while lines and now_s - lines[0] >= _WINDOW_S:
        lines.popleft()
