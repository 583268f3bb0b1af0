"""Keeps the actors of all cameras as they should be, and speaks for those that cannot. Knows no Ray."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from cluster.camera.places import Places
from cluster.safety.episodes import SavedEpisode
from cluster.safety.errors import SupervisorSuperseded
from cluster.safety.status import CameraReport
from cluster.settings.cameras import CameraSettings
from cluster.telemetry import metrics
from deployments.cameras.camera_actors import ActorSilentError, CameraActors, ClusterNodes, Place
from deployments.cameras.desired import Desired
from deployments.cameras.fleet_report import report_of, stranger
from deployments.cameras.handovers import Assign, Handovers
from deployments.cameras.moving import Moving
from deployments.cameras.node_watch import NodeWatch
from deployments.cameras.outages import Outages, Tell
from deployments.cameras.placement import Seat
from deployments.cameras.replacing import Replacing
from deployments.cameras.retiring import Retiring
from deployments.cameras.roster import HEARTBEAT_S, Roster
from deployments.cameras.status_gauges import StatusGauges
from deployments.cameras.tending import Tending
from deployments.cameras.watched import Watched
from deployments.cameras.whereabouts import places_of

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FleetPorts:
    """What a fleet needs of the outside. `tell(camera_id, epoch, events)` takes what is to be recorded when an actor
    cannot speak for itself; `assign(camera_id)` makes a lease."""

    actors: CameraActors
    nodes: ClusterNodes
    tell: Tell
    assign: Assign


class Fleet:
    """Compares the desired cameras with the running actors, one round after the other, on one event loop.

    `cpus`: what an actor reserves. `release`: the code that actors should run. `only_node`: the one that may hold
    cameras, where the storage lies on its disk; "": any.
    """

    def __init__(
        self,
        ports: FleetPorts,
        *,
        cpus: float = 0.1,
        release: str = "",
        only_node: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._desired: dict[str, Desired] = {}
        self._complete = False
        self._watched: dict[str, Watched] = {}
        self._strangers: dict[str, CameraReport] = {}
        self._planned: Counter[str] = Counter()
        self._roster = Roster(ports.actors)
        self._nodes = NodeWatch(ports.nodes, cpus, only_node)
        self._outages = Outages(ports.tell, clock)
        self._retiring = Retiring(self._roster, clock)
        self._replacing = Replacing(self._roster, clock)
        self._handovers = Handovers(self._roster, ports.assign, clock)
        self._moving = Moving(self._roster, self._handovers, release, clock)
        roles = (self._roster, self._handovers, self._outages, self._nodes)
        self._tending = Tending(*roles, ports.assign, self._place, clock)
        self._gauges = StatusGauges()
        self.database_stalled = False
        self.superseded = ""

    def desire(self, cameras: Mapping[str, Desired], *, complete: bool = True) -> None:
        """What should run from the next round on.

        `complete` False: there may be others that are not known yet; who runs is then left running.
        """
        self._desired, self._complete = dict(cameras), complete

    def inherit(self, outages: Mapping[str, Sequence[SavedEpisode]]) -> None:
        """See `Outages.inherit`."""
        self._outages.inherit(outages)

    def owns(self, camera_id: str, actor: str) -> bool:
        """Whether the actor of this name may have an assignment; False also while it is not known yet."""
        return not self.superseded and self._roster.owner(camera_id) == actor

    def reports(self) -> list[CameraReport]:
        """How every camera is: the desired ones in the order of the configuration, then who runs besides."""
        now_s = self._clock()
        known = [
            report_of(desired, self._watched.get(camera_id), self._roster.owner(camera_id), now_s)
            for camera_id, desired in self._desired.items()
        ]
        return [*known, *(report for name, report in self._strangers.items() if name not in self._desired)]

    def faults(self) -> list[str]:
        """What keeps the fleet from being as it should be, one line each; cameras speak for themselves."""
        hanging = self._nodes.faults(self._wanted(), self._seats())
        return [one for one in (self.superseded, self._replacing.fault, *self._handovers.faults(), *hanging) if one]

    def node_ids(self) -> list[str]:
        """The nodes that live."""
        return [node.node_id for node in self._nodes.nodes]

    def spoken_for(self) -> set[str] | None:
        """The cameras that should run, and those that do; None: not all of them are known."""
        if self.superseded or not self._complete:
            return None
        return {*self._wanted(), *self._roster.cameras()}

    def places(self) -> Places:
        """Where the cameras are, for the nodes' agents."""
        return places_of(self._wanted(), self._watched, self.node_ids(), complete=self._complete)

    def backlogged(self) -> set[str]:
        """The cameras that have more to tell than the Recorder has taken."""
        reports = (one.report for one in self._watched.values())
        return {report.camera_id for report in reports if report is not None and report.outbox_events}

    @property
    def hurries(self) -> bool:
        """Whether a camera is being handed over, so that the next round should come soon."""
        return self._handovers.active is not None

    async def round(self, check_term: Callable[[], Awaitable[None]] | None = None) -> None:
        """Starts what is missing, adopts what runs, ends what should not, asks each how it is; then replaces who
        hangs and goes on with moving. A superseded supervisor does nothing any more: an actor says so, or `check_term`
        raises SupervisorSuperseded."""
        if self.superseded:
            return
        try:
            if check_term is not None:
                await check_term()
            await self._round()
        except SupervisorSuperseded as error:
            self.superseded = str(error)
            _log.error("supervisor_superseded", reason=str(error))

    async def _round(self) -> None:
        self._replacing.note_round()
        await asyncio.gather(self._roster.look(), self._nodes.look())
        self._planned.clear()
        if self._complete:
            self._strangers.clear()
        wanted = self._wanted()
        await _all(self._work(wanted))
        watched = {camera_id: self._watched[camera_id] for camera_id in wanted if camera_id in self._watched}
        # One after the other, and none of them must keep the next from its work.
        stalled = self.database_stalled
        await _all([self._handovers.step(stalled=stalled)])
        await _all([self._replacing.replace(watched, stalled=stalled)])
        await _all([self._moving.decide(self._nodes.cluster, self._nodes.nodes, wanted, watched, stalled=stalled)])
        self._count()

    def _work(self, wanted: Mapping[str, CameraSettings]) -> list[Coroutine[Any, Any, None]]:
        others = self._roster.cameras() - wanted.keys()
        gone = {*self._watched, *self._outages.inherited()} - wanted.keys() if self._complete else set()
        work = [self._tend(camera_id) for camera_id in wanted]
        work += [self._end(camera_id) if self._complete else self._look_at(camera_id) for camera_id in others]
        return work + [self._outages.forget(camera_id, self._watched.pop(camera_id, None)) for camera_id in gone]

    async def _tend(self, camera_id: str) -> None:
        if self._retiring.includes(camera_id):
            # Wanted again, but its process has ended its work: a new one takes up what it left on disk.
            await self._retiring.end(camera_id)
            return
        watched = self._watched.setdefault(camera_id, Watched(created_s=self._clock()))
        await self._tending.tend(self._desired[camera_id], watched)

    async def _look_at(self, camera_id: str) -> None:
        """One that runs and of which nothing is known yet: it goes on, and is shown as it says itself."""
        self._strangers[camera_id] = stranger(camera_id)
        try:
            name = await self._roster.settle(camera_id)
            if (handle := self._roster.actors(camera_id).get(name)) is None:
                return
            self._strangers[camera_id] = await handle.report(HEARTBEAT_S)
        except ActorSilentError as error:
            _log.warning("camera_actor_silent", camera_id=camera_id, reason=str(error))

    async def _end(self, camera_id: str) -> None:
        self._handovers.abandon(camera_id)
        await self._retiring.go_on(camera_id)

    def _wanted(self) -> dict[str, CameraSettings]:
        return {name: desired.settings for name, desired in self._desired.items() if desired.settings.enabled}

    def _seats(self) -> list[Seat]:
        return self._moving.seats(self._wanted(), self._watched)

    def _place(self, camera: CameraSettings) -> Place:
        """Where its first actor should start; the next one of this round knows of it."""
        place = self._nodes.cluster.place_for(camera, self._seats(), self._planned)
        self._planned[place.node_id] += 1
        return place

    def _count(self) -> None:
        self._gauges.export(self.reports())
        metrics.cameras_without_room.set(sum(one.unplaced_s is not None for one in self._watched.values()))


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """One camera's trouble is not the others'.

    Raises:
        SupervisorSuperseded: an actor follows a newer supervisor.
    """
    for fault in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(fault, SupervisorSuperseded):
            raise fault
        if isinstance(fault, BaseException):
            _log.error("camera_not_tended", reason=f"{type(fault).__name__}: {fault}", exc_info=fault)
