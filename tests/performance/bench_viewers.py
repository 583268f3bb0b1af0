"""Viewers of one camera on real sockets: what each of them got, and how old it was when it came."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import datetime

import websockets

_PATIENCE_S = 60.0


@dataclass
class Viewer:
    """`pause_s`: how long it looks at a frame before it acknowledges it."""

    url: str
    pause_s: float = 0.0
    frames: list[tuple[int, float, float]] = field(default_factory=list)
    """(sequence, monotonic time of arrival, seconds since its capture by this machine's wall clock)."""

    async def watch(self, stopping: asyncio.Event) -> None:
        # Programs offer no compression of JPEGs; browsers do.
        async with websockets.connect(self.url, compression=None, max_size=None) as socket:
            while not stopping.is_set():
                message = await socket.recv()
                assert isinstance(message, bytes)
                sequence, age_s = _read(message)
                self.frames.append((sequence, time.monotonic(), age_s))
                await asyncio.sleep(self.pause_s)
                await socket.send(f'{{"ack": {sequence}}}')

    def within(self, window: tuple[float, float]) -> list[tuple[int, float]]:
        """(sequence, age in seconds) of the frames that came in the window."""
        return [(sequence, age_s) for sequence, came_s, age_s in self.frames if window[0] <= came_s < window[1]]


async def watch_all(viewers: list[Viewer], settle_s: float, seconds: float) -> tuple[float, float]:
    """All of them at once; the beginning and end (monotonic) of the measured stretch.

    Raises:
        RuntimeError: one of them was cut off.
    """
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(viewer.watch(stopping)) for viewer in viewers]
    async with asyncio.timeout(_PATIENCE_S):
        while not all(viewer.frames for viewer in viewers):
            _check(tasks)
            await asyncio.sleep(0.1)
    await asyncio.sleep(settle_s)
    start_s = time.monotonic()
    await asyncio.sleep(seconds)
    end_s = time.monotonic()
    _check(tasks)
    stopping.set()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return start_s, end_s


def _check(tasks: "list[asyncio.Task[None]]") -> None:
    if ended := [task for task in tasks if task.done()]:
        raise RuntimeError(f"{len(ended)} viewers were cut off: {ended[0].exception()!r}")


def _read(message: bytes) -> tuple[int, float]:
    end = 4 + int.from_bytes(message[:4], "big")
    header = json.loads(message[4:end])
    return header["sequence"], time.time() - datetime.fromisoformat(header["time"]).timestamp()
