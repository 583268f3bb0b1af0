"""One camera in one round: its actor made or found, asked how it is, told what changed. Knows no Ray."""

from collections.abc import Callable

import structlog

from cluster.safety.status import CameraReport
from cluster.settings.cameras import CameraSettings
from deployments.cameras.camera_actors import ActorSilentError, ActorState, CameraHandle, Place
from deployments.cameras.desired import Desired
from deployments.cameras.fleet_report import NO_ANSWER
from deployments.cameras.handovers import Assign, Handovers
from deployments.cameras.node_watch import NodeWatch
from deployments.cameras.outages import Outages
from deployments.cameras.roster import HEARTBEAT_S, Roster
from deployments.cameras.watched import Watched, is_starting

_log = structlog.get_logger()
_APPLY_S, _BEGIN_S = 4.0, 8.0


class Tending:
    """`place(camera)` says where a first actor should start."""

    def __init__(
        self,
        roster: Roster,
        handovers: Handovers,
        outages: Outages,
        nodes: NodeWatch,
        assign: Assign,
        place: Callable[[CameraSettings], Place],
        clock: Callable[[], float],
    ) -> None:
        self._roster, self._handovers, self._outages, self._nodes = roster, handovers, outages, nodes
        self._assign, self._place, self._clock = assign, place, clock

    async def tend(self, desired: Desired, watched: Watched) -> None:
        """Every wait in it has a deadline."""
        camera, handle = desired.settings, None
        await self._outages.take_up(camera.camera_id, watched, camera.has_danger_zone)
        try:
            handle = await self._owner_of(camera)
            report = await handle.report(HEARTBEAT_S)
        except ActorSilentError as error:
            await self._missed(camera, watched, handle, str(error))
            return
        await self._answered(camera, watched, report)
        await self._bring_up_to_date(desired, handle, report)

    async def _owner_of(self, camera: CameraSettings) -> CameraHandle:
        """The actor that watches, made if there is none; others that were left behind are ended.

        Raises:
            ActorSilentError: it cannot be made, or it is not known which of several it is.
        """
        camera_id = camera.camera_id
        name = await self._roster.settle(camera_id)
        if not name and self._roster.actors(camera_id):
            raise ActorSilentError("several processes, and it is not known which of them watches")
        if not name:
            return await self._roster.create_owner(camera_id, self._place(camera))
        active = self._handovers.active
        for other in [one for one in self._roster.actors(camera_id) if one != name]:
            if active is None or other not in (active.old, active.new):
                await self._roster.end(camera_id, other)
        return self._roster.actors(camera_id)[name]

    async def _answered(self, camera: CameraSettings, watched: Watched, report: CameraReport) -> None:
        watched.note_answer(report, self._clock())
        if is_starting(report):
            watched.reason = report.reason
            await self._silent(camera, watched)
        else:
            await self._outages.over(camera.camera_id, watched)

    async def _missed(self, camera: CameraSettings, watched: Watched, handle: CameraHandle | None, reason: str) -> None:
        watched.missed += 1
        watched.state, no_room = await self._state_of(handle), ""
        if watched.state is ActorState.ALIVE:
            watched.reason = f"{NO_ANSWER}: {reason}"
        else:
            no_room = self._nodes.cluster.why_no_room(camera)
            watched.reason = no_room or "the camera's process starts"
        # Kept from the first round on in which there was none.
        watched.unplaced_s = (self._clock() if watched.unplaced_s is None else watched.unplaced_s) if no_room else None
        await self._silent(camera, watched)

    async def _state_of(self, handle: CameraHandle | None) -> ActorState:
        """Whether there is a process that should answer. One of which nothing is known is taken to have one; one on a
        node that is lost has none, and the cluster starts it elsewhere by itself."""
        try:
            process = None if handle is None else await handle.process()
        except ActorSilentError:
            return ActorState.ALIVE
        if process is None:
            return ActorState.ALIVE
        lost = process.state is ActorState.ALIVE and self._nodes.is_lost(process.node_id)
        return ActorState.PENDING if lost else process.state

    async def _silent(self, camera: CameraSettings, watched: Watched) -> None:
        if watched.is_blind(self._clock()):
            await self._outages.blind(camera.camera_id, watched, camera.has_danger_zone)

    async def _bring_up_to_date(self, desired: Desired, handle: CameraHandle, report: CameraReport) -> None:
        camera_id = desired.settings.camera_id
        try:
            if report.standby:
                # It owns the camera and does not know: its predecessor is gone, or the supervisor was.
                assignment, site = await self._assign(camera_id)
                await handle.begin(assignment, site, _BEGIN_S)
            # Epoch 0: the actor still waits for its assignment and will get the newest by itself.
            elif report.epoch and report.revision != desired.revision:
                await handle.apply(desired.assignment(report.epoch, report.release), _APPLY_S)
        except ActorSilentError as error:
            _log.warning("camera_not_changed", camera_id=camera_id, reason=str(error))
