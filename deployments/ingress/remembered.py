"""An answer that many ask for at once, fetched once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Remembered(Generic[Answer]):
    """Keeps what `fetch` answered for `keep_s`; whoever asks meanwhile waits for the one fetch under way.

    A failed fetch is told to those who waited for it and is not remembered. Belongs to one event loop.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Answer]], keep_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch, self._keep_s, self._clock = fetch, keep_s, clock
        self._running: asyncio.Task[Answer] | None = None
        self._until_s = float("-inf")

    async def get(self) -> Answer:
        if self._running is None or (self._running.done() and self._is_old(self._running)):
            self._running = asyncio.ensure_future(self._look())
            # Read here, because whoever asked may be gone when it fails.
            self._running.add_done_callback(lambda task: task.cancelled() or task.exception())
        # Shielded: one impatient asker must not take the answer from the others.
        return await asyncio.shield(self._running)

    async def _look(self) -> Answer:
        answer = await self._fetch()
        self._until_s = self._clock() + self._keep_s
        return answer

    def _is_old(self, task: asyncio.Task[Answer]) -> bool:
        return task.cancelled() or task.exception() is not None or self._clock() >= self._until_s
