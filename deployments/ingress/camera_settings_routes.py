"""`/api/v1/cameras`: their settings read, made, changed and deleted, and a source tried before it is saved."""

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from cluster.settings.cameras import CAMERA_ID, CameraSettings
from deployments.ingress.access import entry, principal_of
from deployments.ingress.audited import Audited
from deployments.ingress.camera_answers import SettingsAnswer, TrialAnswer, settings_answer
from deployments.ingress.camera_bodies import CameraBody, CameraChange, changed, new_camera
from deployments.ingress.camera_editing import CameraEditing
from deployments.ingress.camera_setup import Trial
from deployments.ingress.problems import Problem
from deployments.ingress.revisions import IfMatch, etag, expected_revision

CameraId = Annotated[str, Path(pattern=CAMERA_ID)]
_TRIED = "test"


class CameraSettingsRoutes:
    """Who may is said by `route_roles`; declared cameras answer 409 to every change."""

    def __init__(self, editing: CameraEditing, trial: Trial, audit: Audited) -> None:
        self._editing, self._trial, self._audit = editing, trial, audit
        self._trying = asyncio.Lock()

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api/v1/cameras", tags=["cameras"])
        add = router.add_api_route
        add("", self.create, methods=["POST"], status_code=201, response_model=SettingsAnswer)
        add("/test", self.test, methods=["POST"], response_model=TrialAnswer)
        add("/{camera_id}/settings", self.settings, methods=["GET"], response_model=SettingsAnswer)
        add("/{camera_id}", self.change, methods=["PATCH"], response_model=SettingsAnswer)
        add("/{camera_id}", self.delete, methods=["DELETE"], status_code=204)
        return router

    async def settings(self, response: Response, camera_id: CameraId) -> SettingsAnswer:
        """As configured, without what operators said over it. The ETag goes into `If-Match` of a change."""
        known = await self._editing.read(camera_id)
        _head(response, known.revision)
        return settings_answer(known)

    async def create(self, request: Request, response: Response, body: CameraBody) -> SettingsAnswer:
        """Runs within seconds. 409 if there is a camera of that id."""
        settings = await asyncio.to_thread(new_camera, body)
        if not principal_of(request).sees(settings.camera_id):
            raise Problem(403, f"camera {settings.camera_id} would be none of those that you may see")
        known = await self._editing.create(settings, principal_of(request).name)
        await self._audit.done(entry(request, "camera.create", settings.camera_id, settings.public_source))
        _head(response, known.revision)
        response.headers["Location"] = f"/api/v1/cameras/{settings.camera_id}"
        return settings_answer(known)

    async def change(
        self, request: Request, response: Response, camera_id: CameraId, body: CameraChange, if_match: IfMatch = None
    ) -> SettingsAnswer:
        """Only the keys that are given. A change of zones, name or detection loses no frame."""
        expected = expected_revision(if_match)
        known = await self._editing.change(camera_id, expected, lambda settings: changed(settings, body))
        what = ", ".join(sorted(body)) or "nothing"
        await self._audit.done(entry(request, "camera.change", camera_id, f"changed {what}"))
        _head(response, known.revision)
        return settings_answer(known)

    async def delete(self, request: Request, camera_id: CameraId, if_match: IfMatch = None) -> Response:
        """Its open episodes end as "switched off"; its events stay. What operators said of it ends."""
        await self._editing.delete(camera_id, expected_revision(if_match), principal_of(request).name)
        await self._audit.done(entry(request, "camera.delete", camera_id, "with its overrides"))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def test(self, request: Request, response: Response, body: CameraBody) -> TrialAnswer:
        """Opens the source and waits for a frame, 15 s at most; nothing is saved. With the id of a camera that there
        is, `***` stands for its password. One at a time."""
        settings = await self._to_be_tried(request, dict(body))
        if self._trying.locked():
            raise Problem(429, "another source is being tried; try again in a few seconds", retry_after="5")
        async with self._trying:
            await self._audit.first(entry(request, "camera.test", settings.camera_id, settings.public_source))
            await self._editing.check_source(settings)
            found = await self._trial(settings)
        response.headers["Cache-Control"] = "no-store"
        return TrialAnswer.model_validate(found)

    async def _to_be_tried(self, request: Request, body: CameraBody) -> CameraSettings:
        stored = None
        camera_id = str(body.setdefault("camera_id", _TRIED))
        is_one = re.fullmatch(CAMERA_ID, camera_id) is not None and principal_of(request).sees(camera_id)
        if "***" in str(body.get("source", "")) and is_one:
            known = await self._editing.read(camera_id)
            stored = known.settings.source if known.managed == "api" else None
        return await asyncio.to_thread(new_camera, body, stored)


def _head(response: Response, revision: int) -> None:
    response.headers["ETag"] = etag(revision)
    response.headers["Cache-Control"] = "no-store"
