"""`/api/v1/cameras/{camera_id}/zones`: drawn, changed, deleted, and tried on what was seen."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from deployments.ingress.access import entry
from deployments.ingress.audited import Audited
from deployments.ingress.camera_answers import DryRunAnswer, ZoneAnswer, ZonesAnswer, dry_run_answer, zones_answer
from deployments.ingress.camera_bodies import DryRunBody, NewZoneBody, ZoneBody, camera_of, free_zone_id, zone_of
from deployments.ingress.camera_editing import CameraEditing
from deployments.ingress.camera_settings_routes import CameraId
from deployments.ingress.camera_setup import SetupDirectory
from deployments.ingress.problems import Problem
from deployments.ingress.revisions import IfMatch, etag, expected_revision

_ZoneId = Annotated[str, Path(max_length=64)]
_DRAFT = "draft"


class ZoneRoutes:
    """A zone is a part of its camera's settings: the revision is the camera's, and a change takes effect in the running
    camera without a lost frame."""

    def __init__(self, editing: CameraEditing, directory: SetupDirectory, audit: Audited) -> None:
        self._editing, self._directory, self._audit = editing, directory, audit
        self._running = asyncio.Lock()

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api/v1/cameras/{camera_id}/zones", tags=["zones"])
        add = router.add_api_route
        add("", self.zones, methods=["GET"], response_model=ZonesAnswer)
        add("", self.create, methods=["POST"], status_code=201, response_model=ZoneAnswer)
        add("/dry-run", self.dry_run, methods=["POST"], response_model=DryRunAnswer)
        add("/{zone_id}", self.change, methods=["PUT"], response_model=ZoneAnswer)
        add("/{zone_id}", self.delete, methods=["DELETE"], status_code=204)
        return router

    async def zones(self, response: Response, camera_id: CameraId) -> ZonesAnswer:
        """In the order in which they were drawn. The ETag goes into `If-Match` of a change."""
        known = await self._editing.read(camera_id)
        _head(response, known.revision)
        return zones_answer(known)

    async def create(
        self, request: Request, response: Response, camera_id: CameraId, body: NewZoneBody, if_match: IfMatch = None
    ) -> ZoneAnswer:
        """A zone without `zone_id` gets one. 409 if there is one of that id."""
        made: list[Zone] = []

        def add(camera: CameraSettings) -> CameraSettings:
            zone = zone_of({"zone_id": free_zone_id(camera), **body})
            if _place(camera, zone.zone_id) is not None:
                raise Problem(409, f"camera {camera_id} has a zone {zone.zone_id!r} already", field="zone_id")
            made.append(zone)
            return _with(camera, (*camera.zones, zone))

        known = await self._editing.change(camera_id, expected_revision(if_match), add)
        return await self._done(request, response, "zone.create", camera_id, made[0], known.revision)

    async def change(
        self,
        request: Request,
        response: Response,
        camera_id: CameraId,
        zone_id: _ZoneId,
        body: ZoneBody,
        if_match: IfMatch = None,
    ) -> ZoneAnswer:
        """The whole zone anew; episodes of the other zones go on, and who is inside this one stays inside."""
        made: list[Zone] = []

        def put(camera: CameraSettings) -> CameraSettings:
            place = _place(camera, zone_id)
            if place is None:
                raise _unknown(camera_id, zone_id)
            zone = zone_of({"zone_id": zone_id, **body})
            if zone.zone_id != zone_id:
                raise Problem(400, "zone_id: cannot be changed; make another zone", field="zone_id")
            made.append(zone)
            return _with(camera, (*camera.zones[:place], zone, *camera.zones[place + 1 :]))

        known = await self._editing.change(camera_id, expected_revision(if_match), put)
        return await self._done(request, response, "zone.change", camera_id, made[0], known.revision)

    async def delete(
        self, request: Request, camera_id: CameraId, zone_id: _ZoneId, if_match: IfMatch = None
    ) -> Response:
        """Its open episodes end as "zone removed"; its events stay."""

        def drop(camera: CameraSettings) -> CameraSettings:
            if _place(camera, zone_id) is None:
                raise _unknown(camera_id, zone_id)
            return _with(camera, tuple(zone for zone in camera.zones if zone.zone_id != zone_id))

        known = await self._editing.change(camera_id, expected_revision(if_match), drop)
        await self._audit.done(entry(request, "zone.delete", f"{camera_id}/{zone_id}"))
        return Response(status_code=204, headers={"Cache-Control": "no-store", "ETag": etag(known.revision)})

    async def dry_run(self, response: Response, camera_id: CameraId, body: DryRunBody) -> DryRunAnswer:
        """What the zone would have told about the last ten minutes. It changes nothing, and may be asked of declared
        cameras too. One at a time."""
        given: Any = body.get("zone")
        if not isinstance(given, dict) or len(body) != 1:
            raise Problem(400, "zone: send an object with the key zone, and no other", field="zone")
        zone = await asyncio.to_thread(zone_of, {"zone_id": _DRAFT, **given}, "zone.")
        if self._running.locked():
            raise Problem(429, "another dry run is on its way; try again in a few seconds", retry_after="2")
        async with self._running:
            await self._editing.read(camera_id)
            told = await self._directory.dry_run(camera_id, zone)
        response.headers["Cache-Control"] = "no-store"
        return dry_run_answer(told)

    async def _done(
        self, request: Request, response: Response, action: str, camera_id: str, zone: Zone, revision: int
    ) -> ZoneAnswer:
        await self._audit.done(entry(request, action, f"{camera_id}/{zone.zone_id}", zone.kind.value))
        _head(response, revision)
        return ZoneAnswer(zone=zone, revision=revision)


def _with(camera: CameraSettings, zones: tuple[Zone, ...]) -> CameraSettings:
    return camera_of({**camera.model_dump(mode="json", exclude={"zones"}), "zones": zones})


def _place(camera: CameraSettings, zone_id: str) -> int | None:
    return next((index for index, zone in enumerate(camera.zones) if zone.zone_id == zone_id), None)


def _unknown(camera_id: str, zone_id: str) -> Problem:
    return Problem(404, f"camera {camera_id} has no zone {zone_id[:60]!r}")


def _head(response: Response, revision: int) -> None:
    response.headers["ETag"] = etag(revision)
    response.headers["Cache-Control"] = "no-store"
