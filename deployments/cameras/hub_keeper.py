"""Sees to it that there is one metrics hub, of the release that the supervisor runs. Knows no Ray."""

import asyncio
from typing import Protocol

import structlog

from deployments.cameras.camera_actors import ActorSilentError

_log = structlog.get_logger()
_ANSWER_S = 3.0
_SAID_AGAIN_ROUNDS = 30


class HubHandle(Protocol):
    """The hub; every call has a deadline and raises `ActorSilentError`."""

    async def release(self, timeout_s: float) -> str: ...
    async def end(self) -> None: ...


class HubActors(Protocol):
    """Finds the hub, or makes it. Raises `ActorSilentError`."""

    async def get(self) -> HubHandle: ...


class HubKeeper:
    """`tend` returns at once: the hub is spoken to in a task of its own. All of it belongs to one event loop."""

    def __init__(self, actors: HubActors, release: str) -> None:
        self._actors, self._release = actors, release
        self._silent = 0
        self._task: asyncio.Task[None] | None = None

    def tend(self) -> None:
        """Once a round."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            hub = await self._actors.get()
            release = await hub.release(_ANSWER_S)
            if release != self._release:
                # What it has added up lies in Ray's control store: the next round makes one of this release.
                _log.info("metrics_hub_replaced", before=release, release=self._release)
                await hub.end()
        except ActorSilentError as error:
            self._silent += 1
            if self._silent % _SAID_AGAIN_ROUNDS == 2:  # one that has only just been made is not silent yet
                _log.warning("metrics_hub_silent", rounds=self._silent, reason=str(error))
        else:
            self._silent = 0
