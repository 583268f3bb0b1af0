"""Keeps the actors of all cameras as they should be, and speaks for those that cannot. Knows no Ray."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.episodes import SavedEpisode
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import correlation_id
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.cameras import Assignment, CameraSettings

_log = structlog.get_logger()
_HEARTBEAT_TIMEOUT_S = 2.0
_SILENT_AFTER_S = 6.0
_STARTS_WITHIN_S = 30.0
_END_TIMEOUT_S = 10.0

OUTAGE_SUBJECT = "process"
"""Subject of the events that the supervisor tells in the place of a camera's process."""


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
    taken_up: bool = False


Tell = Callable[[str, int, Sequence[SafetyEvent]], Awaitable[None]]
Outages = Callable[[str], Awaitable[Sequence[SavedEpisode] | None]]


async def no_outages(camera_id: str) -> Sequence[SavedEpisode]:
    """A site whose supervisor is the first."""
    return ()


class Fleet:
    """Compares the desired cameras with the running actors, one round after the other, on one event loop.

    `tell(camera_id, epoch, events)` gets what is to be recorded when an actor cannot speak for itself;
    `outages(camera_id)` gives what an earlier supervisor told and did not end, None: not known now.
    """

    def __init__(
        self,
        actors: CameraActors,
        tell: Tell,
        outages: Outages = no_outages,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._actors, self._tell, self._outages, self._clock = actors, tell, outages, clock
        self._running: dict[str, CameraHandle] = {}
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
        await self._look_who_runs()
        wanted = {camera_id for camera_id, desired in self._desired.items() if desired.settings.enabled}
        work = [self._end(camera_id) for camera_id in self._running if camera_id not in wanted]
        work += [self._forget(camera_id) for camera_id in self._watched if camera_id not in wanted]
        work += [self._tend(camera_id) for camera_id in wanted]
        # One camera's trouble is not the others'.
        for fault in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(fault, BaseException):
                _log.error("camera_not_tended", reason=f"{type(fault).__name__}: {fault}", exc_info=fault)

    def reports(self) -> list[CameraReport]:
        """How every desired camera is, in the order of the configuration."""
        return [self._report(camera_id, desired) for camera_id, desired in self._desired.items()]

    async def _look_who_runs(self) -> None:
        try:
            self._running = dict(await self._actors.running())
        except ActorSilentError as error:
            # Ray's control store is away; the actors themselves may well answer.
            _log.warning("actors_not_listed", reason=str(error))

    async def _tend(self, camera_id: str) -> None:
        watched = self._watched.setdefault(camera_id, _Watched(created_s=self._clock()))
        await self._take_up(camera_id, watched)
        try:
            handle = self._running.get(camera_id) or await self._create(camera_id, watched)
            report = await handle.report(_HEARTBEAT_TIMEOUT_S)
        except ActorSilentError as error:
            await self._silent(camera_id, watched, str(error))
            return
        await self._answered(camera_id, watched, report)
        await self._bring_up_to_date(camera_id, handle, report)

    async def _create(self, camera_id: str, watched: _Watched) -> CameraHandle:
        handle = self._running[camera_id] = await self._actors.create(camera_id)
        watched.created_s = self._clock()
        _log.info("camera_actor_created", camera_id=camera_id)
        return handle

    async def _bring_up_to_date(self, camera_id: str, handle: CameraHandle, report: CameraReport) -> None:
        desired = self._desired.get(camera_id)
        # Epoch 0: the actor still waits for its assignment and will get the newest by itself.
        if desired is None or report.epoch == 0 or report.revision == desired.revision:
            return
        assignment = Assignment(camera=desired.settings, revision=desired.revision, epoch=report.epoch)
        try:
            await handle.apply(assignment, 2 * _HEARTBEAT_TIMEOUT_S)
        except ActorSilentError as error:
            _log.warning("camera_not_changed", camera_id=camera_id, reason=str(error))

    async def _take_up(self, camera_id: str, watched: _Watched) -> None:
        """Outages that a supervisor before this one told: they are continued or ended, not forgotten."""
        if watched.taken_up:
            return
        saved = await self._outages(camera_id)
        if saved is None:
            return  # the database is away: asked again in the next round
        watched.taken_up = True
        if saved and watched.health is None:
            watched.epoch = max(watched.epoch, *(one.epoch for one in saved))
            watched.health = self._rules(camera_id, watched)
            watched.health.resume(saved, datetime.now(UTC), self._clock())

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
            watched.health = self._rules(camera_id, watched)
            _log.error("camera_actor_silent", camera_id=camera_id, reason=reason)
        await self._say(camera_id, watched, CameraStatus.UNMONITORED, f"the camera's process does not answer: {reason}")

    def _rules(self, camera_id: str, watched: _Watched) -> CameraHealthRules:
        settings = self._desired[camera_id].settings
        return CameraHealthRules(camera_id, watched.epoch, settings.has_danger_zone, subject=OUTAGE_SUBJECT)

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

    async def _end(self, camera_id: str) -> None:
        _log.info("camera_actor_ended", camera_id=camera_id)
        try:
            await self._running[camera_id].end(_END_TIMEOUT_S)
        except ActorSilentError as error:
            _log.warning("camera_actor_end_failed", camera_id=camera_id, reason=str(error))

    async def _forget(self, camera_id: str) -> None:
        """Nobody wants the camera any more: nobody misses it either."""
        watched = self._watched.pop(camera_id)
        await self._say(camera_id, watched, CameraStatus.DISABLED, "switched off")

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
