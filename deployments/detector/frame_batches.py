"""Which frames go through the model next, and where: those that wait, as soon as there is room.

Serve's own batching closes a batch by the clock, also while the model is busy: on a CPU, which must not wait, each
frame would be a batch of its own however many stand in line.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cluster.safety.detections import Detections
from cluster.safety.frames import Image
from cluster.telemetry import metrics

Waiting = tuple[Image, "asyncio.Future[Detections]"]


@dataclass(frozen=True, slots=True)
class Lane:
    """Where a batch is worked at. `whole`: it has all that there is; otherwise its share, beside other lanes."""

    number: int = 0
    whole: bool = True


WHOLE = Lane()


class FrameBatches:
    """The line before one model. `detect` belongs to one event loop; `configure` may come from any thread.

    A frame that finds the model idle goes at once, and has it whole. Where a model has several lanes and more than
    one frame waits, each lane takes the next one as soon as it is free, and no lane waits for another.
    How long the line can be is Serve's `max_ongoing_requests`.
    """

    def __init__(self, run: Callable[[list[Image], Lane], Awaitable[Sequence[Detections]]]) -> None:
        """`run` gives one `Detections` for each picture, in order, or raises for all of them."""
        self._run = run
        self._waiting: deque[Waiting] = deque()
        self._working: dict[Lane, asyncio.Task[None]] = {}
        self._most, self._linger_s, self._lanes = 1, 0.0, 1

    def configure(self, *, most: int | None = None, linger_s: float | None = None, lanes: int | None = None) -> None:
        """At most `most` together, so long for others to come, and so many `lanes`. None: as it is."""
        self._most = self._most if most is None else most
        self._linger_s = self._linger_s if linger_s is None else linger_s
        self._lanes = self._lanes if lanes is None else lanes

    async def detect(self, image: Image) -> Detections:
        """The answer to `image`. Raises what `run` raises for the frames that went with it."""
        answer: asyncio.Future[Detections] = asyncio.get_running_loop().create_future()
        self._waiting.append((image, answer))
        self._set_out()
        return await answer

    def _set_out(self) -> None:
        """Whatever can go now goes."""
        while (lane := self._free_lane()) and (batch := self._next(self._most)):
            # In a context of its own: what one request bound to its log lines is not the next one's.
            self._working[lane] = asyncio.create_task(self._work(batch, lane), context=contextvars.Context())

    def _free_lane(self) -> Lane | None:
        if not self._working and (self._lanes == 1 or len(self._waiting) == 1):
            return WHOLE
        if any(lane.whole for lane in self._working):
            return None
        lanes = (Lane(number, whole=False) for number in range(self._lanes))
        return next((lane for lane in lanes if lane not in self._working), None)

    def _next(self, room: int) -> list[Waiting]:
        batch: list[Waiting] = []
        while self._waiting and len(batch) < room:
            waiting = self._waiting.popleft()
            if not waiting[1].done():  # its camera gave up: the model need not work for it
                batch.append(waiting)
        return batch

    async def _work(self, batch: list[Waiting], lane: Lane) -> None:
        try:
            if self._linger_s and len(batch) < self._most:
                await asyncio.sleep(self._linger_s)
                batch += self._next(self._most - len(batch))
            await self._answer(batch, lane)
        finally:
            del self._working[lane]
            metrics.detector_waiting.set(len(self._waiting))
            self._set_out()

    async def _answer(self, batch: list[Waiting], lane: Lane) -> None:
        try:
            found = await self._run([image for image, _ in batch], lane)
            pairs = list(zip(batch, found, strict=True))
        except Exception as error:  # noqa: BLE001 - border of the loop: who waits is told, and the next ones get their turn
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), detections in pairs:
            if not answer.done():
                answer.set_result(detections)
