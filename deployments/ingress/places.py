"""Counts the long-lived connections, so that they leave places for `/health`."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.accounts.principal import ANYBODY, Principal, PrincipalKind
from deployments.ingress.services import LiveMetrics


class NoPlace(Exception):
    """All places for sockets and streams of this replica, or those that one viewer may have, are taken."""


class Places:
    """Hands out `limit` places to sockets and MJPEG streams, `of_one` of them to the same user or token, `streams` of
    them to MJPEG, where each viewer that stands still holds memory.

    Belongs to one event loop. Where sign-in is off nobody knows who is the same.
    """

    def __init__(self, limit: int, metrics: LiveMetrics, of_one: int, streams: int) -> None:
        self._limit, self._metrics, self._of_one = limit, metrics, of_one
        self._most_streams, self._streams = streams, 0
        self._taken_by: Counter[tuple[str, str]] = Counter()
        self.taken = 0
        self.empty = asyncio.Event()
        self.empty.set()

    @contextmanager
    def take(self, principal: Principal = ANYBODY) -> Iterator[None]:
        """One place until the block ends.

        Raises:
            NoPlace: none is left, or none for him.
        """
        who = (principal.kind.value, principal.name)
        if self.taken >= self._limit:
            raise NoPlace(f"all {self._limit} places for live streams are taken")
        if principal.kind is not PrincipalKind.NOBODY and self._taken_by[who] >= self._of_one:
            raise NoPlace(f"all {self._of_one} places for live streams of {principal.name} are taken")
        self._count(who, 1)
        try:
            yield
        finally:
            self._count(who, -1)

    @contextmanager
    def take_stream(self, principal: Principal) -> Iterator[None]:
        """As `take`, for an MJPEG stream."""
        if self._streams >= self._most_streams:
            raise NoPlace(f"all {self._most_streams} places for MJPEG are taken")
        with self.take(principal):
            self._streams += 1
            try:
                yield
            finally:
                self._streams -= 1

    def _count(self, who: tuple[str, str], change: int) -> None:
        self._taken_by[who] += change
        if not self._taken_by[who]:
            del self._taken_by[who]
        self.taken += change
        self.empty.clear() if self.taken else self.empty.set()
        self._metrics.connections(self.taken)
