"""What the API answers about events and health, as the OpenAPI document shows it; `documents` makes the values."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from cluster.safety.events import EpisodeState, Severity
from cluster.safety.messages import MessageKind, MessageState
from cluster.safety.status import CameraStatus
from cluster.storage.acknowledging import AcknowledgeOutcome, AcknowledgeWay
from cluster.storage.records import SnapshotState
from cluster.storage.statistics import StatisticsBy
from deployments.ingress.health import HealthStatus


class SeenObjectAnswer(BaseModel):
    """What was seen; `box`: x1 y1 x2 y2 in 0..1 of the picture."""

    label: str
    confidence: float
    box: list[float] = Field(min_length=4, max_length=4)
    track_id: int | None


class SnapshotAnswer(BaseModel):
    """`url` is null where there is no picture (yet)."""

    state: SnapshotState
    url: str | None


class EventAnswer(BaseModel):
    """The highest revision of an event, and its present acknowledgement."""

    event_id: str
    revision: int
    camera_id: str
    zone_id: str
    event_type: str
    severity: Severity
    state: EpisodeState
    subject: str
    epoch: int
    correlation_id: str
    opened_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    model_digest: str
    objects: list[SeenObjectAnswer]
    detail: dict[str, Any]
    snapshot: SnapshotAnswer
    acknowledged: bool
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    remark: str | None
    acknowledged_way: AcknowledgeWay | None
    acknowledged_verified: bool
    occurrence: int


class CameraReportAnswer(BaseModel):
    """One heartbeat of a camera. Ages in seconds, null: never; rates a second."""

    camera_id: str
    name: str
    status: CameraStatus
    since: datetime
    reason: str
    source: str
    managed: str
    revision: int
    epoch: int
    width: int
    height: int
    capture_fps: float
    detect_fps: float
    frame_age_s: float | None
    inference_age_s: float | None
    dropped_frames: int
    unanswered_frames: int
    reconnects: int
    outbox_events: int
    outbox_dropped: int
    outbox_dropped_critical: int
    pid: int
    node_id: str
    speechless: bool
    actor: str
    release: str
    standby: bool
    detect_fps_limit: float
    gated_frames: int
    breaker: str
    open_events: list[str]


class CameraPage(BaseModel):
    """All cameras that you may see, or with `limit` or `cursor` a page of them."""

    cameras: list[CameraReportAnswer]
    next_cursor: str | None


class EventPage(BaseModel):
    """Newest first; `next_cursor` is null on the last page."""

    events: list[EventAnswer]
    next_cursor: str | None


class DeliveryAnswer(BaseModel):
    """One message to one channel, and what became of it."""

    channel_id: str
    kind: MessageKind
    occurrence: int
    rule: str
    step: int
    state: MessageState
    attempts: int
    due_at: datetime | None
    next_try_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    last_error: str


class ToldEvent(EventAnswer):
    """An event, and whom it was told."""

    notifications: list[DeliveryAnswer]


class AcknowledgeAnswer(BaseModel):
    """The outcome, and the event as it is now."""

    outcome: AcknowledgeOutcome
    event: EventAnswer


class AcknowledgeAllAnswer(BaseModel):
    """The outcome of each event."""

    outcomes: dict[str, AcknowledgeOutcome]


class StatisticsBucket(BaseModel):
    """`count` events of `type` and `severity`; without events there is no bucket."""

    key: str
    type: str
    severity: Severity
    count: int


class EventStatistics(BaseModel):
    """Buckets in the order of their keys. `time_zone`: whose days are counted."""

    by: StatisticsBy
    time_zone: str
    opened_after: datetime
    opened_before: datetime
    buckets: list[StatisticsBucket]


class HealthPart(BaseModel):
    """One part and, where it is not ok, why."""

    status: HealthStatus
    reason: str


class AgesAnswer(BaseModel):
    """Seconds since a camera was looked at; null: none was yet."""

    max: float | None
    min: float | None


class HealthAnswer(BaseModel):
    """What the whole is worth, and its parts."""

    status: HealthStatus
    release: str
    parts: dict[str, HealthPart]
    cameras: dict[str, int]
    inference_age_s: AgesAnswer


class LiveAnswer(BaseModel):
    """This process answers."""

    status: HealthStatus
    release: str


class ReadyAnswer(LiveAnswer):
    """Whether the cameras' supervisor can be reached, and if not, why."""

    reason: str


class ProblemAnswer(BaseModel):
    """RFC 9457: one line, and the id of the request; some have members more, such as `field` and `reason`."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
