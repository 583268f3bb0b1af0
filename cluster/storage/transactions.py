"""Whole transactions, bounded in time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.faults import FAULTS, unavailable

Result = TypeVar("Result")
Work = Callable[[AsyncConnection], Awaitable[Result]]

_CANCELLATIONS = 5
_BETWEEN_CANCELLATIONS_S = 1.0


class Transactions:
    """Runs work in one transaction each: committed when it returns, rolled back when it raises.

    The caller has its answer within the engine's `timeout_s` (seconds) whatever the database does. Waiting for a
    driver to undo a statement on a server that hangs would be a second wait without an end, so what did not
    answer is left behind and ended in the background. Whether it was committed is then unknown: writes are
    made so that they may be repeated.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._timeout_s: float = engine.sync_engine.get_execution_options().get("timeout_s", 5.0)
        self._ending: set[asyncio.Task[None]] = set()

    async def read(self, work: Work[Result]) -> Result:
        """What `work` returns.

        Raises:
            DatabaseUnavailable: the database refused, failed or did not answer in time.
        """
        return await self._bounded(self._run(work, writes=False))

    async def write(self, work: Work[Result]) -> Result:
        """As `read`; SQLite takes its writer's lock before `work` reads anything."""
        return await self._bounded(self._run(work, writes=True))

    async def _run(self, work: Work[Result], *, writes: bool) -> Result:
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(writes=writes)
                async with connection.begin():
                    return await work(connection)
        except FAULTS as error:
            raise unavailable(error) from error

    async def _bounded(self, transaction: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.create_task(transaction)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout_s)
        except asyncio.CancelledError:
            self._leave_behind(task)
            raise
        if done:
            return task.result()
        self._leave_behind(task)
        raise DatabaseUnavailable(f"database: no answer within {self._timeout_s:g} s", "see what holds it up")

    def _leave_behind(self, task: asyncio.Task[Any]) -> None:
        ending = asyncio.create_task(_end(task))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


async def _end(task: asyncio.Task[Any]) -> None:
    """The first cancellation asks the server to stop the statement, the next ones close the connection."""
    for _ in range(_CANCELLATIONS):
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=_BETWEEN_CANCELLATIONS_S)
        if done:
            break
    if task.done() and not task.cancelled():
        task.exception()  # looked at, so that asyncio does not report it
