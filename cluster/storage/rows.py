"""Between domain values and rows of the events table."""

import math
from collections.abc import Mapping
from datetime import datetime
from numbers import Integral, Real
from typing import Any

from sqlalchemy import Row

from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity
from cluster.storage.records import SnapshotState, StoredEvent

_TEXTS = (
    "event_id",
    "camera_id",
    "zone_id",
    "event_type",
    "severity",
    "state",
    "subject",
    "correlation_id",
    "model_digest",
)


def event_values(event: SafetyEvent, snapshot: SnapshotState, recorded_at: datetime) -> dict[str, Any]:
    """The columns of a new row.

    Raises:
        ValueError: a time has no zone.
    """
    for name in ("opened_at", "updated_at", "closed_at"):
        moment = getattr(event, name)
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"event {event.event_id}: {name}: {moment} has no time zone")
    return {
        **{name: _storable(str(getattr(event, name))) for name in _TEXTS},
        "revision": event.revision,
        "epoch": event.epoch,
        "opened_at": event.opened_at,
        "updated_at": event.updated_at,
        "closed_at": event.closed_at,
        "objects": [_storable(_object_values(seen)) for seen in event.objects],
        "detail": _storable(dict(event.detail)),
        "snapshot_state": snapshot.value,
        "recorded_at": recorded_at,
    }


def stored_event(row: Row[Any]) -> StoredEvent:
    """`row` has the columns of the events table, and `change_number`."""
    return StoredEvent(
        event=_event(row),
        snapshot_state=SnapshotState(row.snapshot_state),
        snapshot_name=row.snapshot_name,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        acknowledged_remark=row.acknowledged_remark,
        change_number=row.change_number or 0,
        occurrence=row.occurrence,
        acknowledged_way=row.acknowledged_way,
    )


def _event(row: Row[Any]) -> SafetyEvent:
    return SafetyEvent(
        event_id=row.event_id,
        revision=row.revision,
        camera_id=row.camera_id,
        zone_id=row.zone_id,
        event_type=row.event_type,
        severity=Severity(row.severity),
        state=EpisodeState(row.state),
        subject=row.subject,
        epoch=row.epoch,
        correlation_id=row.correlation_id,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        closed_at=row.closed_at,
        model_digest=row.model_digest,
        objects=tuple(_object(values) for values in row.objects),
        detail=row.detail,
    )


def _object_values(seen: SeenObject) -> dict[str, Any]:
    return {"label": seen.label, "confidence": seen.confidence, "box": seen.box, "track_id": seen.track_id}


def _object(values: Mapping[str, Any]) -> SeenObject:
    x1, y1, x2, y2 = values["box"]
    return SeenObject(values["label"], values["confidence"], (x1, y1, x2, y2), values["track_id"])


def _storable(value: Any) -> Any:
    """`value` as JSON that every database takes. What one refuses for ever (NUL, half characters, NaN) would never
    leave its outbox, and would hold up the events behind it."""
    if isinstance(value, Mapping):
        return {_storable(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_storable(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Real):
        return _number(value)
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _number(value: Real) -> int | float | None:
    """numpy's numbers are no JSON, and neither are NaN and infinity."""
    if isinstance(value, Integral):
        return int(value)
    return float(value) if math.isfinite(value) else None
