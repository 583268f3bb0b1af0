"""What the routes of the system ask of Ray, of files and of Alertmanager."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from cluster.settings.models import ModelSettings


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether weights are the right ones; `sha256` "" where they could not be read, `reason` why they are not."""

    ok: bool
    sha256: str
    reason: str = ""


class ModelReader(Protocol):
    """Who reads configs/models.yaml and weights; blocks, raises ConfigError."""

    def listed(self) -> list[ModelSettings]: ...

    def verify(self, name: str) -> Verdict | None:
        """None: there is no such model."""
        ...


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node as Ray knows it; `memory_bytes`, `cpus`, `gpus`: what it was given of the machine."""

    node_id: str
    address: str
    hostname: str
    alive: bool
    head: bool
    cpus: float
    gpus: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """A Serve deployment; `replicas`: how many are in which state."""

    name: str
    application: str
    status: str
    message: str
    replicas: dict[str, int]


class ClusterReader(Protocol):
    """Who knows nodes and deployments; raises `Unreachable`."""

    async def nodes(self) -> list[NodeState]: ...

    async def deployments(self) -> list[DeploymentState]: ...


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the system that fires; `since` None: it does not say."""

    name: str
    severity: str
    summary_ko: str
    summary_en: str
    since: datetime | None
    labels: dict[str, str]


class AlarmReader(Protocol):
    """Who knows the alarms of the system; raises `Unreachable`."""

    async def firing(self) -> list[Alarm]: ...


class NoCluster:
    """Where there is no Ray: neither nodes nor deployments."""

    async def nodes(self) -> list[NodeState]:
        return []

    async def deployments(self) -> list[DeploymentState]:
        return []


NO_CLUSTER: Final = NoCluster()
