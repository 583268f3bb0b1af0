"""The JSON of the desktop client. Its keys are exactly these; coordinates are pixels of the picture."""

from collections.abc import Mapping, Sequence
from typing import Any

from cluster.notifications.phrases import PHRASES
from cluster.safety.events import SeenObject
from cluster.safety.geometry import Point
from cluster.safety.objects import OBJECT_NAMES, is_a
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.settings.cameras import SourceKind
from cluster.settings.notifications import Language
from cluster.storage.whole_numbers import WholeNumber
from deployments.ingress.documents import instant

_COLOURS = {"danger": "#FF3B30", "warning": "#FFB020"}
_CLASS_IDS = {name: index for index, name in enumerate(sorted(OBJECT_NAMES))}
_COUNTS = {
    "persons_count": "person",
    "helmets_count": "helmet",
    "masks_count": "mask",
    "fire_extinguishers_count": "fire_extinguisher",
}

Size = tuple[int, int]
"""Width and height of a picture in pixels; (0, 0): nobody has seen one yet."""


def size_of(report: Mapping[str, Any], profile: PictureProfile) -> Size:
    """Of the pictures that the client gets of this camera."""
    width, height = int(report["width"]), int(report["height"])
    if width <= profile.width_px:
        return width, height
    return profile.width_px, round(height * profile.width_px / width)


def camera_of(number: WholeNumber, report: Mapping[str, Any]) -> dict[str, Any]:
    """A camera, from its report."""
    return {
        "id": number.number,
        "name": report["name"] or report["camera_id"],
        "source": report["source"],
        "source_type": source_type(report["source"]),
        "is_active": report["status"] != "DISABLED",
        "created_at": instant(number.given_at),
        "updated_at": report["since"],
    }


def source_type(source: str) -> str:
    """`file` or `rtsp`, which is everything that is no file."""
    try:
        return "file" if SourceKind.of(source) is SourceKind.FILE else "rtsp"
    except ValueError:
        return "rtsp"


def zone_of(number: WholeNumber, camera: WholeNumber, zone: Mapping[str, Any], size: Size) -> dict[str, Any]:
    """A zone. Without a picture there are no pixels: `points` is empty then, which nobody can send back."""
    kind = str(zone["kind"])
    return {
        "id": number.number,
        "camera_id": camera.number,
        "name": zone["name"] or zone["zone_id"],
        "points": points_of(zone["polygon"], size),
        "color": _COLOURS[kind],
        "zone_type": kind,
        "is_active": True,
        "created_at": instant(number.given_at),
        "updated_at": instant(number.given_at),
    }


def points_of(polygon: Sequence[Point], size: Size) -> list[dict[str, float]]:
    width, height = size
    return [{"x": round(x * width, 2), "y": round(y * height, 2)} for x, y in polygon] if width and height else []


def event_of(
    number: WholeNumber, camera: WholeNumber, zone: WholeNumber | None, event: Mapping[str, Any]
) -> dict[str, Any]:
    """An event, from the document of our own API."""
    return {
        "id": number.number,
        "camera_id": camera.number,
        "event_type": event["event_type"],
        "severity": event["severity"],
        "message": _message(event),
        "snapshot_path": f"/api/events/{number.number}/snapshot" if event["snapshot"]["url"] else None,
        "roi_id": zone.number if zone else None,
        "detection_data": {"objects": event["objects"], **event["detail"]},
        "is_acknowledged": event["acknowledged"],
        "acknowledged_at": event["acknowledged_at"],
        "created_at": event["opened_at"],
    }


def _message(event: Mapping[str, Any]) -> str:
    said = [PHRASES[language].event_type(event["event_type"]) for language in (Language.KOREAN, Language.ENGLISH)]
    where = event["detail"].get("zone_name") or event["zone_id"]
    return " · ".join(part for part in (" / ".join(said), event["camera_id"], str(where)) if part)


def detection_of(picture: LivePicture) -> dict[str, Any] | None:
    """What was found in the newest frame that was looked at; None: in none yet."""
    if not picture.objects_sequence or not picture.jpeg:
        return None
    labels = [seen.label for seen in picture.objects]
    size = (picture.width, picture.height)
    return {
        "frame_number": picture.objects_sequence,
        "timestamp": picture.captured_at.timestamp(),
        **{key: sum(is_a(label, name) for label in labels) for key, name in _COUNTS.items()},
        "detections": [_seen(one, size) for one in picture.objects],
    }


def _seen(seen: SeenObject, size: Size) -> dict[str, Any]:
    left, top, right, bottom = (round(float(edge) * length, 1) for edge, length in zip(seen.box, size * 2, strict=True))
    return {
        "class_id": _CLASS_IDS.get(seen.label, len(_CLASS_IDS)),
        "class_name": seen.label,
        "confidence": round(float(seen.confidence), 4),
        "x1": left,
        "y1": top,
        "x2": right,
        "y2": bottom,
        "center_x": round((left + right) / 2, 1),
        "center_y": round((top + bottom) / 2, 1),
        "track_id": seen.track_id,
    }
