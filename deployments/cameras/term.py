"""Which supervisor is the newest: two never fight. Knows no Ray."""

import time
from collections.abc import Callable
from typing import Protocol

import structlog

from cluster.safety.errors import SupervisorSuperseded
from deployments.cameras.camera_actors import ActorSilentError

_log = structlog.get_logger()


class TermStore(Protocol):
    """Where the epoch of the newest supervisor stands. Raises `ActorSilentError`."""

    async def read(self) -> int: ...
    async def write(self, epoch: int) -> None: ...


class Term:
    """A supervisor's epoch: one more than the last, or the seconds since 1970 where these are more.

    Actors learn of it with every order and refuse those of an older one; the store tells it to a supervisor that
    has no actor to ask.
    """

    def __init__(self, store: TermStore, wall: Callable[[], float] = time.time) -> None:
        self._store, self._wall = store, wall
        self.epoch = 0

    async def begin(self) -> int:
        """Takes the next epoch."""
        self.epoch = max(await self._last() + 1, int(self._wall()))
        try:
            await self._store.write(self.epoch)
        except ActorSilentError as error:
            _log.warning("supervisor_epoch_not_stored", epoch=self.epoch, reason=str(error))
        _log.info("supervisor_began", epoch=self.epoch)
        return self.epoch

    async def check(self) -> None:
        """Raises SupervisorSuperseded if another one has begun since."""
        if (last := await self._last()) > self.epoch:
            raise SupervisorSuperseded(self.epoch, last)

    async def _last(self) -> int:
        try:
            return await self._store.read()
        except ActorSilentError as error:
            _log.warning("supervisor_epoch_not_read", reason=str(error))
            return 0
