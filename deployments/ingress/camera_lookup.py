"""Finds the actor that owns a camera, also after the camera has been handed to another. Knows no Ray."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cluster.camera.actor_names import actor_name
from deployments.ingress.services import Unreachable

Answer = TypeVar("Answer")


class CameraLookup:
    """Remembers handles: the supervisor is asked when there is none, or when the actor is gone.

    `name_of(camera_id)` gives the name that the supervisor knows, "" if it knows none, and may raise Unreachable;
    `get(name)` the handle, blocking; what it raises is passed on. `gone`: errors that say that an actor is dead.
    """

    def __init__(
        self,
        name_of: Callable[[str], Awaitable[str]],
        get: Callable[[str], Any],
        gone: tuple[type[Exception], ...],
        again_after_s: float,
    ) -> None:
        self._name_of, self._get, self._gone, self._again_after_s = name_of, get, gone, again_after_s
        self._known: dict[str, tuple[str, Any]] = {}

    async def ask(self, camera_id: str, question: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """The answer of the camera's actor; if it died, of the one that follows it, if there is one already."""
        name, actor = self._known.get(camera_id) or await self._find(camera_id, await self._name(camera_id))
        try:
            return await question(actor)
        except self._gone:
            self.forget(camera_id)
            follower = await self._follower(camera_id, name)
            if not follower:
                raise
            return await question((await self._find(camera_id, follower))[1])

    def forget(self, camera_id: str) -> None:
        """The next question finds the actor anew."""
        self._known.pop(camera_id, None)

    async def _find(self, camera_id: str, name: str) -> tuple[str, Any]:
        found = self._known[camera_id] = name, await asyncio.to_thread(self._get, name)
        return found

    async def _follower(self, camera_id: str, name: str) -> str:
        """The name of another actor, ""; none. Asked twice: what the supervisor said may be remembered from before."""
        for pause_s in (0.0, self._again_after_s):
            await asyncio.sleep(pause_s)
            if (now := await self._name(camera_id)) != name:
                return now
        return ""

    async def _name(self, camera_id: str) -> str:
        """While the supervisor is away the pictures go on, from the actor that every camera begins with."""
        try:
            return await self._name_of(camera_id) or actor_name(camera_id)
        except Unreachable:
            return self._known[camera_id][0] if camera_id in self._known else actor_name(camera_id)
