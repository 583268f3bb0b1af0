"""Counts the long-lived connections, so that they leave places for `/health`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from deployments.ingress.services import LiveMetrics


class NoPlace(Exception):
    """All places for sockets and streams of this replica are taken."""


class Places:
    """Hands out `limit` places to sockets and MJPEG streams. Belongs to one event loop."""

    def __init__(self, limit: int, metrics: LiveMetrics) -> None:
        self._limit, self._metrics = limit, metrics
        self.taken = 0
        self.empty = asyncio.Event()
        self.empty.set()

    @contextmanager
    def take(self) -> Iterator[None]:
        """One place until the block ends.

        Raises:
            NoPlace: none is left.
        """
        if self.taken >= self._limit:
            raise NoPlace(f"all {self._limit} places for live streams are taken")
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self.taken += change
        self.empty.clear() if self.taken else self.empty.set()
        self._metrics.connections(self.taken)
