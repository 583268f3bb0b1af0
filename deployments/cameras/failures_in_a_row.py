"""How often in a row something failed, as a gauge that does not stand for ever."""

import asyncio
from collections.abc import Awaitable, Callable

from cluster.safety.errors import StorageError
from cluster.telemetry.steady import SteadyGauge


class FailuresInARow:
    """Counts in one replica. Another replica may have the next success, and this one no call at all for hours: after
    `quiet_s` without either it asks for itself whether the store answers. Belongs to one event loop.

    `quiet_s` must be longer than any pause between two attempts of a caller, or a count could never grow.
    """

    def __init__(self, gauge: SteadyGauge, ask: Callable[[], Awaitable[None]], quiet_s: float = 120.0) -> None:
        """`ask` raises StorageError while the store does not answer."""
        self._gauge, self._ask, self._quiet_s = gauge, ask, quiet_s
        self._watching: asyncio.Task[None] | None = None
        self._calls = 0
        self.count = 0
        gauge.set(0)

    def failed(self) -> None:
        self._set(self.count + 1)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    def succeeded(self) -> None:
        self._calls += 1
        if self.count:
            self._set(0)

    def _set(self, count: int) -> None:
        self._calls += 1
        self.count = count
        self._gauge.set(count)

    async def _watch(self) -> None:
        """Ends with the count."""
        while self.count:
            calls = self._calls
            await asyncio.sleep(self._quiet_s)
            if self._calls == calls and await self._answers():
                self.succeeded()

    async def _answers(self) -> bool:
        try:
            await self._ask()
        except StorageError:
            return False
        return True
