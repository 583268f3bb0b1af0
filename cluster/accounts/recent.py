"""What the database said a moment ago, so that it is not asked at every request, and not missed while it is away."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from cluster.safety.errors import DatabaseUnavailable

Value = TypeVar("Value")

_log = structlog.get_logger()


class Recent(Generic[Value]):
    """Answers by key for `fresh_s`; while the database is away, for `away_s`: people who watch are not sent away by it.

    What there is not is never remembered, so that guesses take no room. Bounded; belongs to one event loop.
    """

    def __init__(
        self,
        *,
        fresh_s: float = 2.0,
        away_s: float = 600.0,
        patience_s: float = 2.0,
        most: int = 2_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fresh_s, self._away_s, self._patience_s = fresh_s, away_s, patience_s
        self._most, self._clock = most, clock
        self._known: OrderedDict[str, tuple[Value, float]] = OrderedDict()

    async def get(
        self, key: str, ask: Callable[[], Awaitable[Value | None]], fresh_s: float | None = None
    ) -> Value | None:
        """What `ask` gives or gave; `fresh_s`: how old an answer this one takes.

        Where there is an older answer, a database that hangs is waited for `patience_s` only.

        Raises:
            DatabaseUnavailable: it is away, and the last answer too old or none.
        """
        if (known := self._younger_than(key, self._fresh_s if fresh_s is None else fresh_s)) is not None:
            return known
        older = self._younger_than(key, self._away_s)
        try:
            async with asyncio.timeout(None if older is None else self._patience_s):
                value = await ask()
        except (DatabaseUnavailable, TimeoutError) as error:
            if older is None:
                raise
            _log.warning("account_not_asked_again", reason=str(error) or "no answer in time")
            return older
        self._keep(key, value)
        return value

    def forget_all(self) -> None:
        """Somebody changed something here: the next ones are asked about again."""
        self._known.clear()

    def _younger_than(self, key: str, age_s: float) -> Value | None:
        value, asked_s = self._known.get(key, (None, 0.0))
        return value if value is not None and self._clock() - asked_s <= age_s else None

    def _keep(self, key: str, value: Value | None) -> None:
        self._known.pop(key, None)
        if value is None:
            return
        self._known[key] = (value, self._clock())
        if len(self._known) > self._most:
            self._known.popitem(last=False)
