"""What the API answers about models and the cluster, as the OpenAPI document shows it."""

from datetime import datetime

from pydantic import BaseModel

from deployments.ingress.answers import HealthAnswer


class ModelAnswer(BaseModel):
    """An entry of configs/models.yaml; `classes`: the model's onto the site's."""

    name: str
    sha256: str
    classes: dict[str, str]
    licence: str
    configured: bool


class ReplicaAnswer(BaseModel):
    """What one Detector replica runs; ages in seconds, null: never."""

    pid: int
    node: str
    model: str
    digest: str
    runtime: str
    device: str
    ready: bool
    fallback: bool
    error: str
    configured: str
    inference_age_s: float | None
    canary_age_s: float | None
    image_size: int
    frames: int


class ModelsAnswer(BaseModel):
    """Models that there are, and replicas that answer."""

    models: list[ModelAnswer]
    replicas: list[ReplicaAnswer]


class VerifyAnswer(BaseModel):
    """`sha256` of the file, "" where it could not be read; `reason` why it is not `ok`."""

    ok: bool
    sha256: str
    reason: str


class ReloadAnswer(BaseModel):
    """How many replicas load it anew."""

    replicas: int


class NodeAnswer(BaseModel):
    """A node of the cluster; `cpus`, `gpus`: what Ray was given of it, memory in bytes."""

    node_id: str
    address: str
    hostname: str
    alive: bool
    head: bool
    cpus: float
    gpus: float
    memory_bytes: int


class DeploymentAnswer(BaseModel):
    """A Serve deployment; `replicas`: how many are in which state."""

    name: str
    application: str
    status: str
    message: str
    replicas: dict[str, int]


class GpuAnswer(BaseModel):
    """A GPU as its node last read it; null: it does not say."""

    node: str
    gpu: str
    utilization_percent: float | None
    memory_used_bytes: float | None
    memory_total_bytes: float | None
    temperature_celsius: float | None


class SystemAnswer(BaseModel):
    """`faults`: what of this could not be found out, one line each."""

    release: str
    versions: dict[str, str]
    nodes: list[NodeAnswer]
    deployments: list[DeploymentAnswer]
    gpus: list[GpuAnswer]
    replicas: list[ReplicaAnswer]
    cameras: dict[str, int]
    health: HealthAnswer
    figures: dict[str, float]
    faults: list[str]


class AlarmAnswer(BaseModel):
    """A firing alarm of the system."""

    name: str
    severity: str
    summary_ko: str
    summary_en: str
    since: datetime | None
    labels: dict[str, str]


class AlarmsAnswer(BaseModel):
    """`configured`: whether site.yaml names an Alertmanager; `reason`: why it could not be asked, "" if it could."""

    configured: bool
    alarms: list[AlarmAnswer]
    reason: str
