"""Outages that the supervisor tells in the place of a camera's process. Knows no Ray."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.episodes import SavedEpisode
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import correlation_id
from cluster.safety.status import SWITCHED_OFF, CameraStatus
from deployments.cameras.watched import Watched

_log = structlog.get_logger()

OUTAGE_SUBJECT = "process"
"""Subject of the events that the supervisor tells in the place of a camera's process."""

Tell = Callable[[str, int, Sequence[SafetyEvent]], Awaitable[None]]


class Outages:
    """`tell(camera_id, epoch, events)` takes what is to be recorded, and returns at once."""

    def __init__(self, tell: Tell, clock: Callable[[], float]) -> None:
        self._tell, self._clock = tell, clock
        self._inherited: dict[str, list[SavedEpisode]] = {}

    def inherit(self, outages: Mapping[str, Sequence[SavedEpisode]]) -> None:
        """Outages that a supervisor before this one told: they are continued or ended, not forgotten."""
        self._inherited = {camera_id: list(saved) for camera_id, saved in outages.items()}

    def inherited(self) -> set[str]:
        return set(self._inherited)

    async def take_up(self, camera_id: str, watched: Watched, has_danger_zone: bool) -> None:
        """Goes on with what was inherited of this camera."""
        saved = self._inherited.pop(camera_id, [])
        if not saved:
            return
        watched.epoch = max(watched.epoch, *(one.epoch for one in saved))
        if watched.health is None:
            watched.health = _rules(camera_id, watched, has_danger_zone)
            watched.health.resume(saved, datetime.now(UTC), self._clock())
        else:  # told anew before it was known that it had been told
            await self._end(camera_id, saved, CameraStatus.MONITORED, "another event goes on with it")

    async def blind(self, camera_id: str, watched: Watched, has_danger_zone: bool) -> None:
        """Nobody watches the camera; opens the outage, or goes on with it."""
        if watched.health is None:
            watched.silent_since = datetime.now(UTC)
            watched.health = _rules(camera_id, watched, has_danger_zone)
            _log.error("camera_actor_silent", camera_id=camera_id, reason=watched.reason)
        await self._say(camera_id, watched, CameraStatus.UNMONITORED, watched.reason)

    async def over(self, camera_id: str, watched: Watched) -> None:
        """It is watched again, by a process that speaks for itself."""
        if watched.health is not None:
            await self._say(camera_id, watched, CameraStatus.MONITORED, "")
            watched.health = None

    async def forget(self, camera_id: str, watched: Watched | None) -> None:
        """Nobody wants the camera any more: nobody misses it either."""
        if watched is not None:
            await self._say(camera_id, watched, CameraStatus.DISABLED, SWITCHED_OFF)
        if saved := self._inherited.pop(camera_id, []):
            await self._end(camera_id, saved, CameraStatus.DISABLED, SWITCHED_OFF)

    async def _say(self, camera_id: str, watched: Watched, status: CameraStatus, reason: str) -> None:
        if watched.health is None:
            return
        frame_id = correlation_id(camera_id, watched.epoch, 0)
        events = watched.health.observe(status, reason, datetime.now(UTC), self._clock(), frame_id)
        if events:
            await self._tell(camera_id, watched.epoch, events)

    async def _end(self, camera_id: str, saved: Sequence[SavedEpisode], status: CameraStatus, reason: str) -> None:
        for one in saved:
            rules = CameraHealthRules(camera_id, one.epoch, False, subject=OUTAGE_SUBJECT)
            rules.resume([one], datetime.now(UTC), self._clock())
            frame_id = correlation_id(camera_id, one.epoch, 0)
            events = rules.observe(status, reason, datetime.now(UTC), self._clock(), frame_id)
            await self._tell(camera_id, one.epoch, events)


def _rules(camera_id: str, watched: Watched, has_danger_zone: bool) -> CameraHealthRules:
    return CameraHealthRules(camera_id, watched.epoch, has_danger_zone, subject=OUTAGE_SUBJECT)
