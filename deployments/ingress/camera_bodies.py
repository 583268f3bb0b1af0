"""Cameras and zones that come through the API, read; every fault names its field."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Body
from pydantic import TypeAdapter, ValidationError, WithJsonSchema

from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.settings.source_secrets import kept
from deployments.ingress.problems import Problem

MOST_POINTS = 100
"""Of one polygon; whether it crosses itself is looked for between each two of its edges."""
ZONE_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
_LONGEST_NAME = 100
_ZONES: TypeAdapter[Zone] = TypeAdapter(Zone)
_NAMED_FIELD = re.compile(r"(?P<field>[a-z_]+)(?: = [^:]+)?: (?P<reason>.+)", re.DOTALL)


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without references into itself."""
    definitions = schema.get("$defs", {})

    def whole(node: Any) -> Any:
        if isinstance(node, list):
            return [whole(item) for item in node]
        if not isinstance(node, dict):
            return node
        rest = {key: whole(value) for key, value in node.items() if key not in ("$ref", "$defs")}
        return {**whole(definitions[node["$ref"].rpartition("/")[2]]), **rest} if "$ref" in node else rest

    found: dict[str, Any] = whole(schema)
    return found


_CAMERA_SCHEMA = _inlined(CameraSettings.model_json_schema())
_CHANGE_SCHEMA = {key: value for key, value in _CAMERA_SCHEMA.items() if key != "required"}
_ZONE_SCHEMA = _inlined(_ZONES.json_schema())
_NEW_ZONE_SCHEMA = {**_ZONE_SCHEMA, "required": ["polygon"]}

CameraBody = Annotated[dict[str, Any], Body(), WithJsonSchema(_CAMERA_SCHEMA)]
CameraChange = Annotated[dict[str, Any], Body(), WithJsonSchema(_CHANGE_SCHEMA)]
ZoneBody = Annotated[dict[str, Any], Body(), WithJsonSchema(_ZONE_SCHEMA)]
NewZoneBody = Annotated[dict[str, Any], Body(), WithJsonSchema(_NEW_ZONE_SCHEMA)]
DryRunBody = Annotated[
    dict[str, Any],
    Body(),
    WithJsonSchema({"type": "object", "properties": {"zone": _NEW_ZONE_SCHEMA}, "required": ["zone"]}),
]


def camera_of(values: Mapping[str, Any]) -> CameraSettings:
    """
    Raises:
        Problem: 400, naming the first wrong field.
    """
    _check_polygons(values)
    try:
        camera = CameraSettings.model_validate(dict(values))
    except ValidationError as error:
        raise _wrong(error) from error
    _check_name(camera.name, "name")
    for index, zone in enumerate(camera.zones):
        _check_zone(zone, f"zones.{index}.")
    return camera


def zone_of(values: Mapping[str, Any], prefix: str = "") -> Zone:
    """
    Raises:
        Problem: 400, naming the first wrong field behind `prefix`.
    """
    _check_points(values.get("polygon"), f"{prefix}polygon")
    try:
        zone = _ZONES.validate_python(dict(values))
    except ValidationError as error:
        raise _wrong(error, prefix) from error
    _check_zone(zone, prefix)
    return zone


def new_camera(values: Mapping[str, Any], stored: str | None = None) -> CameraSettings:
    """As `camera_of`, with the passwords of the address `stored` where `source` says `***`.

    Raises:
        Problem: 400, naming the first wrong field.
    """
    source = values.get("source")
    return camera_of({**values, "source": source_of(source, stored)} if isinstance(source, str) else values)


def changed(camera: CameraSettings, change: Mapping[str, Any]) -> CameraSettings:
    """`camera` with the keys of `change` instead; those of `picture_health` one by one; `***` keeps a password.

    Raises:
        Problem: 400, naming the first wrong field.
    """
    values = camera.model_dump(mode="json")
    if change.get("camera_id", camera.camera_id) != camera.camera_id:
        raise _field("camera_id", "cannot be changed; make another camera")
    for key, value in change.items():
        old = values.get(key)
        values[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    if isinstance(change.get("source"), str):
        values["source"] = source_of(change["source"], camera.source)
    return camera_of(values)


def source_of(given: str, stored: str | None) -> str:
    """`given`, with what is stored where it says `***`.

    Raises:
        Problem: 400.
    """
    try:
        return kept(given, stored)
    except ValueError as error:
        raise _field("source", str(error)) from error


def free_zone_id(camera: CameraSettings) -> str:
    """`zone-1`, or the next one that is free."""
    taken = {zone.zone_id for zone in camera.zones}
    return next(name for number in range(1, len(taken) + 2) if (name := f"zone-{number}") not in taken)


def _check_polygons(values: Mapping[str, Any]) -> None:
    masks, zones = values.get("privacy_masks"), values.get("zones")
    for index, mask in enumerate(masks if isinstance(masks, list) else []):
        _check_points(mask, f"privacy_masks.{index}")
    for index, zone in enumerate(zones if isinstance(zones, list) else []):
        _check_points(zone.get("polygon") if isinstance(zone, dict) else None, f"zones.{index}.polygon")


def _check_points(polygon: Any, field: str) -> None:
    if isinstance(polygon, list) and len(polygon) > MOST_POINTS:
        raise _field(field, f"has {len(polygon)} points, at most {MOST_POINTS} are taken")


def _check_zone(zone: Zone, prefix: str) -> None:
    if not re.fullmatch(ZONE_ID, zone.zone_id):
        raise _field(f"{prefix}zone_id", "is not 1 to 32 letters, digits, dots, dashes and underscores")
    _check_name(zone.name, f"{prefix}name")


def _check_name(name: str, field: str) -> None:
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise _field(field, f"is not at most {_LONGEST_NAME} printable characters")


def _wrong(error: ValidationError, prefix: str = "") -> Problem:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = [str(part) for part in fault["loc"]]
    reason = str(fault["msg"]).removeprefix("Value error, ")
    # What a zone or a camera says about itself begins with the name of the field.
    if fault["type"] == "value_error" and (named := _NAMED_FIELD.fullmatch(reason)):
        place, reason = [*place, named["field"]] if place[-1:] != [named["field"]] else place, named["reason"]
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        reason = "unknown key"
    # An unknown key may hold half of a sign, which no answer can say.
    field = f"{prefix}{'.'.join(place)}"[:80].encode(errors="replace").decode()
    return _field(field or "body", reason)


def _field(field: str, reason: str) -> Problem:
    return Problem(400, f"{field}: {reason}", field=field, reason=reason)
