"""Notices that this replica is being stopped, so that sockets hear 1012 instead of being cut.

Serve tells a replica nothing before it has drained, and it cannot drain while sockets are open: they would be cut
after `graceful_shutdown_timeout_s` without a word. But the controller asks a replica that it keeps for its health,
and stops asking when it stops it. That is the sign. If the asking was only late (the controller itself was
restarted), sockets are taken again as soon as it goes on.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from deployments.ingress.live import Live

log = structlog.get_logger()

HEALTH_CHECK_PERIOD_S = 1.0
_SILENCE_S = 5.0
_LOOK_EVERY_S = 0.5


class Farewell:
    """Says goodbye to the sockets of `live` when nobody has asked for `silence_s`. Belongs to one event loop."""

    def __init__(self, live: Live, silence_s: float = _SILENCE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._live, self._silence_s, self._clock = live, silence_s, clock
        self._asked_s: float | None = None
        self._watch: asyncio.Task[None] | None = None

    def asked(self) -> None:
        """The controller wants to know whether this replica is well: it is to stay."""
        self._asked_s = self._clock()
        if self._live.stopping.is_set():
            log.info("sockets_taken_again")
            self._live.stopping.clear()
        if self._watch is None:
            self._watch = asyncio.create_task(self._look(), name="farewell")

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """One look: has the asking stopped?"""
        silent = self._asked_s is not None and self._clock() - self._asked_s > self._silence_s
        if silent and not self._live.stopping.is_set():
            log.info("sockets_dismissed", open=self._live.places.taken)
            await self._live.say_goodbye()
