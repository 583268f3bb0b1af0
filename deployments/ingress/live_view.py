"""One viewer of one camera: sends the newest picture, and waits for acknowledgements before it sends more."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from starlette.websockets import WebSocket

from deployments.ingress.blindness import is_blind
from deployments.ingress.limits import Limits
from deployments.ingress.pace import Pace
from deployments.ingress.pullers import Puller, Shown
from deployments.ingress.services import LiveMetrics
from deployments.ingress.sockets import TOO_SLOW, CloseSocket, receive_object, whole_number, within


class LiveView:
    """Sends pictures of `puller` to `websocket`, at most `frames_on_their_way` unacknowledged.

    Nothing is queued for a viewer: what it gets next is decided when it has a place again, and is the newest
    picture then. `send` and `receive` run beside each other in one event loop.
    """

    def __init__(
        self,
        websocket: WebSocket,
        puller: Puller,
        fps: float,
        limits: Limits,
        metrics: LiveMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._websocket, self._puller, self._fps = websocket, puller, fps
        self._limits, self._metrics, self._clock = limits, metrics, clock
        self._on_their_way: deque[tuple[int, float]] = deque()
        self._pace = Pace()
        self._place = asyncio.Event()
        self._too_slow = CloseSocket(TOO_SLOW, f"no acknowledgement for {limits.acknowledge_within_s:g} s")

    async def send(self) -> None:
        """Send until the viewer is too slow.

        Raises:
            CloseSocket: nothing was acknowledged, or not even taken, within `acknowledge_within_s`.
        """
        number = 0
        shown: Shown | None = None
        while True:
            await self._wait_for_place()
            await asyncio.sleep(self._pace.wait_s(self._clock()))
            newer = await self._puller.newer_than(number, self._limits.repeat_status_s)
            if newer is None and (shown is None or not is_blind(shown.picture)):
                continue
            shown = newer or shown
            assert shown is not None  # noqa: S101 - for the type checker, the line above says it
            number = shown.number
            await self._send(shown)

    async def receive(self) -> None:
        """Take acknowledgements until the viewer goes or says something wrong."""
        while True:
            message = await receive_object(self._websocket, self._limits)
            self._acknowledge(whole_number(message, "ack"))

    async def _send(self, shown: Shown) -> None:
        sent_s = self._clock()
        self._pace.taken(sent_s, self._fps)
        self._on_their_way.append((shown.picture.sequence, sent_s))
        await within(self._limits.acknowledge_within_s, self._websocket.send_bytes(shown.message), self._too_slow)

    async def _wait_for_place(self) -> None:
        while len(self._on_their_way) >= self._limits.frames_on_their_way:
            self._place.clear()
            left_s = self._on_their_way[0][1] + self._limits.acknowledge_within_s - self._clock()
            await within(left_s, self._place.wait(), self._too_slow)

    def _acknowledge(self, sequence: int) -> None:
        """Messages arrive in order, so that one acknowledgement covers those before it; others say nothing new."""
        if sequence not in [sent for sent, _ in self._on_their_way]:
            return
        while self._on_their_way:
            sent, sent_s = self._on_their_way.popleft()
            self._metrics.acknowledged(self._clock() - sent_s)
            if sent == sequence:
                break
        self._place.set()
