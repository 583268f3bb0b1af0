"""The one that knows which cameras should run, and under which lease."""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from cluster.safety.episodes import SavedEpisode
from cluster.safety.errors import ConfigError, LeaseLost, SafeYoloError, StorageError
from cluster.safety.events import SafetyEvent
from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment, CameraSettings, CamerasSettings
from cluster.settings.load import load_site, parse
from cluster.settings.site import SiteSettings
from cluster.storage.cameras import CameraStore
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.leases import LeaseStore
from cluster.telemetry.logs import configure_logs
from deployments.cameras.fleet import OUTAGE_SUBJECT, ActorSilentError, Desired, Fleet
from deployments.cameras.ray_actors import RayCameras

_log = structlog.get_logger()
_ROUND_S = 2.0
_DATABASE_ROUND_S = 10.0
_RECORD_TIMEOUT_S = 8.0
_MOST_UNTOLD = 1000


class CameraSupervisor:
    """Serve deployment of one replica. What it has in memory can be lost: actors, leases and the
    configuration are found again after a restart."""

    def __init__(self, site_file: str, recorder: DeploymentHandle[Any]) -> None:
        configure_logs("supervisor")
        self._site: SiteSettings = load_site(site_file)
        engine = create_engine(self._site)
        self._leases, self._stored, self._events = LeaseStore(engine), CameraStore(engine), EventStore(engine)
        self._record = recorder.options(method_name="record")
        self._actor_cpus = CamerasSettings().actor_cpus
        self._declared: dict[str, Desired] = {}
        self._from_database: dict[str, Desired] = {}
        self._epochs: dict[str, int] = {}
        self._config_fault = ""
        self._untold: deque[tuple[str, int, list[SafetyEvent]]] = deque(maxlen=_MOST_UNTOLD)
        self._fleet: Fleet | None = None
        self._loop_task: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._asked_database_s = float("-inf")

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Takes a new configuration, or refuses it and says so; never raises (Ray would stop the replica)."""
        try:
            settings = parse(CamerasSettings, user_config, where="serve_config.yaml", prefix="user_config")
        except ConfigError as error:
            self._config_fault = str(error)
            _log.error("cameras_config_refused", reason=str(error))
        else:
            self._config_fault = ""
            self._declared = {camera.camera_id: desired_of(camera) for camera in settings.cameras}
            self._actor_cpus = settings.actor_cpus
            _log.info("cameras_config_taken", cameras=len(self._declared))
        self._ensure_fleet()
        self._nudge.set()

    async def check_health(self) -> None:
        """A supervisor whose loop ended watches nobody: Serve replaces the replica."""
        if self._loop_task is not None and self._loop_task.done():
            raise RuntimeError("the supervisor's loop ended")

    async def assignment(self, camera_id: str) -> tuple[Assignment, SiteSettings]:
        """What a camera actor has to do, under a new epoch; KeyError if it should not run."""
        desired = self._wanted()[camera_id]
        epoch = await self._next_epoch(camera_id)
        return Assignment(camera=desired.settings, revision=desired.revision, epoch=epoch), self._site

    async def reports(self) -> list[CameraReport]:
        return self._fleet.reports() if self._fleet is not None else []

    async def faults(self) -> list[str]:
        """What keeps the supervisor from doing what it was told, one line each."""
        return [self._config_fault] if self._config_fault else []

    async def nudge(self) -> None:
        """Something changed in the database: look at once."""
        self._asked_database_s = float("-inf")
        self._nudge.set()

    def _ensure_fleet(self) -> None:
        if self._fleet is None:
            self._fleet = Fleet(RayCameras(self._actor_cpus), self._tell, self._outages)
            self._loop_task = asyncio.create_task(self._run(self._fleet))

    async def _run(self, fleet: Fleet) -> None:
        while True:
            self._nudge.clear()
            try:
                await self._read_database()
                fleet.desire(self._wanted())
                await fleet.round()
                await self._tell_untold()
            except (ActorSilentError, StorageError) as error:
                _log.warning("supervisor_round_failed", reason=str(error))
            # The border of the loop: one bad round must not end the watching of all cameras.
            except Exception as error:  # noqa: BLE001
                _log.exception("supervisor_round_failed", reason=str(error))
            await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._nudge.wait(), _ROUND_S)
        except TimeoutError:
            return

    async def _read_database(self) -> None:
        """Cameras made through the API; while the database is away those that are known go on."""
        if time.monotonic() - self._asked_database_s < _DATABASE_ROUND_S:
            return
        self._asked_database_s = time.monotonic()
        try:
            stored = await self._stored.all()
        except StorageError as error:
            _log.warning("cameras_not_read", reason=str(error))
            return
        self._from_database = {
            camera.settings.camera_id: Desired(camera.settings, camera.revision, "api") for camera in stored
        }

    def _wanted(self) -> dict[str, Desired]:
        """Declared cameras win over those of the database that took the same id."""
        return {**self._from_database, **self._declared}

    async def _next_epoch(self, camera_id: str) -> int:
        """Higher than any before, with the database or without it: the clock carries it over a lost memory."""
        epoch = max(self._epochs.get(camera_id, 0) + 1, int(time.time()))
        try:
            await self._leases.take(camera_id, epoch)
        except LeaseLost as error:
            epoch = error.current_epoch + 1
            await self._leases.take(camera_id, epoch)
        except StorageError as error:
            # Fail open: the camera watches now, the epoch decides afterwards.
            _log.warning("lease_not_stored", camera_id=camera_id, epoch=epoch, reason=str(error))
        self._epochs[camera_id] = epoch
        return epoch

    async def _outages(self, camera_id: str) -> list[SavedEpisode] | None:
        """What a supervisor before this one told of a silent camera, and did not end."""
        try:
            still_open = await self._events.open_events(camera_id)
        except StorageError as error:
            _log.warning("outages_not_read", camera_id=camera_id, reason=str(error))
            return None
        return [_saved(stored.event) for stored in still_open if stored.event.subject == OUTAGE_SUBJECT]

    async def _tell(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        self._untold.append((camera_id, epoch, list(events)))

    async def _tell_untold(self) -> None:
        """What the supervisor says for silent actors, in order; kept until the Recorder has it."""
        while self._untold:
            camera_id, epoch, events = self._untold[0]
            try:
                sent = self._record.remote(camera_id, self._epochs.get(camera_id, epoch), events, frozenset())
                await asyncio.wait_for(sent, _RECORD_TIMEOUT_S)
            except (SafeYoloError, RayServeException, TimeoutError) as error:
                _log.warning("supervisor_event_waits", camera_id=camera_id, reason=str(error))
                return
            self._untold.popleft()


def _saved(event: SafetyEvent) -> SavedEpisode:
    return SavedEpisode(
        event_id=event.event_id,
        revision=event.revision,
        zone_id=event.zone_id,
        event_type=event.event_type,
        severity=event.severity,
        state=event.state,
        subject=event.subject,
        epoch=event.epoch,
        counter=0,
        opened_at=event.opened_at,
        since=event.opened_at,
        last_seen_at=event.updated_at,
    )


def desired_of(camera: CameraSettings) -> Desired:
    """A declared camera; its revision is taken from its content, so that it survives restarts of the supervisor."""
    digest = hashlib.sha256(camera.model_dump_json().encode()).digest()
    return Desired(camera, int.from_bytes(digest[:6], "big"))
