"""Waiting with an end."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Answer = TypeVar("Answer")


async def bounded(asking: Awaitable[Answer], deadline_s: float) -> Answer:
    """What `asking` gives, or TimeoutError after `deadline_s` seconds.

    Not asyncio.wait_for: in Python 3.11 that one loses a cancellation that arrives together with the answer, and
    a socket whose sender does not hear that it is over is never closed (python/cpython#86296).
    """
    async with asyncio.timeout(deadline_s):
        return await asking
