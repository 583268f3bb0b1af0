"""The agents of the nodes as Ray knows them."""

from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.camera.actor_names import CAMERA_NAMESPACE
from cluster.camera.node_agent import NodeAgent, agent_name
from cluster.camera.places import NodeReport, Places
from cluster.settings.site import SiteSettings
from deployments.cameras.ray_calls import answer, in_time


class RayAgent:
    """The handle of a node's agent; Ray's errors become `ActorSilentError`."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def tend(self, site: SiteSettings, places: Places, timeout_s: float) -> NodeReport:
        report: NodeReport = await answer(self._actor.tend.remote(site, places), timeout_s)
        return report

    async def end_process(self, pid: int, camera_id: str, timeout_s: float) -> bool:
        ended: bool = await answer(self._actor.end_process.remote(pid, camera_id), timeout_s)
        return ended

    async def end(self) -> None:
        await in_time(ray.kill, self._actor, no_restart=True)


class RayAgents:
    """One detached actor a node, by name, bound to its node: it takes no CPU away from cameras."""

    def __init__(self, release: str) -> None:
        self._release = release
        self._class = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=0)(NodeAgent)

    async def of(self, node_id: str) -> RayAgent:
        return await in_time(self._of, node_id)

    def _of(self, node_id: str) -> RayAgent:
        options = self._class.options(
            name=agent_name(node_id),
            namespace=CAMERA_NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False),
        )
        return RayAgent(options.remote(self._release))
