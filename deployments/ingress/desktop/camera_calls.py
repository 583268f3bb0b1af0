"""`/api/cameras` and `/api/stream` of the desktop client."""

import base64
import re
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from cluster.safety.pictures import LivePicture
from cluster.settings.desktop_client import DesktopClientSettings
from cluster.storage.whole_numbers import NumberKind
from deployments.ingress.blindness import is_blind
from deployments.ingress.desktop.bodies import SentCamera, read_body
from deployments.ingress.desktop.documents import camera_of, detection_of, size_of, source_type
from deployments.ingress.desktop.gate import Caller
from deployments.ingress.documents import instant
from deployments.ingress.live import Live
from deployments.ingress.problems import Problem
from deployments.ingress.queries import yes_or_no

_REASON = "desktop client"
_ID_ROOM = 23
"""Characters of a name that go into a camera's id, which has 32, beside what makes it the only one."""

Report = Mapping[str, Any]


class CameraCalls:
    """Declared cameras refuse every change but `is_active`, as everywhere: that one is an override."""

    def __init__(self, live: Live, settings: DesktopClientSettings) -> None:
        self._live, self._settings = live, settings

    async def all(self, caller: Caller, request: Request) -> Any:
        reports = await reports_of(caller)
        numbers = await caller.numbers.of(NumberKind.CAMERA, [report["camera_id"] for report in reports])
        cameras = [camera_of(numbers[report["camera_id"]], report) for report in reports]
        only_active = flag(request, "active_only")
        return [camera for camera in cameras if camera["is_active"] or not only_active]

    async def one(self, caller: Caller, request: Request) -> Any:
        camera_id = await camera_named(caller, request.path_params["id"])
        return await self._camera(caller, camera_id)

    async def create(self, caller: Caller, request: Request) -> Any:
        sent = await read_body(request, SentCamera)
        if not sent.name or not sent.source:
            raise Problem(422, "name and source: both are needed")
        camera_id = _new_id(sent.name)
        body = {"camera_id": camera_id, "name": sent.name, "source": sent.source, "loop": sent.source_type == "file"}
        await caller.api.ask("POST", "/cameras", body=body | {"enabled": sent.is_active is not False})
        return await self._camera(caller, camera_id, made=sent)

    async def change(self, caller: Caller, request: Request) -> Any:
        camera_id = await camera_named(caller, request.path_params["id"])
        sent = await read_body(request, SentCamera)
        before = await self._camera(caller, camera_id)
        if sent.is_active is not None and sent.is_active != before["is_active"]:
            body = {"value": sent.is_active, "until": None, "reason": _REASON}
            await caller.api.ask("PUT", f"/cameras/{camera_id}/overrides/enabled", body=body)
        changes = {key: value for key in ("name", "source") if (value := getattr(sent, key)) not in (None, before[key])}
        if changes:
            settings = await caller.api.get(f"/cameras/{camera_id}/settings")
            await caller.api.ask("PATCH", f"/cameras/{camera_id}", body=changes, etag=settings.etag)
        return await self._camera(caller, camera_id) | _said(sent)

    async def delete(self, caller: Caller, request: Request) -> Any:
        camera_id = await camera_named(caller, request.path_params["id"])
        settings = await caller.api.get(f"/cameras/{camera_id}/settings")
        await caller.api.ask("DELETE", f"/cameras/{camera_id}", etag=settings.etag)
        return {"deleted": True}

    async def info(self, caller: Caller, request: Request) -> Any:
        """What is known of the stream. Every source is live here, a file too."""
        camera_id = await camera_named(caller, request.path_params["id"])
        report = (await caller.api.get(f"/cameras/{camera_id}")).document
        width, height = size_of(report, self._settings.profile)
        return {
            "camera_id": int(request.path_params["id"]),
            "width": width,
            "height": height,
            "fps": report["capture_fps"],
            "total_frames": 0,
            "total_duration_ms": 0,
            "is_live": True,
            "status": report["status"],
            "reason": report["reason"],
        }

    async def snapshot(self, caller: Caller, request: Request) -> Any:
        """The newest picture; 503 from a blind camera, never an old one."""
        camera_id = await camera_named(caller, request.path_params["id"])
        await caller.api.get(f"/cameras/{camera_id}")
        picture = await self._picture(camera_id)
        return {
            "camera_id": int(request.path_params["id"]),
            "frame": base64.b64encode(picture.jpeg).decode(),
            "width": picture.width,
            "height": picture.height,
            "timestamp": instant(picture.captured_at),
            "detection": detection_of(picture) if flag(request, "with_detection") else None,
        }

    async def _picture(self, camera_id: str) -> LivePicture:
        limits = self._live.limits
        async with self._live.pullers.watch(camera_id, self._settings.profile, self._settings.fps) as puller:
            shown = await puller.newer_than(0, limits.first_picture_s)
        if shown is None:
            raise Problem(503, f"camera {camera_id}: no picture within {limits.first_picture_s:g} s")
        if is_blind(shown.picture):
            raise Problem(503, f"camera {camera_id} is {shown.picture.status}: {shown.picture.reason}")
        return shown.picture

    async def _camera(self, caller: Caller, camera_id: str, made: SentCamera | None = None) -> dict[str, Any]:
        """The camera as its report shows it; one that was made this moment as it was `made`, until there is one."""
        number = await caller.numbers.one(NumberKind.CAMERA, camera_id)
        try:
            report = (await caller.api.get(f"/cameras/{camera_id}")).document
        except Problem as problem:
            if made is None or problem.status != 404:
                raise
            report = {"name": made.name, "source": "", "status": "CONNECTING", "since": instant(number.given_at)}
            report["camera_id"] = camera_id
        document = camera_of(number, report)
        return document if made is None else document | {"source_type": source_type(made.source or "")}


async def reports_of(caller: Caller) -> list[Report]:
    """Of the cameras that the caller may see."""
    return list((await caller.api.get("/cameras")).document["cameras"])


async def camera_named(caller: Caller, number: Any) -> str:
    """The camera that the client means, if the caller may see it.

    Raises:
        Problem: 404.
    """
    camera_id = await caller.numbers.name(NumberKind.CAMERA, int(number))
    if not caller.principal.sees(camera_id):
        raise Problem(404, f"there is no camera {number}")
    return camera_id


def flag(request: Request, name: str) -> bool:
    """A yes or no of the query; absent is no.

    Raises:
        Problem: 422, it is neither.
    """
    try:
        return bool(yes_or_no(request.query_params.get(name, "false").lower()))
    except ValueError as error:
        raise Problem(422, f"{name}: {error}") from error


def _said(sent: SentCamera) -> dict[str, Any]:
    """What was changed and will stand in the next report."""
    return sent.model_dump(include={"name", "is_active"}, exclude_none=True)


def _new_id(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_ID_ROOM].strip("-") or "camera"
    return f"{slug}-{uuid.uuid4().hex[:8]}"
