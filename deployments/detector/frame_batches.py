"""Which frames go through the model together: those that wait when it becomes free.

Serve's own batching closes a batch by the clock, also while the model is busy: on a CPU, which must not wait, each
frame would be a batch of its own however many stand in line.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from cluster.safety.detections import Detections
from cluster.safety.frames import Image

Waiting = tuple[Image, "asyncio.Future[Detections]"]


class FrameBatches:
    """The line before one model. `detect` belongs to one event loop; `configure` may come from any thread.

    A frame that finds the model idle goes at once. How long the line can be is Serve's `max_ongoing_requests`.
    """

    def __init__(self, run: Callable[[list[Image]], Awaitable[Sequence[Detections]]]) -> None:
        """`run` gives one `Detections` for each picture, in order, or raises for all of them."""
        self._run = run
        self._waiting: deque[Waiting] = deque()
        self._working: asyncio.Task[None] | None = None
        self._most, self._linger_s = 1, 0.0

    def configure(self, *, most: int | None = None, linger_s: float | None = None) -> None:
        """At most `most` together, and so long for others to come. None: as it is."""
        self._most = self._most if most is None else most
        self._linger_s = self._linger_s if linger_s is None else linger_s

    async def detect(self, image: Image) -> Detections:
        """The answer to `image`. Raises what `run` raises for the frames that went with it."""
        answer: asyncio.Future[Detections] = asyncio.get_running_loop().create_future()
        self._waiting.append((image, answer))
        if self._working is None:
            # In a context of its own: what one request bound to its log lines is not the next one's.
            self._working = asyncio.create_task(self._work(), context=contextvars.Context())
        return await answer

    async def _work(self) -> None:
        """Until nobody waits."""
        try:
            while self._waiting:
                if self._linger_s and len(self._waiting) < self._most:
                    await asyncio.sleep(self._linger_s)
                if batch := self._next():
                    await self._answer(batch)
        finally:
            self._working = None

    def _next(self) -> list[Waiting]:
        batch: list[Waiting] = []
        while self._waiting and len(batch) < self._most:
            waiting = self._waiting.popleft()
            if not waiting[1].done():  # its camera gave up: the model need not work for it
                batch.append(waiting)
        return batch

    async def _answer(self, batch: list[Waiting]) -> None:
        try:
            found = await self._run([image for image, _ in batch])
            pairs = list(zip(batch, found, strict=True))
        except Exception as error:  # noqa: BLE001 - border of the loop: who waits is told, and the next ones get their turn
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), detections in pairs:
            if not answer.done():
                answer.set_result(detections)
