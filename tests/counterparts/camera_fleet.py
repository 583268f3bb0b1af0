"""A fleet of cameras without Ray: actors that live, hang, wait and die as told, nodes, and a clock set by hand."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cluster.camera.actor_names import actor_name
from cluster.safety.errors import SupervisorSuperseded
from cluster.safety.events import SafetyEvent
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.site import SiteSettings
from deployments.cameras.camera_actors import (
    ActorProcess,
    ActorSilentError,
    ActorState,
    CameraHandle,
    ClusterNode,
    Place,
)
from deployments.cameras.desired import Desired
from deployments.cameras.fleet import Fleet, FleetPorts

ZONE = {"zone_id": "z", "polygon": [[0, 0], [1, 0], [1, 1]]}
SITE = SiteSettings(name="test")


def desired(camera_id: str = "a", revision: int = 1, **changes: object) -> Desired:
    settings = CameraSettings.model_validate({"camera_id": camera_id, "source": "x.mp4", "zones": [ZONE], **changes})
    return Desired(settings, revision)


class FakeActor:
    """One process. It works unless it is told otherwise; `standby` as a successor is."""

    def __init__(self, name: str, camera_id: str = "", node_id: str = "n1", release: str = "r1") -> None:
        self.name, self.camera_id = name, camera_id or name
        self.revision, self.epoch = 1, 5
        self.node_id, self.release = node_id, release
        self.status = CameraStatus.MONITORED
        self.silent = self.speechless = self.standby = self.superseded = False
        self.state = ActorState.ALIVE
        self.applied: list[Assignment] = []
        self.begun: list[Assignment] = []
        self.ended = self.retired = self.stopped = False
        self.hangs_at_stop = False
        self.refuses_to_begin = ""
        self.emptied = True
        self.restarts = self.outbox_events = 0

    async def report(self, timeout_s: float) -> CameraReport:
        self._answer()
        since = datetime.now(UTC)
        said = CameraReport(self.camera_id, "", self.status, since, revision=self.revision, epoch=self.epoch)
        said = replace(said, speechless=self.speechless, standby=self.standby, node_id=self.node_id, actor=self.name)
        return replace(said, release=self.release, outbox_events=self.outbox_events)

    async def begin(self, assignment: Assignment, site: SiteSettings, timeout_s: float) -> None:
        self._answer()
        if self.refuses_to_begin:
            raise ActorSilentError(self.refuses_to_begin)
        self.begun.append(assignment)
        self.standby, self.stopped, self.status = False, False, CameraStatus.MONITORED
        self.epoch, self.revision, self.release = assignment.epoch, assignment.revision, assignment.release

    async def apply(self, assignment: Assignment, timeout_s: float) -> None:
        self.applied.append(assignment)
        self.revision = assignment.revision

    async def retire(self, timeout_s: float) -> bool:
        self.retired = True
        return self.emptied

    async def stop(self, within_s: float, timeout_s: float) -> bool:
        self._answer()
        if self.hangs_at_stop:
            raise ActorSilentError("no answer within 2 s")
        self.stop_working()
        return True

    def stop_working(self) -> None:
        self.standby = self.stopped = True
        self.status, self.epoch = CameraStatus.CONNECTING, 0

    async def end(self, *, hung: bool = False) -> None:
        self.ended = True

    async def restart(self) -> None:
        self.restarts += 1

    async def process(self) -> ActorProcess:
        return ActorProcess(self.state, self.node_id, 1)

    def _answer(self) -> None:
        if self.superseded:
            raise SupervisorSuperseded(1, 2)
        if self.silent or self.state is not ActorState.ALIVE or self.ended:
            raise ActorSilentError("no answer within 2 s")


class FakeActors:
    """What Ray would list. New ones of a camera that has one already stand by, as they do in truth."""

    def __init__(self) -> None:
        self.actors: dict[str, FakeActor] = {}
        self.created: list[str] = []
        self.places: dict[str, Place] = {}
        self.listed = True
        self.stillborn = False
        self.pending = False
        self.broken = ""
        self.release = "r1"
        self.new_ones: dict[str, Any] = {}

    def add(self, camera_id: str, number: int = 0, **changes: Any) -> FakeActor:
        name = actor_name(camera_id, number)
        actor = self.actors[name] = FakeActor(name, camera_id, release=self.release)
        for key, value in changes.items():
            setattr(actor, key, value)
        return actor

    async def running(self) -> Mapping[str, CameraHandle]:
        if not self.listed:
            raise ActorSilentError("Ray's control store does not answer")
        return {name: actor for name, actor in self.actors.items() if not actor.ended}

    async def create(self, camera_id: str, name: str, place: Place) -> CameraHandle:
        if camera_id == self.broken:
            raise ZeroDivisionError("a fault in creating")
        self.created.append(camera_id)
        self.places[name] = place
        actor = FakeActor(name, camera_id, place.node_id or place.host or "n1", self.release)
        if self.pending:
            actor.state = ActorState.PENDING
        if any(one.camera_id == camera_id and not one.ended for one in self.actors.values()):
            actor.stop_working()
        for key, value in self.new_ones.items():
            setattr(actor, key, value)
        if self.stillborn:
            actor.silent = True
        else:
            self.actors[name] = actor
        return actor


class FakeNodes:
    def __init__(self) -> None:
        self.nodes: list[ClusterNode] = [node("n1")]
        self.listed = True

    async def alive(self) -> Sequence[ClusterNode]:
        if not self.listed:
            raise ActorSilentError("Ray's control store does not answer")
        return list(self.nodes)


def node(node_id: str, free: float = 8.0, **changes: Any) -> ClusterNode:
    return ClusterNode(node_id, 8.0, free, **changes)


class FleetSite:
    """A fleet with a hand-set clock, and what it told."""

    def __init__(self, release: str = "r1", only_node: str = "", actors: FakeActors | None = None) -> None:
        self.now_s = 0.0
        self.actors = actors or FakeActors()
        self.nodes = FakeNodes()
        self.told: list[SafetyEvent] = []
        self.complete = True
        self.last_epoch = 100
        self.cameras: dict[str, Desired] = {}
        self.release = release
        ports = FleetPorts(self.actors, self.nodes, self.tell, self.assign)
        self.fleet = Fleet(ports, cpus=0.1, release=release, only_node=only_node, clock=lambda: self.now_s)

    async def tell(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        self.told.extend(events)

    async def assign(self, camera_id: str) -> tuple[Assignment, SiteSettings]:
        self.last_epoch += 1
        return self.cameras[camera_id].assignment(self.last_epoch, self.release), SITE

    def round(self, *cameras: Desired, after_s: float = 2.0) -> None:
        self.now_s += after_s
        self.cameras = {camera.settings.camera_id: camera for camera in cameras}
        self.fleet.desire(self.cameras, complete=self.complete)
        asyncio.run(self.fleet.round())

    def rounds(self, count: int, *cameras: Desired) -> None:
        for _ in range(count):
            self.round(*cameras)

    def actor(self, camera_id: str = "a", number: int = 0) -> FakeActor:
        return self.actors.actors[actor_name(camera_id, number)]

    def working(self, camera_id: str = "a") -> list[str]:
        """The names of the actors that watch."""
        return [
            one.name
            for one in self.actors.actors.values()
            if one.camera_id == camera_id and not one.ended and not one.standby and not one.silent
        ]

    def report(self, camera_id: str = "a") -> CameraReport:
        return {report.camera_id: report for report in self.fleet.reports()}[camera_id]

    def status(self, camera_id: str = "a") -> CameraStatus:
        return self.report(camera_id).status
