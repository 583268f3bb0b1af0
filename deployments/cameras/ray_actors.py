"""The camera actors as Ray knows them."""

from collections.abc import Mapping
from typing import Any

import ray
import ray._private.state
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.camera.actor import CameraActor
from cluster.camera.actor_names import CAMERA_NAMESPACE, parse_actor_name
from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment
from cluster.settings.site import SiteSettings
from deployments.cameras.camera_actors import ActorProcess, ActorState, CameraHandle, Place, ProcessEnder
from deployments.cameras.ray_calls import answer, in_time
from deployments.cameras.ray_nodes import HOST_LABEL

_STATES = {"ALIVE": ActorState.ALIVE, "DEAD": ActorState.GONE}


class RayCamera:
    """A camera actor's handle; Ray's errors become `ActorSilentError`. Orders carry the supervisor's epoch."""

    def __init__(self, actor: Any, camera_id: str, supervisor_epoch: int, ender: ProcessEnder) -> None:
        self._actor, self._camera_id = actor, camera_id
        self._by, self._ender = supervisor_epoch, ender

    async def report(self, timeout_s: float) -> CameraReport:
        report: CameraReport = await answer(self._actor.report.remote(self._by), timeout_s)
        return report

    async def begin(self, assignment: Assignment, site: SiteSettings, timeout_s: float) -> None:
        await answer(self._actor.begin.remote(assignment, site, self._by), timeout_s)

    async def apply(self, assignment: Assignment, timeout_s: float) -> None:
        await answer(self._actor.apply.remote(assignment, self._by), timeout_s)

    async def retire(self, timeout_s: float) -> bool:
        """Whether everything that it had to tell has been recorded."""
        emptied: bool = await answer(self._actor.retire.remote(timeout_s, self._by), 2 * timeout_s)
        return emptied

    async def stop(self, within_s: float, timeout_s: float) -> bool:
        """Whether all of the camera's threads ended."""
        ended: bool = await answer(self._actor.stop.remote(within_s, self._by), timeout_s)
        return ended

    async def end(self, *, hung: bool = False) -> None:
        await self._kill(no_restart=True, hung=hung)

    async def restart(self) -> None:
        await self._kill(no_restart=False, hung=True)

    async def process(self) -> ActorProcess:
        # By id: the table of all actors also holds every one that ever died.
        facts = await in_time(ray._private.state.actors, self._actor._actor_id.hex())
        if not facts:
            return ActorProcess(ActorState.GONE)
        state = _STATES.get(facts["State"], ActorState.PENDING)
        return ActorProcess(state, facts["Address"]["NodeID"], facts["Pid"] or 0)

    async def _kill(self, *, no_restart: bool, hung: bool) -> None:
        """Ray's own word takes five seconds to end a process that is stopped, the node's agent does it at once."""
        process = await self.process() if hung else ActorProcess(ActorState.GONE)
        await in_time(ray.kill, self._actor, no_restart=no_restart)
        if process.state is ActorState.ALIVE and process.pid:
            await self._ender.end_process(process.node_id, process.pid, self._camera_id)


class RayCameras:
    """Finds and makes them. One detached actor a name: `get_if_exists` keeps two supervisors from making two."""

    def __init__(self, cpus: float, supervisor_epoch: int, ender: ProcessEnder) -> None:
        self._class = ray.remote(num_cpus=cpus, max_restarts=-1, max_task_retries=0)(CameraActor)
        self._by, self._ender = supervisor_epoch, ender

    async def running(self) -> Mapping[str, CameraHandle]:
        return await in_time(self._find_running)

    async def create(self, camera_id: str, name: str, place: Place) -> CameraHandle:
        return await in_time(self._create, camera_id, name, place)

    def _find_running(self) -> dict[str, CameraHandle]:
        found: dict[str, CameraHandle] = {}
        for entry in list_named_actors(all_namespaces=True):
            parsed = parse_actor_name(entry["name"])
            if entry["namespace"] != CAMERA_NAMESPACE or parsed is None:
                continue
            try:
                actor = ray.get_actor(entry["name"], namespace=CAMERA_NAMESPACE)
            except ValueError:  # it died between the two calls; the next round sees it gone
                continue
            found[entry["name"]] = RayCamera(actor, parsed[0], self._by, self._ender)
        return found

    def _create(self, camera_id: str, name: str, place: Place) -> RayCamera:
        options: dict[str, Any] = {"scheduling_strategy": "SPREAD"}
        if place.host:
            # Hard, and by label, so that it waits for its node and finds it again under another node id.
            options = {"label_selector": {HOST_LABEL: place.host}}
        elif place.node_id:
            # Soft, so that Ray itself takes it elsewhere when the node is lost, or full.
            affinity = NodeAffinitySchedulingStrategy(place.node_id, soft=True, _spill_on_unavailable=True)
            options = {"scheduling_strategy": affinity}
        made = self._class.options(
            name=name, namespace=CAMERA_NAMESPACE, lifetime="detached", get_if_exists=True, **options
        ).remote(camera_id)
        return RayCamera(made, camera_id, self._by, self._ender)
