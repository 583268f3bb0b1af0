"""The one that knows which cameras should run, and under which lease."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

import structlog
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from cluster.safety.episodes import SavedEpisode
from cluster.safety.errors import ConfigError, DatabaseUnavailable, LeaseLost, SafeYoloError, StorageError
from cluster.safety.events import EpisodeState, EventType, SafetyEvent
from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment, CameraSettings, CamerasSettings
from cluster.settings.load import load_site, parse
from cluster.settings.site import SiteSettings
from cluster.storage.cameras import CameraStore
from cluster.storage.engine import create_engine
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.leases import LeaseStore
from cluster.telemetry.logs import configure_logs
from deployments.cameras.fleet import OUTAGE_SUBJECT, Desired, Fleet
from deployments.cameras.ray_actors import RayCameras
from deployments.cameras.telling import RecorderAwayError, Telling

_log = structlog.get_logger()
_ROUND_S = 2.0
_DATABASE_ROUND_S = 10.0
_RECORD_TIMEOUT_S = 8.0
_PAGE = 500


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
        # Until both are known, a camera that runs may well be one that should.
        self._config_taken = self._database_read = False
        self._telling = Telling(self._recorded)
        self._fleet: Fleet | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._nudge, self._ask_database = asyncio.Event(), asyncio.Event()

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Takes a new configuration, or refuses it and says so; never raises (Ray would stop the replica)."""
        try:
            settings = parse(CamerasSettings, user_config, where="serve_config.yaml", prefix="user_config")
        except ConfigError as error:
            self._config_fault = str(error)
            _log.error("cameras_config_refused", reason=str(error))
        else:
            self._config_fault, self._config_taken = "", True
            self._declared = {camera.camera_id: desired_of(camera) for camera in settings.cameras}
            self._actor_cpus = settings.actor_cpus
            _log.info("cameras_config_taken", cameras=len(self._declared))
        self._ensure_fleet()
        self._nudge.set()

    async def check_health(self) -> None:
        """A supervisor one of whose loops ended watches nobody: Serve replaces the replica."""
        if any(loop.done() for loop in self._loops):
            raise RuntimeError("a loop of the supervisor ended")

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
        self._ask_database.set()

    def _ensure_fleet(self) -> None:
        if self._fleet is None:
            fleet = self._fleet = Fleet(RayCameras(self._actor_cpus), self._telling.tell)
            loops = (self._tend(fleet), self._follow_database(fleet), self._telling.run())
            self._loops = [asyncio.create_task(loop) for loop in loops]

    async def _tend(self, fleet: Fleet) -> None:
        """Nothing in this loop waits for the database: heartbeats must not be late because it is."""
        while True:
            self._nudge.clear()
            try:
                fleet.desire(self._wanted(), complete=self._config_taken and self._database_read)
                await fleet.round()
            # The border of the loop: one bad round must not end the watching of all cameras.
            except Exception as error:  # noqa: BLE001
                _log.exception("supervisor_round_failed", reason=str(error))
            await _wait(self._nudge, _ROUND_S)

    async def _follow_database(self, fleet: Fleet) -> None:
        """Cameras made through the API; while the database is away those that are known go on."""
        while True:
            self._ask_database.clear()
            try:
                await self._read_database(fleet)
            except StorageError as error:
                _log.warning("cameras_not_read", reason=str(error))
            # The border of the loop: declared cameras do not depend on what the database holds.
            except Exception as error:  # noqa: BLE001
                _log.exception("cameras_not_read", reason=str(error))
            await _wait(self._ask_database, _DATABASE_ROUND_S)

    async def _read_database(self, fleet: Fleet) -> None:
        stored = await self._stored.all()
        self._from_database = {
            camera.settings.camera_id: Desired(camera.settings, camera.revision, "api") for camera in stored
        }
        if not self._database_read:
            fleet.inherit(await self._open_outages())
            self._database_read = True
        self._nudge.set()

    def _wanted(self) -> dict[str, Desired]:
        """Declared cameras win over those of the database that took the same id."""
        return {**self._from_database, **self._declared}

    async def _next_epoch(self, camera_id: str) -> int:
        """Higher than any before, with the database or without it: the clock carries it over a lost memory."""
        epoch = max(self._epochs.get(camera_id, 0) + 1, int(time.time()))
        try:
            await self._leases.take(camera_id, epoch)
        except LeaseLost as error:
            epoch = error.current_epoch + 1  # the Recorder raises the lease with the first event
        except StorageError as error:
            # Fail open: the camera watches now, the epoch decides afterwards.
            _log.warning("lease_not_stored", camera_id=camera_id, epoch=epoch, reason=str(error))
        self._epochs[camera_id] = epoch
        return epoch

    async def _open_outages(self) -> dict[str, list[SavedEpisode]]:
        """What a supervisor before this one told of silent cameras, and did not end."""
        which = EventFilter(event_type=EventType.CAMERA_UNMONITORED.value, state=EpisodeState.OPEN)
        found: dict[str, list[SavedEpisode]] = {}
        cursor: str | None = None
        while True:
            page = await self._events.list(which, cursor, _PAGE)
            for event in (stored.event for stored in page.items if stored.event.subject == OUTAGE_SUBJECT):
                found.setdefault(event.camera_id, []).append(_saved(event))
            if (cursor := page.next_cursor) is None:
                return found

    async def _recorded(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        """`Record` by handle."""
        sender_epoch = max(epoch, self._epochs.get(camera_id, 0))
        try:
            sent: Any = self._record.remote(camera_id, sender_epoch, list(events), frozenset())
            await asyncio.wait_for(sent, _RECORD_TIMEOUT_S)
        except (DatabaseUnavailable, RayServeException, TimeoutError) as error:
            raise RecorderAwayError(type(error).__name__) from error
        except SafeYoloError:
            raise
        except RayError as error:
            raise RecorderAwayError(type(error).__name__) from error


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return


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
