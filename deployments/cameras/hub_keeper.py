"""Sees to it that there is one metrics hub, of the release that the supervisor runs. Knows no Ray."""

import asyncio
from typing import Protocol

import structlog

from deployments.cameras.camera_actors import ActorSilentError

_log = structlog.get_logger()
_ANSWER_S = 3.0
HUNG_AFTER_ROUNDS = 30
"""A minute at least; it loads for some seconds when it is made."""


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
        self._silent, self._lost = 0, False
        self._task: asyncio.Task[None] | None = None

    def tend(self) -> None:
        """Once a round."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            hub = await self._actors.get()
        except ActorSilentError as error:  # the control store: says nothing about the hub
            if not self._lost:
                _log.warning("metrics_hub_not_found", reason=str(error))
            self._lost = True
            return
        self._lost = False
        try:
            release = await hub.release(_ANSWER_S)
        except ActorSilentError as error:
            await self._bear(hub, str(error))
            return
        self._silent = 0
        if release != self._release:
            # What it has added up lies in Ray's control store: the next round makes one of this release.
            _log.info("metrics_hub_replaced", before=release, release=self._release)
            await self._end(hub)

    async def _bear(self, hub: HubHandle, reason: str) -> None:
        """One that has only just been made is not silent yet; one that hangs is never found well again by waiting."""
        self._silent += 1
        if self._silent == 2:
            _log.warning("metrics_hub_silent", reason=reason)
        if self._silent >= HUNG_AFTER_ROUNDS:
            _log.error("metrics_hub_hangs", rounds=self._silent, reason=reason)
            self._silent = 0
            await self._end(hub)

    async def _end(self, hub: HubHandle) -> None:
        try:
            await hub.end()
        except ActorSilentError as error:  # the next round finds it as it is
            _log.warning("metrics_hub_not_ended", reason=str(error))
