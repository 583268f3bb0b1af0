"""The JSON of the API: values of the cluster in, plain dictionaries out. Times are ISO 8601 in UTC."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from cluster.safety.events import SafetyEvent, SeenObject
from cluster.safety.frames import correlation_id
from cluster.safety.messages import PlannedMessage
from cluster.safety.pictures import LivePicture
from cluster.safety.redaction import redact
from cluster.safety.status import CameraReport
from cluster.storage.acknowledging import AcknowledgeWay
from cluster.storage.records import Change, SnapshotState, StoredEvent


def instant(moment: datetime | None) -> str | None:
    """`2026-11-22T10:00:00.123Z`; a time without zone is taken to be UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def camera_document(report: CameraReport) -> dict[str, Any]:
    """A camera as the API shows it; addresses without their passwords, whatever the report holds."""
    document = asdict(report)
    document.update(
        status=report.status.value,
        since=instant(report.since),
        source=redact(report.source),
        reason=redact(report.reason),
    )
    return document


def event_document(stored: StoredEvent) -> dict[str, Any]:
    """An event with its acknowledgement and where its picture is."""
    event = stored.event
    return {
        **_revision_document(event),
        "snapshot": {
            "state": stored.snapshot_state.value,
            "url": f"/api/v1/events/{event.event_id}/snapshot.jpg" if _has_picture(stored) else None,
        },
        "acknowledged": stored.acknowledged_at is not None,
        "acknowledged_by": stored.acknowledged_by,
        "acknowledged_at": instant(stored.acknowledged_at),
        "remark": stored.acknowledged_remark,
        "acknowledged_way": stored.acknowledged_way,
        # A name that somebody types is only that; a link at least was given to the channel that it names.
        "acknowledged_verified": stored.acknowledged_way in (AcknowledgeWay.LINK, AcknowledgeWay.SIGNED_IN),
        "occurrence": stored.occurrence,
    }


def delivery_document(message: PlannedMessage) -> dict[str, Any]:
    """What became of one message of an event; without what the channel calls it, which may be a secret."""
    return {
        "channel_id": message.channel_id,
        "kind": message.kind.value,
        "occurrence": message.occurrence,
        "rule": message.rule,
        "step": message.step,
        "state": message.state.value,
        "attempts": message.attempts,
        "due_at": instant(message.due_at),
        "next_try_at": instant(message.next_try_at),
        "sent_at": instant(message.sent_at),
        "accepted_at": instant(message.accepted_at),
        "last_error": redact(message.last_error),
    }


def change_document(change: Change) -> dict[str, Any]:
    """A message of `/events/live`; `cursor` resumes behind it."""
    return {
        "type": "event",
        "cursor": change.number,
        "kind": change.kind.value,
        "correlation_id": change.event.event.correlation_id,
        "event": event_document(change.event),
    }


def frame_message(picture: LivePicture) -> bytes:
    """A message of `/cameras/{id}/live`: 4 bytes big-endian length of the JSON, the JSON, the JPEG."""
    header = json.dumps(_picture_document(picture), ensure_ascii=False, separators=(",", ":")).encode()
    return len(header).to_bytes(4, "big") + header + picture.jpeg


def _picture_document(picture: LivePicture) -> dict[str, Any]:
    """`time` is when the frame was captured; of a blind camera, since when it is what it is."""
    return {
        "camera_id": picture.camera_id,
        "epoch": picture.epoch,
        "sequence": picture.sequence,
        "correlation_id": correlation_id(picture.camera_id, picture.epoch, picture.sequence),
        "time": instant(picture.captured_at),
        "status": picture.status.value,
        "reason": redact(picture.reason),
        "width": picture.width,
        "height": picture.height,
        "boxes": [_object_document(seen) for seen in picture.objects],
        "boxes_sequence": picture.objects_sequence,
        "zones": [
            {
                "zone_id": zone.zone_id,
                "name": zone.name,
                "kind": str(zone.kind),
                "polygon": zone.polygon,
                "occupied": zone.occupied,
            }
            for zone in picture.zones
        ],
    }


def _object_document(seen: SeenObject) -> dict[str, Any]:
    return {
        "label": seen.label,
        "confidence": round(float(seen.confidence), 4),
        "box": [round(float(edge), 5) for edge in seen.box],
        "track_id": seen.track_id,
    }


def _revision_document(event: SafetyEvent) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "revision": event.revision,
        "camera_id": event.camera_id,
        "zone_id": event.zone_id,
        "event_type": event.event_type,
        "severity": event.severity.value,
        "state": event.state.value,
        "subject": event.subject,
        "epoch": event.epoch,
        "correlation_id": event.correlation_id,
        "opened_at": instant(event.opened_at),
        "updated_at": instant(event.updated_at),
        "closed_at": instant(event.closed_at),
        "model_digest": event.model_digest,
        "objects": [_object_document(seen) for seen in event.objects],
        "detail": dict(event.detail),
    }


def _has_picture(stored: StoredEvent) -> bool:
    return stored.snapshot_state is SnapshotState.STORED and stored.snapshot_name is not None
