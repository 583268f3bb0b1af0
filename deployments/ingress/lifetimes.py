"""How long a socket lives: until this replica stops, until it is old, or until a newer release takes over."""

import asyncio
import random
from collections.abc import Callable

from deployments.ingress.limits import Limits

SERVER_RESTARTS = "the server restarts, please come back"
SUPERSEDED = "a newer release has begun, please come back"
RENEW = "renew"
"""What a page hears at the end of a long session: it comes back at once, to whichever replica and with its session
proved anew."""


class Lifetimes(asyncio.Event):
    """Is set while this replica stops; and says to each socket when its own time is over. Belongs to one event loop.

    Ages are jittered, and who is superseded goes at some moment within `superseded_within_s`, so that viewers do not
    come back all at once.
    """

    def __init__(self, limits: Limits, between: Callable[[float, float], float] = random.uniform) -> None:
        super().__init__()
        self._limits, self._between = limits, between
        self._superseded = asyncio.Event()

    def supersede(self) -> None:
        """Ends the sockets that are open now. Who comes later is served: until this replica stops it may be needed."""
        self._superseded.set()
        self._superseded = asyncio.Event()

    async def over(self) -> str:
        """Why, as soon as the time of the socket that asks here is over."""
        age_s = self._limits.session_age_s * self._between(0.9, 1.1)
        waits = {
            asyncio.create_task(self.wait()): SERVER_RESTARTS,
            asyncio.create_task(self._followed(self._superseded)): SUPERSEDED,
        }
        try:
            done, _ = await asyncio.wait(waits, timeout=age_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return next((waits[task] for task in waits if task in done), RENEW)

    async def _followed(self, superseded: asyncio.Event) -> None:
        await superseded.wait()
        await asyncio.sleep(self._between(0.0, self._limits.superseded_within_s))
