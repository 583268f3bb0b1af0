"""The picture of an event for its message: waited for, but not for long."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

from cluster.notifications.waiting import pause
from cluster.notifications.writing import Kept
from cluster.safety.errors import DatabaseUnavailable, StorageError

_log = structlog.get_logger()
_EVERY_S, _SLOWER, _SLOWEST_S = 0.1, 1.3, 0.5
_READ_WITHIN_S = 0.5
PENDING, STORED = "pending", "stored"


class Events(Protocol):
    """The rows (`cluster.storage.events.EventStore`)."""

    async def get(self, event_id: str) -> Kept | None: ...


class Pictures(Protocol):
    """The snapshot store (`cluster.storage.snapshots.SnapshotStore`)."""

    async def get(self, name: str) -> bytes: ...


class Snapshots:
    """Any number of waits at once. `clock` is monotonic, in seconds; `hurry` ends all waits (the process stops)."""

    def __init__(self, events: Events, pictures: Pictures, clock: Callable[[], float]) -> None:
        self._events, self._pictures, self._clock = events, pictures, clock
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        self._hurry.set()

    async def of(self, kept: Kept, wait_s: float) -> bytes | None:
        """The drawn picture, None if there is none within `wait_s` seconds (and a moment, in which it is read)."""
        try:
            async with asyncio.timeout(max(0.0, wait_s) + _READ_WITHIN_S):
                return await self._read(await self._awaited(kept, wait_s))
        except TimeoutError:  # a store that hangs must not hold up each attempt of the message
            _log.warning("notification_picture_unread", event_id=kept.event.event_id, reason="no answer in time")
            return None

    async def _read(self, found: Kept | None) -> bytes | None:
        if found is None or found.snapshot_state != STORED or found.snapshot_name is None:
            return None
        try:
            return await self._pictures.get(found.snapshot_name)
        except (StorageError, KeyError) as error:
            _log.warning("notification_picture_unread", event_id=found.event.event_id, reason=str(error))
            return None

    async def _awaited(self, kept: Kept, wait_s: float) -> Kept | None:
        found: Kept | None = kept
        until_s, every_s = self._clock() + wait_s, _EVERY_S
        while found is not None and found.snapshot_state == PENDING and self._clock() < until_s:
            if self._hurry.is_set():
                break
            await pause(self._hurry, every_s)
            every_s = min(every_s * _SLOWER, _SLOWEST_S)
            with suppress(DatabaseUnavailable):  # it may be back before the time is over
                found = await self._events.get(kept.event.event_id)
        return found
