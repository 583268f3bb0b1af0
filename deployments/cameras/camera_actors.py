"""What the fleet asks of camera actors and of the cluster's nodes, whatever runs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment
from cluster.settings.site import SiteSettings


class ActorState(StrEnum):
    """PENDING: no process, for want of room or because one is being started. GONE: ended for good."""

    PENDING = "pending"
    ALIVE = "alive"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ActorProcess:
    """What the cluster says of an actor, whether it answers or not. `pid` and `node_id` hold while it is ALIVE."""

    state: ActorState
    node_id: str = ""
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an actor should run: nowhere but on the node of the label `host`, or on `node_id` if that can be."""

    node_id: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A node that lives. `host`: its label `safe-yolo/node`."""

    node_id: str
    cpus: float
    free_cpus: float
    host: str = ""
    draining: bool = False

    @property
    def label(self) -> str:
        return self.host or self.node_id[:8]


class CameraHandle(Protocol):
    """An actor; every call has a deadline and raises `ActorSilentError`. What an order raises in the actor too."""

    async def report(self, timeout_s: float) -> CameraReport: ...
    async def begin(self, assignment: Assignment, site: SiteSettings, timeout_s: float) -> None: ...
    async def apply(self, assignment: Assignment, timeout_s: float) -> None: ...
    async def retire(self, timeout_s: float) -> bool: ...
    async def stop(self, within_s: float, timeout_s: float) -> bool: ...

    async def end(self, *, hung: bool = False) -> None:
        """Ends its process for good; `hung`: with the help of its node, because it may not hear."""

    async def restart(self) -> None:
        """Ends its process by force; the cluster starts it anew under the same name."""

    async def process(self) -> ActorProcess: ...


class CameraActors(Protocol):
    """The actors of the cluster by name, those that wait for room included."""

    async def running(self) -> Mapping[str, CameraHandle]: ...
    async def create(self, camera_id: str, name: str, place: Place) -> CameraHandle: ...


class ClusterNodes(Protocol):
    """The nodes that live. Raises `ActorSilentError`."""

    async def alive(self) -> Sequence[ClusterNode]: ...


class ProcessEnder(Protocol):
    """Kills a process on its node, after it has made sure that it is the camera's. Raises nothing."""

    async def end_process(self, node_id: str, pid: int, camera_id: str) -> None: ...


class ActorSilentError(Exception):
    """The actor did not answer in time, is dead, or is being restarted; or the control store is."""
