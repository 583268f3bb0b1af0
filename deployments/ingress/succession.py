"""Notices that a newer release of the ingress has begun, so that viewers go over to it before Serve cuts them off."""

import asyncio

import structlog

from cluster.safety.errors import DatabaseUnavailable
from deployments.ingress.lifetimes import Lifetimes
from deployments.ingress.limits import Limits
from deployments.ingress.services import Generations

log = structlog.get_logger()


class Succession:
    """Says that `release` has begun, then looks every `generation_every_s` whether another one has since.

    While the database is away nobody is superseded: `Farewell` still notices when this replica is stopped.
    """

    def __init__(self, generations: Generations, release: str, lifetimes: Lifetimes, limits: Limits) -> None:
        self._generations, self._release, self._lifetimes = generations, release, lifetimes
        self._every_s = limits.generation_every_s
        self._known: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow(), name="succession")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> None:
        """One look; the first one begins this replica's own generation."""
        if self._known is None:
            self._known = await self._generations.begin(self._release)
            log.info("generation_begun", generation=self._known, release=self._release)
            return
        present = await self._generations.present()
        if present > self._known:
            log.info("sockets_superseded", generation=present, release=self._release)
            self._known = present
            self._lifetimes.supersede()

    async def _follow(self) -> None:
        while True:
            try:
                await self.look()
            except DatabaseUnavailable as error:
                log.debug("generation_unknown", reason=str(error))
            # The border of the loop: a defect here must not keep later rollouts from being seen.
            except Exception:
                log.exception("succession_failed")
            await asyncio.sleep(self._every_s)
