"""Ends the actors of cameras that nobody wants any more. Knows no Ray."""

import asyncio
from collections.abc import Callable

import structlog

from deployments.cameras.camera_actors import ActorSilentError, CameraHandle
from deployments.cameras.roster import Roster

_log = structlog.get_logger()
_RETIRE_TIMEOUT_S = 2.0
_STOP_S, _STOP_ANSWER_S = 3.0, 4.0
_RETIRES_WITHIN_S = 600.0


class Retiring:
    """An actor is asked to retire until its outbox is empty, for ten minutes at most, and then ended."""

    def __init__(self, roster: Roster, clock: Callable[[], float]) -> None:
        self._roster, self._clock = roster, clock
        self._since_s: dict[str, float] = {}

    def includes(self, camera_id: str) -> bool:
        return camera_id in self._since_s

    async def go_on(self, camera_id: str) -> None:
        """A round's step with all actors of the camera."""
        since_s = self._since_s.setdefault(camera_id, self._clock())
        actors = dict(self._roster.actors(camera_id))
        emptied = await asyncio.gather(*(_retire(camera_id, handle) for handle in actors.values()))
        if not all(emptied) and self._clock() - since_s < _RETIRES_WITHIN_S:
            return
        _log.info("camera_actor_retired", camera_id=camera_id, outbox_emptied=all(emptied))
        await self.end(camera_id)

    async def end(self, camera_id: str) -> None:
        """Its processes, now: the camera is wanted again, or has nothing more to tell."""
        self._since_s.pop(camera_id, None)
        for name, handle in dict(self._roster.actors(camera_id)).items():
            await _stop(camera_id, handle)
            await self._roster.end(camera_id, name)


async def _retire(camera_id: str, handle: CameraHandle) -> bool:
    try:
        return await handle.retire(_RETIRE_TIMEOUT_S)
    except ActorSilentError as error:
        _log.warning("camera_actor_not_retired", camera_id=camera_id, reason=str(error))
        return True  # it cannot send anything either; what it had accepted stays on its disk


async def _stop(camera_id: str, handle: CameraHandle) -> None:
    try:
        await handle.stop(_STOP_S, _STOP_ANSWER_S)
    except ActorSilentError as error:
        _log.warning("camera_actor_not_stopped", camera_id=camera_id, reason=str(error))
