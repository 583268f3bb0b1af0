"""The metrics hub as Ray knows it."""

from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.telemetry.hub import HUB_NAME, HUB_NAMESPACE, MetricsHub
from deployments.cameras.ray_calls import answer, in_time


class RayHub:
    """The handle of the hub; Ray's errors become `ActorSilentError`."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def release(self, timeout_s: float) -> str:
        release: str = await answer(self._actor.release.remote(), timeout_s)
        return release

    async def end(self) -> None:
        await in_time(ray.kill, self._actor, no_restart=True)


class RayHubs:
    """One detached actor by name. It begins where its maker is, and anywhere when that node is lost."""

    def __init__(self, release: str) -> None:
        self._release = release
        self._class = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=0)(MetricsHub)

    async def get(self) -> RayHub:
        return await in_time(self._get)

    def _get(self) -> RayHub:
        here = ray.get_runtime_context().get_node_id()
        options = self._class.options(
            name=HUB_NAME,
            namespace=HUB_NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=True),
        )
        return RayHub(options.remote(self._release))
