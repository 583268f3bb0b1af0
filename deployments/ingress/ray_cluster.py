"""Ray's own word about nodes and deployments: every call in a thread and with a deadline, every fault `Unreachable`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import ray
import ray.serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from deployments.deadlines import bounded
from deployments.ingress.remembered import Remembered
from deployments.ingress.services import Unreachable
from deployments.ingress.system_services import DeploymentState, NodeState

Answer = TypeVar("Answer")

_CALL_S = 2.5
_KEEP_S = 2.0
# RuntimeError and ValueError: Ray's and Serve's ways to say that they are not there (any more).
_FAULTS = (TimeoutError, RayError, RayServeException, RuntimeError, ValueError)
_HEAD = "node:__internal_head__"


class RayCluster:
    """`ClusterReader`; what was said is remembered for 2 s. Belongs to one event loop."""

    def __init__(self) -> None:
        self._nodes = Remembered(lambda: _asked("Ray", _nodes), _KEEP_S)
        self._deployments = Remembered(lambda: _asked("Serve", _deployments), _KEEP_S)

    async def nodes(self) -> list[NodeState]:
        return await self._nodes.get()

    async def deployments(self) -> list[DeploymentState]:
        return await self._deployments.get()


async def _asked(part: str, asking: Callable[[], Answer]) -> Answer:
    try:
        return await bounded(asyncio.to_thread(asking), _CALL_S)
    except _FAULTS as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
        raise Unreachable(part, reason[:200]) from error


def _nodes() -> list[NodeState]:
    said: list[Mapping[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return sorted(map(node_state, said), key=lambda node: (not node.alive, not node.head, node.node_id))


def node_state(said: Mapping[str, Any]) -> NodeState:
    """A node of `ray.nodes()`; a dead one has no resources any more."""
    resources: Mapping[str, float] = said.get("Resources") or {}
    return NodeState(
        node_id=str(said.get("NodeID", "")),
        address=str(said.get("NodeManagerAddress", "")),
        hostname=str(said.get("NodeManagerHostname", "")),
        alive=bool(said.get("Alive", False)),
        head=_HEAD in resources,
        cpus=float(resources.get("CPU", 0.0)),
        gpus=float(resources.get("GPU", 0.0)),
        memory_bytes=int(resources.get("memory", 0.0)),
    )


def _deployments() -> list[DeploymentState]:
    status = ray.serve.status()
    return [
        DeploymentState(
            name=name,
            application=application,
            status=_word(said.status),
            message=" ".join(str(said.message).split())[:300],
            replicas={_word(state): int(count) for state, count in said.replica_states.items()},
        )
        for application, overview in sorted(status.applications.items())
        for name, said in sorted(overview.deployments.items())
    ]


def _word(value: Any) -> str:
    """Ray's words are enumerations of texts in one release and texts in another."""
    return str(getattr(value, "value", value))
