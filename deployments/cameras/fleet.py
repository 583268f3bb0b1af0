"""Keeps the actors of all cameras as they should be, and speaks for those that cannot. Knows no Ray."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import correlation_id
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.cameras import Assignment, CameraSettings

_log = structlog.get_logger()
_HEARTBEAT_TIMEOUT_S = 2.0
_SILENT_AFTER_S = 6.0
_STARTS_WITHIN_S = 30.0


class CameraHandle(Protocol):
    """A running (or restarting) camera actor; every call has a deadline and raises `ActorSilentError`."""

    async def report(self, timeout_s: float) -> CameraReport: ...
    async def apply(self, assignment: Assignment, timeout_s: float) -> None: ...
    async def end(self, timeout_s: float) -> None: ...


class CameraActors(Protocol):
    """The actors of the cluster by camera id."""

    async def running(self) -> Mapping[str, CameraHandle]: ...
    async def create(self, camera_id: str) -> CameraHandle: ...


class ActorSilentError(Exception):
    """The actor did not answer in time, is dead, or is being restarted."""


@dataclass(frozen=True, slots=True)
class Desired:
    """A camera that should run. `revision` identifies the content of its settings."""

    settings: CameraSettings
    revision: int
    managed: str = "config"


@dataclass(slots=True)
class _Watched:
    """What the fleet knows of one camera."""

    created_s: float
    answered_s: float | None = None
    report: CameraReport | None = None
    silent_since: datetime = field(default_factory=lambda: datetime.now(UTC))
    health: CameraHealthRules | None = None
    epoch: int = 0


Tell = Callable[[str, int, Sequence[SafetyEvent]], Awaitable[None]]


class Fleet:
    """Compares the desired cameras with the running actors, one round after the other, on one event loop.

    `tell(camera_id, epoch, events)` gets what is to be recorded when an actor cannot speak for itself.
    """

    def __init__(self, actors: CameraActors, tell: Tell, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._actors, self._tell, self._clock = actors, tell, clock
        self._desired: dict[str, Desired] = {}
        self._watched: dict[str, _Watched] = {}

    def desire(self, cameras: Mapping[str, Desired]) -> None:
        """What should run from the next round on."""
        self._desired = dict(cameras)

    def desired(self, camera_id: str) -> Desired:
        """Raises KeyError if no such camera should run."""
        return self._desired[camera_id]

    async def round(self) -> None:
        """Starts what is missing, adopts what runs, ends what should not, asks each how it is."""
        running = await self._actors.running()
        wanted = {camera_id for camera_id, desired in self._desired.items() if desired.settings.enabled}
        await asyncio.gather(
            *(self._end(camera_id, running[camera_id]) for camera_id in running if camera_id not in wanted),
            *(self._tend(camera_id, running.get(camera_id)) for camera_id in wanted),
        )
        for camera_id in [known for known in self._watched if known not in wanted]:
            del self._watched[camera_id]

    def reports(self) -> list[CameraReport]:
        """How every desired camera is, in the order of the configuration."""
        return [self._report(camera_id, desired) for camera_id, desired in self._desired.items()]

    async def _tend(self, camera_id: str, handle: CameraHandle | None) -> None:
        watched = self._watched.setdefault(camera_id, _Watched(created_s=self._clock()))
        try:
            if handle is None:
                handle = await self._actors.create(camera_id)
                watched.created_s = self._clock()
                _log.info("camera_actor_created", camera_id=camera_id)
            report = await handle.report(_HEARTBEAT_TIMEOUT_S)
            await self._bring_up_to_date(camera_id, handle, report)
        except ActorSilentError as error:
            await self._silent(camera_id, watched, str(error))
        else:
            await self._answered(camera_id, watched, report)

    async def _bring_up_to_date(self, camera_id: str, handle: CameraHandle, report: CameraReport) -> None:
        desired = self._desired.get(camera_id)
        # Epoch 0: the actor still waits for its assignment and will get the newest by itself.
        if desired is None or report.epoch == 0 or report.revision == desired.revision:
            return
        assignment = Assignment(camera=desired.settings, revision=desired.revision, epoch=report.epoch)
        await handle.apply(assignment, 2 * _HEARTBEAT_TIMEOUT_S)

    async def _answered(self, camera_id: str, watched: _Watched, report: CameraReport) -> None:
        watched.answered_s, watched.report = self._clock(), report
        watched.epoch = report.epoch or watched.epoch
        # CONNECTING is a process that lives but does not watch yet: the outage is not over.
        if watched.health is not None and report.status is not CameraStatus.CONNECTING:
            await self._say(camera_id, watched, CameraStatus.MONITORED, "")
            watched.health = None

    async def _silent(self, camera_id: str, watched: _Watched, reason: str) -> None:
        if not self._is_blind(watched):
            return
        if watched.health is None:
            watched.silent_since = datetime.now(UTC)
            settings = self._desired[camera_id].settings
            watched.health = CameraHealthRules(camera_id, watched.epoch, settings.has_danger_zone, subject="process")
            _log.error("camera_actor_silent", camera_id=camera_id, reason=reason)
        await self._say(camera_id, watched, CameraStatus.UNMONITORED, f"the camera's process does not answer: {reason}")

    async def _say(self, camera_id: str, watched: _Watched, status: CameraStatus, reason: str) -> None:
        if watched.health is None:
            return
        frame_id = correlation_id(camera_id, watched.epoch, 0)
        events = watched.health.observe(status, reason, datetime.now(UTC), self._clock(), frame_id)
        if events:
            await self._tell(camera_id, watched.epoch, events)

    def _is_blind(self, watched: _Watched) -> bool:
        if watched.answered_s is not None:
            return self._clock() - watched.answered_s > _SILENT_AFTER_S
        return self._clock() - watched.created_s > _STARTS_WITHIN_S

    async def _end(self, camera_id: str, handle: CameraHandle) -> None:
        _log.info("camera_actor_ended", camera_id=camera_id)
        try:
            await handle.end(10.0)
        except ActorSilentError as error:
            _log.warning("camera_actor_end_failed", camera_id=camera_id, reason=str(error))

    def _report(self, camera_id: str, desired: Desired) -> CameraReport:
        settings, watched = desired.settings, self._watched.get(camera_id)
        said = watched.report if watched is not None else None
        if not settings.enabled:
            return _blank(settings, desired, CameraStatus.DISABLED, "switched off")
        if watched is not None and self._is_blind(watched):
            blank = _blank(settings, desired, CameraStatus.UNMONITORED, "the camera's process does not answer")
            return replace(blank, since=watched.silent_since, epoch=watched.epoch)
        if said is None:
            return _blank(settings, desired, CameraStatus.CONNECTING, "the camera's process starts")
        return replace(said, name=settings.name, source=settings.public_source, managed=desired.managed)


def _blank(settings: CameraSettings, desired: Desired, status: CameraStatus, reason: str) -> CameraReport:
    return CameraReport(
        settings.camera_id,
        settings.name,
        status,
        datetime.now(UTC),
        reason,
        settings.public_source,
        desired.managed,
        desired.revision,
    )
