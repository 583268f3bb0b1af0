"""Keeps the actors of all cameras as they should be, and speaks for those that cannot. Knows no Ray."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.episodes import SavedEpisode
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import correlation_id
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.cameras import Assignment, CameraSettings
from deployments.cameras.camera_actors import ActorSilentError, CameraActors, CameraHandle
from deployments.cameras.watched import Watched

_log = structlog.get_logger()
_HEARTBEAT_TIMEOUT_S = 2.0
_RETIRE_TIMEOUT_S = 2.0
_END_TIMEOUT_S = 4.0
_RETIRES_WITHIN_S = 600.0

OUTAGE_SUBJECT = "process"
"""Subject of the events that the supervisor tells in the place of a camera's process."""


@dataclass(frozen=True, slots=True)
class Desired:
    """A camera that should run. `revision` identifies the content of its settings."""

    settings: CameraSettings
    revision: int
    managed: str = "config"


Tell = Callable[[str, int, Sequence[SafetyEvent]], Awaitable[None]]


class Fleet:
    """Compares the desired cameras with the running actors, one round after the other, on one event loop.

    `tell(camera_id, epoch, events)` takes what is to be recorded when an actor cannot speak for itself, and
    returns at once.
    """

    def __init__(self, actors: CameraActors, tell: Tell, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._actors, self._tell, self._clock = actors, tell, clock
        self._desired: dict[str, Desired] = {}
        self._complete = False
        self._running: dict[str, CameraHandle] = {}
        self._watched: dict[str, Watched] = {}
        self._retiring_since_s: dict[str, float] = {}
        self._strangers: dict[str, CameraReport] = {}
        self._inherited: dict[str, list[SavedEpisode]] = {}

    def desire(self, cameras: Mapping[str, Desired], *, complete: bool = True) -> None:
        """What should run from the next round on.

        `complete` False: there may be others that are not known yet; who runs is then left running.
        """
        self._desired, self._complete = dict(cameras), complete

    def inherit(self, outages: Mapping[str, Sequence[SavedEpisode]]) -> None:
        """Outages that a supervisor before this one told: they are continued or ended, not forgotten."""
        self._inherited = {camera_id: list(saved) for camera_id, saved in outages.items()}

    async def round(self) -> None:
        """Starts what is missing, adopts what runs, ends what should not, asks each how it is."""
        await self._look_who_runs()
        if self._complete:
            self._strangers.clear()
        wanted = {camera_id for camera_id, desired in self._desired.items() if desired.settings.enabled}
        others = [camera_id for camera_id in self._running if camera_id not in wanted]
        gone = {*self._watched, *self._inherited} - wanted if self._complete else set()
        work = [self._tend(camera_id) for camera_id in wanted]
        work += [self._end(camera_id) if self._complete else self._look_at(camera_id) for camera_id in others]
        work += [self._forget(camera_id) for camera_id in gone]
        # One camera's trouble is not the others'.
        for fault in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(fault, BaseException):
                _log.error("camera_not_tended", reason=f"{type(fault).__name__}: {fault}", exc_info=fault)

    def reports(self) -> list[CameraReport]:
        """How every camera is: the desired ones in the order of the configuration, then who runs besides."""
        known = [self._report(camera_id, desired) for camera_id, desired in self._desired.items()]
        return [*known, *(report for name, report in self._strangers.items() if name not in self._desired)]

    async def _look_who_runs(self) -> None:
        try:
            self._running = dict(await self._actors.running())
        except ActorSilentError as error:
            # Ray's control store is away; the actors themselves may well answer.
            _log.warning("actors_not_listed", reason=str(error))

    async def _tend(self, camera_id: str) -> None:
        if camera_id in self._retiring_since_s:
            # Wanted again, but its process has ended its work: a new one takes up what it left on disk.
            await self._end_process(camera_id)
            return
        watched = self._watched.setdefault(camera_id, Watched(created_s=self._clock()))
        await self._take_up(camera_id, watched)
        try:
            handle = self._running.get(camera_id) or await self._create(camera_id)
            report = await handle.report(_HEARTBEAT_TIMEOUT_S)
        except ActorSilentError as error:
            watched.missed += 1
            await self._silent(camera_id, watched, f"the camera's process does not answer: {error}")
            return
        await self._answered(camera_id, watched, report)
        await self._bring_up_to_date(camera_id, handle, report)

    async def _create(self, camera_id: str) -> CameraHandle:
        handle = self._running[camera_id] = await self._actors.create(camera_id)
        _log.info("camera_actor_created", camera_id=camera_id)
        return handle

    async def _look_at(self, camera_id: str) -> None:
        """One that runs and of which nothing is known yet: it goes on, and is shown as it says itself."""
        try:
            self._strangers[camera_id] = await self._running[camera_id].report(_HEARTBEAT_TIMEOUT_S)
        except ActorSilentError:
            now = datetime.now(UTC)
            status, reason = CameraStatus.UNMONITORED, "the camera's process does not answer"
            self._strangers[camera_id] = CameraReport(camera_id, "", status, now, reason)

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

    async def _take_up(self, camera_id: str, watched: Watched) -> None:
        saved = self._inherited.pop(camera_id, [])
        if not saved:
            return
        watched.epoch = max(watched.epoch, *(one.epoch for one in saved))
        if watched.health is None:
            watched.health = self._rules(camera_id, watched)
            watched.health.resume(saved, datetime.now(UTC), self._clock())
        else:  # told anew before it was known that it had been told
            await self._end_outages(camera_id, saved, CameraStatus.MONITORED, "another event goes on with it")

    async def _answered(self, camera_id: str, watched: Watched, report: CameraReport) -> None:
        watched.answered_s, watched.missed, watched.report = self._clock(), 0, report
        watched.epoch = report.epoch or watched.epoch
        if report.status is CameraStatus.CONNECTING or report.speechless:
            # A process that lives and does not watch, or cannot tell: forgiven for as long as a start takes.
            await self._silent(camera_id, watched, report.reason)
            return
        watched.worked_s = self._clock()
        if watched.health is not None:
            await self._say(camera_id, watched, CameraStatus.MONITORED, "")
            watched.health = None

    async def _silent(self, camera_id: str, watched: Watched, reason: str) -> None:
        watched.reason = reason
        if not watched.is_blind(self._clock()):
            return
        if watched.health is None:
            watched.silent_since = datetime.now(UTC)
            watched.health = self._rules(camera_id, watched)
            _log.error("camera_actor_silent", camera_id=camera_id, reason=reason)
        await self._say(camera_id, watched, CameraStatus.UNMONITORED, reason)

    def _rules(self, camera_id: str, watched: Watched) -> CameraHealthRules:
        settings = self._desired[camera_id].settings
        return CameraHealthRules(camera_id, watched.epoch, settings.has_danger_zone, subject=OUTAGE_SUBJECT)

    async def _say(self, camera_id: str, watched: Watched, status: CameraStatus, reason: str) -> None:
        if watched.health is None:
            return
        frame_id = correlation_id(camera_id, watched.epoch, 0)
        events = watched.health.observe(status, reason, datetime.now(UTC), self._clock(), frame_id)
        if events:
            await self._tell(camera_id, watched.epoch, events)

    async def _end(self, camera_id: str) -> None:
        """Retires it until its outbox is empty, then ends its process."""
        since_s = self._retiring_since_s.setdefault(camera_id, self._clock())
        handle = self._running[camera_id]
        try:
            emptied = await handle.retire(_RETIRE_TIMEOUT_S)
        except ActorSilentError as error:
            _log.warning("camera_actor_not_retired", camera_id=camera_id, reason=str(error))
            emptied = True  # it cannot send anything either; what it had accepted stays on its disk
        if not emptied and self._clock() - since_s < _RETIRES_WITHIN_S:
            return
        _log.info("camera_actor_retired", camera_id=camera_id, outbox_emptied=emptied)
        await self._end_process(camera_id)

    async def _end_process(self, camera_id: str) -> None:
        self._retiring_since_s.pop(camera_id, None)
        handle = self._running.pop(camera_id, None)
        try:
            if handle is not None:
                await handle.end(_END_TIMEOUT_S)
        except ActorSilentError as error:
            _log.warning("camera_actor_end_failed", camera_id=camera_id, reason=str(error))

    async def _forget(self, camera_id: str) -> None:
        """Nobody wants the camera any more: nobody misses it either."""
        watched = self._watched.pop(camera_id, None)
        if watched is not None:
            await self._say(camera_id, watched, CameraStatus.DISABLED, "switched off")
        if saved := self._inherited.pop(camera_id, []):
            await self._end_outages(camera_id, saved, CameraStatus.DISABLED, "switched off")

    async def _end_outages(
        self, camera_id: str, saved: Sequence[SavedEpisode], status: CameraStatus, reason: str
    ) -> None:
        for one in saved:
            rules = CameraHealthRules(camera_id, one.epoch, False, subject=OUTAGE_SUBJECT)
            rules.resume([one], datetime.now(UTC), self._clock())
            frame_id = correlation_id(camera_id, one.epoch, 0)
            events = rules.observe(status, reason, datetime.now(UTC), self._clock(), frame_id)
            await self._tell(camera_id, one.epoch, events)

    def _report(self, camera_id: str, desired: Desired) -> CameraReport:
        settings, watched = desired.settings, self._watched.get(camera_id)
        said = watched.report if watched is not None else None
        if not settings.enabled:
            return _blank(settings, desired, CameraStatus.DISABLED, "switched off")
        if watched is not None and watched.is_blind(self._clock()):
            reason = watched.reason or "the camera's process does not answer"
            blank = _blank(settings, desired, CameraStatus.UNMONITORED, reason)
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
