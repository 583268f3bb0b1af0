"""What the parameters in addresses look like, for the OpenAPI document; `queries` reads them."""

from typing import Any, Final

from cluster.safety.events import EpisodeState, Severity
from cluster.safety.pictures import PictureProfile
from cluster.settings.cameras import CAMERA_ID
from cluster.settings.models import MODEL_NAME
from cluster.storage.statistics import StatisticsBy
from deployments.ingress.queries import EVENT_TYPES

_CAMERA: Final = {"type": "string", "pattern": CAMERA_ID}
_TOKEN: Final = {"type": "string", "pattern": "^[A-Za-z0-9_.:=-]{1,200}$"}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_BOOLEAN: Final = {"type": "string", "enum": ["true", "false", "1", "0"]}


def _texts(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


_QUERY: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "camera_id": (_CAMERA, "Events of this camera only"),
    "zone_id": ({"type": "string", "minLength": 1, "maxLength": 100}, "Events of this zone only"),
    "event_type": (_texts(*sorted(EVENT_TYPES)), "Events of this type only"),
    "severity": (_texts(*(each.value for each in Severity)), "Events of this severity only"),
    "state": (_texts(*(each.value for each in EpisodeState)), "Events in this state only"),
    "acknowledged": (_BOOLEAN, "Events that somebody acknowledged, or those that nobody did"),
    "opened_after": (_MOMENT, "Opened at this time or later; with a time zone"),
    "opened_before": (_MOMENT, "Opened before this time; with a time zone"),
    "cursor": (_TOKEN, "`next_cursor` of the page before"),
    "limit": ({"type": "integer", "minimum": 1, "maximum": 200}, "The most items of a page"),
    "cameras_limit": ({"type": "integer", "minimum": 1, "maximum": 500}, "The most cameras of a page"),
    "cameras_cursor": (_CAMERA, "`next_cursor` of the page before"),
    "by": (_texts(*(each.value for each in StatisticsBy)), "What a bucket is; an hour if it is left out"),
    "format": (_texts("csv", "jsonl"), "csv if it is left out"),
    "clean": (_BOOLEAN, "The picture without boxes and zone"),
    "size": (_texts("full", "thumbnail"), "thumbnail: 240 px wide; a look at it is not noted"),
    "profile": (_texts(*(each.value for each in PictureProfile)), "How large the picture is"),
}
_PATH: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "camera_id": (_CAMERA, "A camera"),
    "event_id": (_TOKEN, "An event"),
    "token": ({"type": "string"}, "Of a signed link"),
    "name": ({"type": "string", "pattern": MODEL_NAME}, "A model of configs/models.yaml"),
}


def query_parameter(name: str) -> dict[str, Any]:
    """The parameter `name` after the question mark; all may be left out."""
    schema, description = _QUERY[name]
    return {
        "name": name.rpartition("_")[2] if name.startswith("cameras_") else name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": description,
    }


def path_parameter(name: str) -> dict[str, Any]:
    """The parameter `name` of a path."""
    schema, description = _PATH[name]
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}
