"""Which lease a camera gets next. Knows no Ray."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from cluster.safety.errors import LeaseLost, StorageError

_log = structlog.get_logger()
_LEASE_S = 1.0
"""A camera that waits for its lease does not watch: the epoch counts also where it is not stored yet."""
_TRIES = 3


class Leases(Protocol):
    """The rows (`cluster.storage.leases.LeaseStore`)."""

    async def take(self, camera_id: str, epoch: int) -> None: ...


class Epochs:
    """Each is higher than any before, with the database or without it: the clock carries it over a lost memory."""

    def __init__(self, leases: Leases, wall: Callable[[], float] = time.time) -> None:
        self._leases, self._wall = leases, wall
        self._last: dict[str, int] = {}

    def last(self, camera_id: str) -> int:
        """The one that was handed out last; 0: none by this process."""
        return self._last.get(camera_id, 0)

    async def next(self, camera_id: str) -> int:
        """A new owner's epoch. When it returns, what a former owner sends is refused, if the database answers."""
        epoch = self._raised(camera_id, int(self._wall()))
        try:
            async with asyncio.timeout(_LEASE_S):
                for _ in range(_TRIES):
                    if (newer := await self._newer(camera_id, epoch)) == 0:
                        break
                    # The clock of another supervisor was ahead.
                    epoch = self._raised(camera_id, newer + 1)
        except (StorageError, TimeoutError) as error:
            # Fail open: the camera watches now, the epoch decides afterwards.
            _log.error("lease_not_stored", camera_id=camera_id, epoch=epoch, reason=str(error))
        return epoch

    async def _newer(self, camera_id: str, epoch: int) -> int:
        """Takes the lease; the epoch of who has a newer one, 0: nobody."""
        try:
            await self._leases.take(camera_id, epoch)
        except LeaseLost as error:
            return error.current_epoch
        return 0

    def _raised(self, camera_id: str, least: int) -> int:
        epoch = self._last[camera_id] = max(self.last(camera_id) + 1, least)
        return epoch
