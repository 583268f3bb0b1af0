"""A safety event as JSON and back, without loss."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity


def event_to_json(event: SafetyEvent) -> dict[str, Any]:
    """`event` as JSON values; times in ISO 8601, UTC. numpy numbers become Python's."""
    return {
        "event_id": event.event_id,
        "revision": event.revision,
        "camera_id": event.camera_id,
        "zone_id": event.zone_id,
        "event_type": str(event.event_type),
        "severity": event.severity.value,
        "state": event.state.value,
        "subject": event.subject,
        "epoch": event.epoch,
        "correlation_id": event.correlation_id,
        "opened_at": _to_iso(event.opened_at),
        "updated_at": _to_iso(event.updated_at),
        "closed_at": None if event.closed_at is None else _to_iso(event.closed_at),
        "model_digest": event.model_digest,
        "objects": [_object_to_json(seen) for seen in event.objects],
        "detail": dict(event.detail),
    }


def event_from_json(content: Mapping[str, Any]) -> SafetyEvent:
    """The event that `event_to_json` wrote; keys of a newer release are passed over.

    Raises:
        ValueError, KeyError, TypeError: `content` is no event.
    """
    closed_at = content["closed_at"]
    return SafetyEvent(
        event_id=content["event_id"],
        revision=int(content["revision"]),
        camera_id=content["camera_id"],
        zone_id=content["zone_id"],
        event_type=content["event_type"],
        severity=Severity(content["severity"]),
        state=EpisodeState(content["state"]),
        subject=content["subject"],
        epoch=int(content["epoch"]),
        correlation_id=content["correlation_id"],
        opened_at=datetime.fromisoformat(content["opened_at"]),
        updated_at=datetime.fromisoformat(content["updated_at"]),
        closed_at=None if closed_at is None else datetime.fromisoformat(closed_at),
        model_digest=content["model_digest"],
        objects=tuple(_object_from_json(seen) for seen in content["objects"]),
        detail=dict(content["detail"]),
    )


def _to_iso(moment: datetime) -> str:
    """Every time of an event is UTC; one that forgot to say so is still not worth an alarm."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat()


def _object_to_json(seen: SeenObject) -> dict[str, Any]:
    return {
        "label": seen.label,
        "confidence": float(seen.confidence),
        "box": [float(edge) for edge in seen.box],
        "track_id": None if seen.track_id is None else int(seen.track_id),
    }


def _object_from_json(content: Mapping[str, Any]) -> SeenObject:
    x1, y1, x2, y2 = content["box"]
    return SeenObject(content["label"], content["confidence"], (x1, y1, x2, y2), content["track_id"])
