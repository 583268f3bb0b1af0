"""The cluster's nodes, and the supervisor's epoch, as Ray's control store knows them."""

from collections.abc import Sequence
from typing import Any

import ray
import ray._private.state
from ray.experimental import internal_kv

from deployments.cameras.camera_actors import ClusterNode
from deployments.cameras.ray_calls import GCS_TIMEOUT_S, in_time

HOST_LABEL = "safe-yolo/node"
"""`ray start --labels safe-yolo/node=NAME`: what `node` of a camera means."""
_KEY, _NAMESPACE = b"supervisor-epoch", b"safe-yolo"


class RayNodes:
    """`ClusterNodes` by Ray."""

    async def alive(self) -> Sequence[ClusterNode]:
        return await in_time(self._alive)

    def _alive(self) -> list[ClusterNode]:
        control_store: Any = internal_kv.internal_kv_get_gcs_client()  # type: ignore[no-untyped-call]
        # `ray drain-node`, the autoscaler and KubeRay say it here; ray.nodes() does not tell.
        draining = control_store.get_draining_nodes(timeout=GCS_TIMEOUT_S)
        free = ray._private.state.available_resources_per_node()  # type: ignore[no-untyped-call]
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        return [_node(node, free.get(node["NodeID"], {}), draining) for node in nodes if node["Alive"]]


def _node(node: dict[str, Any], free: dict[str, float], draining: dict[str, int]) -> ClusterNode:
    node_id = node["NodeID"]
    return ClusterNode(
        node_id=node_id,
        cpus=node["Resources"].get("CPU", 0.0),
        free_cpus=free.get("CPU", 0.0),
        host=node["Labels"].get(HOST_LABEL, ""),
        draining=node_id in draining,
    )


class RayTerm:
    """The epoch of the newest supervisor. Lost with the control store: then the clock carries it over."""

    async def read(self) -> int:
        """0: none is known."""
        return await in_time(lambda: int(internal_kv._internal_kv_get(_KEY, namespace=_NAMESPACE) or 0))

    async def write(self, epoch: int) -> None:
        await in_time(internal_kv._internal_kv_put, _KEY, str(epoch).encode(), overwrite=True, namespace=_NAMESPACE)
