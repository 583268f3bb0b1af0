"""A pause that an event ends."""

import asyncio


async def pause(ended_by: asyncio.Event, longest_s: float) -> None:
    """Returns when `ended_by` is set, after `longest_s` seconds at the latest."""
    try:
        async with asyncio.timeout(longest_s):
            await ended_by.wait()
    except TimeoutError:
        return
