"""`/api/rois` of the desktop client: what it calls a ROI is a zone."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from cluster.settings.desktop_client import DesktopClientSettings
from cluster.storage.whole_numbers import NumberKind
from deployments.ingress.desktop.bodies import SentZone, in_shares, read_body
from deployments.ingress.desktop.camera_calls import Report, camera_named, reports_of
from deployments.ingress.desktop.documents import Size, points_of, size_of, zone_of
from deployments.ingress.desktop.gate import Caller
from deployments.ingress.desktop.numbers import zone_name
from deployments.ingress.problems import Problem

_AT_ONCE = 8
Zone = Mapping[str, Any]


class ZoneCalls:
    """Zones have no switch of their own: who wants one off deletes it, or switches the camera's detection off."""

    def __init__(self, settings: DesktopClientSettings) -> None:
        self._profile = settings.profile

    async def all(self, caller: Caller, request: Request) -> Any:
        """Of one camera, or of all; all of them are active."""
        if text := request.query_params.get("camera_id"):
            camera_id = await camera_named(caller, _whole(text, "camera_id"))
            return await self._of((await caller.api.get(f"/cameras/{camera_id}")).document, caller)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def of(report: Report) -> list[dict[str, Any]]:
            async with limit:
                return await self._of(report, caller)

        found = await asyncio.gather(*(of(report) for report in await reports_of(caller)))
        return [zone for zones in found for zone in zones]

    async def create(self, caller: Caller, request: Request) -> Any:
        sent = await read_body(request, SentZone)
        if sent.camera_id is None or sent.points is None:
            raise Problem(422, "camera_id and points: both are needed")
        camera_id = await camera_named(caller, sent.camera_id)
        polygon = in_shares(sent.points, await self._size(caller, camera_id))
        zone = {"zone_id": f"zone-{uuid.uuid4().hex[:8]}", "name": sent.name or "", "kind": sent.zone_type or "warning"}
        known = await caller.api.get(f"/cameras/{camera_id}/zones")
        await caller.api.ask("POST", f"/cameras/{camera_id}/zones", body={**zone, "polygon": polygon}, etag=known.etag)
        return await self._one(caller, camera_id, zone["zone_id"])

    async def change(self, caller: Caller, request: Request) -> Any:
        camera_id, zone_id = await _zone_named(caller, request.path_params["id"])
        sent = await read_body(request, SentZone)
        if sent.is_active is False:
            raise Problem(409, "a zone cannot be switched off; delete it, or switch the camera off")
        known = await caller.api.get(f"/cameras/{camera_id}/zones")
        zone = _found(known.document["zones"], zone_id)
        changes = _changes(sent, zone, await self._size(caller, camera_id))
        if changes:
            path = f"/cameras/{camera_id}/zones/{zone_id}"
            await caller.api.ask("PUT", path, body={**zone, **changes}, etag=known.etag)
        return await self._one(caller, camera_id, zone_id)

    async def delete(self, caller: Caller, request: Request) -> Any:
        camera_id, zone_id = await _zone_named(caller, request.path_params["id"])
        known = await caller.api.get(f"/cameras/{camera_id}/zones")
        await caller.api.ask("DELETE", f"/cameras/{camera_id}/zones/{zone_id}", etag=known.etag)
        return {"deleted": True}

    async def _of(self, report: Report, caller: Caller) -> list[dict[str, Any]]:
        camera_id = str(report["camera_id"])
        zones: Sequence[Zone] = (await caller.api.get(f"/cameras/{camera_id}/zones")).document["zones"]
        names = {zone["zone_id"]: zone_name(camera_id, zone["zone_id"]) for zone in zones}
        numbers = await caller.numbers.of(NumberKind.ZONE, list(names.values()))
        camera, size = await caller.numbers.one(NumberKind.CAMERA, camera_id), size_of(report, self._profile)
        return [zone_of(numbers[names[zone["zone_id"]]], camera, zone, size) for zone in zones]

    async def _one(self, caller: Caller, camera_id: str, zone_id: str) -> dict[str, Any]:
        number = await caller.numbers.one(NumberKind.ZONE, zone_name(camera_id, zone_id))
        zones = await self._of((await caller.api.get(f"/cameras/{camera_id}")).document, caller)
        return next(zone for zone in zones if zone["id"] == number.number)

    async def _size(self, caller: Caller, camera_id: str) -> Size:
        return size_of((await caller.api.get(f"/cameras/{camera_id}")).document, self._profile)


async def _zone_named(caller: Caller, number: Any) -> tuple[str, str]:
    """(camera_id, zone_id) that the client means, if the caller may see the camera."""
    camera_id, _, zone_id = (await caller.numbers.name(NumberKind.ZONE, int(number))).partition("/")
    if not caller.principal.sees(camera_id):
        raise Problem(404, f"there is no zone {number}")
    return camera_id, zone_id


def _found(zones: Sequence[Zone], zone_id: str) -> Zone:
    for zone in zones:
        if zone["zone_id"] == zone_id:
            return zone
    raise Problem(404, f"there is no zone {zone_id[:80]!r}")


def _changes(sent: SentZone, zone: Zone, size: Size) -> dict[str, Any]:
    """What differs. Points that come back as they were shown leave the polygon as it is, to the last digit."""
    changes: dict[str, Any] = {}
    if sent.name is not None and sent.name != (zone["name"] or zone["zone_id"]):
        changes["name"] = sent.name
    if sent.zone_type is not None and sent.zone_type != zone["kind"]:
        changes["kind"] = sent.zone_type
    if sent.points is not None and [point.model_dump() for point in sent.points] != points_of(zone["polygon"], size):
        changes["polygon"] = in_shares(sent.points, size)
    return changes


def _whole(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 10:
        raise Problem(422, f"{name}: is not a whole number")
    return int(text)
