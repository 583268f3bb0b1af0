"""Safety events: what an episode tells, and how often."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cluster.safety.tracks import Box

_MISSING = re.compile(r"[A-Z0-9][A-Z0-9_-]*_MISSING")
_NAMESPACE = uuid.UUID("5afe0c8e-6f2c-5d0b-9a52-1f0f5a4e0001")


class Severity(StrEnum):
    """How bad, in ascending order (`rank`)."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class EpisodeState(StrEnum):
    """States of an episode that others see; `pending` ones are not told."""

    OPEN = "open"
    ESCALATED = "escalated"
    CLOSED = "closed"


class EventType(StrEnum):
    """Types with a fixed name; `ppe_missing` and `object_missing` make the others."""

    DANGER_ZONE_INTRUSION = "DANGER_ZONE_INTRUSION"
    WARNING_ZONE_INTRUSION = "WARNING_ZONE_INTRUSION"
    ZONE_DWELL = "ZONE_DWELL"
    PERSON_ENTRANCE = "PERSON_ENTRANCE"
    PERSON_EXIT = "PERSON_EXIT"
    PERSON_FALLEN = "PERSON_FALLEN"
    CAMERA_UNMONITORED = "CAMERA_UNMONITORED"
    CAMERA_DEGRADED = "CAMERA_DEGRADED"


def ppe_missing(item: str) -> str:
    """Event type of a person without `item`: `PPE_HELMET_MISSING`."""
    return f"PPE_{item.upper()}_MISSING"


def object_missing(name: str) -> str:
    """Event type of an object that is not where it must be: `FIRE_EXTINGUISHER_MISSING`."""
    return f"{name.upper()}_MISSING"


def is_event_type(name: str) -> bool:
    """Whether events of this type can be told at all. What is missing is named by the site, so any such name is one."""
    return name in list(EventType) or _MISSING.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One object of the frame that made a revision, for the drawn snapshot and the detail page."""

    label: str
    confidence: float
    box: Box
    track_id: int | None = None


@dataclass(frozen=True, slots=True)
class SafetyEvent:
    """One revision of what one episode tells.

    `event_id` is the episode's and stays the same; `revision` counts from 1 (opened) upwards
    (escalated, closed). `subject` says who or what inside the zone (`person:7`, `helmet@person:7`,
    `fire_extinguisher`, `picture`). `zone_id` is "" for what concerns the whole picture. Times are UTC.
    `detail` holds JSON values only (reason, dwell_s, ...).
    """

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
    closed_at: datetime | None = None
    model_digest: str = ""
    objects: tuple[SeenObject, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


def derive_event_id(camera_id: str, zone_id: str, event_type: str, subject: str, epoch: int, counter: int) -> str:
    """The id of an episode: the same for the same six values, in every process and for ever."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join((camera_id, zone_id, event_type, subject, str(epoch), str(counter)))))
