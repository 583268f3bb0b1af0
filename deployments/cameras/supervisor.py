"""The one that knows which cameras should run, and under which lease."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import ray
import structlog
from ray.serve.handle import DeploymentHandle

from cluster.safety.errors import StorageError
from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.load import load_site
from cluster.settings.site import SiteSettings
from cluster.storage.cameras import CameraStore
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.leases import LeaseStore
from cluster.storage.overrides import OverrideStore
from cluster.storage.sealing import seal_of
from cluster.telemetry import metrics
from cluster.telemetry.logs import configure_logs
from deployments.cameras.abandoned import Abandoned
from deployments.cameras.declaration import Declaration
from deployments.cameras.desired import Desired, with_logging
from deployments.cameras.epochs import Epochs
from deployments.cameras.fleet import Fleet, FleetPorts
from deployments.cameras.hub_keeper import HubKeeper
from deployments.cameras.left_open import LeftOpen
from deployments.cameras.node_agents import NodeAgents
from deployments.cameras.outage_lines import OutageLines
from deployments.cameras.pulse import Pulse
from deployments.cameras.ray_actors import RayCameras
from deployments.cameras.ray_agents import RayAgents
from deployments.cameras.ray_hub import RayHubs
from deployments.cameras.ray_nodes import RayNodes, RayTerm
from deployments.cameras.recorder_calls import RecorderCalls
from deployments.cameras.switches import Switches
from deployments.cameras.telling import Telling
from deployments.cameras.term import Term
from deployments.cameras.whereabouts import owners_of
from deployments.deadlines import bounded
from deployments.shared_storage import one_disk, refuse_another_disk

_log = structlog.get_logger()
_ROUND_S, _HURRIED_ROUND_S = 2.0, 1.0
_STALLED_AFTER_S = 10.0
_FIRST_LOOK_S = 2.0


class CameraSupervisor:
    """Serve deployment of one replica. What it has in memory can be lost: actors, leases and the
    configuration are found again after a restart."""

    def __init__(self, site_file: str, recorder: DeploymentHandle[Any], release: str = "") -> None:
        configure_logs("supervisor")
        self._release = release
        self._site: SiteSettings = load_site(site_file)
        refuse_another_disk(self._site)
        engine = create_engine(self._site)
        self._epochs, self._stored = Epochs(LeaseStore(engine)), CameraStore(engine, seal_of(self._site))
        self._agents = NodeAgents(RayAgents(release), release)
        self._hub = HubKeeper(RayHubs(release), release)
        self._left_open = LeftOpen(EventStore(engine))
        self._switches = Switches(OverrideStore(engine), ZoneInfo(self._site.time_zone))
        self._declaration = Declaration()
        self._from_database: dict[str, Desired] = {}
        self._database_read = False
        self._database_ok_s = time.monotonic()
        self._pulse, self._lines = Pulse(time.monotonic), OutageLines()
        self._telling = Telling(RecorderCalls(recorder, self._epochs).record)
        self._abandoned = Abandoned(self._left_open, self._telling.tell, time.monotonic)
        self._fleet: Fleet | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._nudge, self._ask_database = asyncio.Event(), asyncio.Event()
        self._database_asked = asyncio.Event()

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Takes a new configuration, or refuses it and says so; never raises (Ray would stop the replica)."""
        self._declaration.take(user_config)
        self._ensure_fleet()
        self._nudge.set()

    async def check_health(self) -> None:
        """A supervisor one of whose loops ended or hangs, or that was followed, watches nobody: Serve ends it."""
        if any(loop.done() for loop in self._loops):
            raise RuntimeError("a loop of the supervisor ended")
        if stuck := self._pulse.stuck():
            raise RuntimeError(stuck)
        if self._fleet is not None and self._fleet.superseded:
            raise RuntimeError(self._fleet.superseded)

    async def assignment(self, camera_id: str, actor: str) -> tuple[Assignment, SiteSettings] | None:
        """What the camera actor named `actor` has to do, under a new epoch.

        None: it does not own the camera, or that is not known yet; it stands by, and is told when it does.
        KeyError if the camera should not run.
        """
        if not self._wanted_one(camera_id).settings.enabled:
            raise KeyError(camera_id)
        if self._fleet is None or not self._fleet.owns(camera_id, actor):
            return None
        return await self._assign(camera_id)

    async def reports(self) -> list[CameraReport]:
        return self._fleet.reports() if self._fleet is not None else []

    async def faults(self) -> list[str]:
        """What keeps the supervisor from doing what it was told, one line each."""
        fleet = self._fleet.faults() if self._fleet is not None else []
        return [*self._declaration.faults(), *fleet, *self._agents.waiting()]

    async def declared(self, camera_id: str) -> tuple[CameraSettings, int] | None:
        """As `Declaration.camera`."""
        return self._declaration.camera(camera_id)

    async def nudge(self) -> None:
        """Something changed in the database: look at once."""
        self._ask_database.set()

    def _ensure_fleet(self) -> None:
        if not self._loops:
            self._loops = [asyncio.create_task(loop) for loop in (self._live(), self._tell())]

    async def _tell(self) -> None:
        await self._telling.run(lambda: self._pulse.beat("telling"))

    async def _live(self) -> None:
        self._pulse.beat("rounds")
        term = Term(RayTerm())
        await term.begin()
        fleet = self._fleet = self._make_fleet(term.epoch)
        await asyncio.gather(self._tend(fleet, term), self._follow_database(fleet))

    def _make_fleet(self, epoch: int) -> Fleet:
        # The files of a site that keeps them on one disk are on the node of this replica (`refuse_another_disk`).
        only = ray.get_runtime_context().get_node_id() if one_disk(self._site) else ""
        actors = RayCameras(self._declaration.actor_cpus, epoch, self._agents)
        ports = FleetPorts(actors, RayNodes(), self._telling.tell, self._assign)
        return Fleet(ports, cpus=self._declaration.actor_cpus, release=self._release, only_node=only)

    async def _tend(self, fleet: Fleet, term: Term) -> None:
        """Nothing in this loop waits for the database: heartbeats must not be late because it is. But for the first
        look, and not for long: without what operators switched off, detection would be switched on for a moment."""
        await _wait(self._database_asked, _FIRST_LOOK_S)
        while True:
            self._nudge.clear()
            self._pulse.beat("rounds")
            try:
                fleet.desire(self._wanted(), complete=self._declaration.is_taken and self._database_read)
                fleet.database_stalled = time.monotonic() - self._database_ok_s > _STALLED_AFTER_S
                await fleet.round(term.check)
                self._lines.cameras(fleet.reports())
                # No node at all is a control store that did not answer; agents of nodes that are gone would be ended.
                if not fleet.superseded and (nodes := fleet.node_ids()):
                    self._agents.tend(self._site, nodes, fleet.places())
                    self._hub.tend()
                self._export_hours()
            # The border of the loop: one bad round must not end the watching of all cameras.
            except Exception as error:  # noqa: BLE001
                _log.exception("supervisor_round_failed", reason=str(error))
            await _wait(self._nudge, _HURRIED_ROUND_S if fleet.hurries else _ROUND_S)

    def _export_hours(self) -> None:
        """Here, because PromQL knows no time zones."""
        local = datetime.now(ZoneInfo(self._site.time_zone))
        metrics.site_is_operating.set(float(self._site.operating_hours.hold(local)))

    async def _follow_database(self, fleet: Fleet) -> None:
        """Cameras made through the API; while the database is away those that are known go on."""
        while True:
            self._ask_database.clear()
            try:
                await self._read_database(fleet)
            except StorageError as error:
                self._lines.database(str(error))
            # The border of the loop: declared cameras do not depend on what the database holds.
            except Exception as error:  # noqa: BLE001
                _log.exception("cameras_not_read", reason=str(error))
            else:
                self._lines.database("")
            self._database_asked.set()
            await _wait(self._ask_database, _ROUND_S)

    async def _read_database(self, fleet: Fleet) -> None:
        """Each read has a deadline of its own, of a minute at most: a slow database is no loop that hangs."""
        self._pulse.beat("database")
        switched = await self._switches.read()
        self._pulse.beat("database")
        stored = await self._stored.all()
        before = self._from_database
        self._from_database = {
            camera.settings.camera_id: Desired(camera.settings, camera.revision, "api") for camera in stored
        }
        if not self._database_read:
            self._pulse.beat("database")
            fleet.inherit(await self._left_open.outages())
            self._database_read = True
            self._nudge.set()
        self._database_ok_s = time.monotonic()
        if switched or self._from_database != before:
            self._nudge.set()
        self._pulse.beat("database")
        await self._end_abandoned(fleet)

    async def _end_abandoned(self, fleet: Fleet) -> None:
        known, holding = fleet.spoken_for(), self._agents.holding(fleet.node_ids())
        if known is None or holding is None:
            await self._abandoned.look(None)
            return
        wanted = {name for name, one in self._wanted().items() if one.settings.enabled}
        owners = owners_of(fleet.places(), without=holding)
        await self._abandoned.look(known | holding | wanted, owners, fleet.backlogged())

    def _wanted(self) -> dict[str, Desired]:
        """Declared cameras win over those of the database that took the same id, operators over both."""
        wanted = self._switches.over({**self._from_database, **self._declaration.cameras}, datetime.now(UTC))
        return with_logging(wanted, self._declaration.logging)

    def _wanted_one(self, camera_id: str) -> Desired:
        """Of these. KeyError: nobody wants it."""
        one = self._declaration.cameras.get(camera_id) or self._from_database[camera_id]
        wanted = self._switches.over({camera_id: one}, datetime.now(UTC))
        return with_logging(wanted, self._declaration.logging)[camera_id]

    async def _assign(self, camera_id: str) -> tuple[Assignment, SiteSettings]:
        """A new lease of the camera."""
        desired, epoch = self._wanted_one(camera_id), await self._epochs.next(camera_id)
        # After the lease: what a former owner sends now is refused, so that these rows are all that it has told.
        found = await self._left_open.of(desired.settings)
        left_open = {"open_episodes": found or (), "open_known": found is not None}
        return desired.assignment(epoch, self._release).model_copy(update=left_open), self._site


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await bounded(event.wait(), timeout_s)
    except TimeoutError:
        return
