"""`/api/v1/events/{event_id}/snapshot.jpg`: the evidence. Each look at it is noted; a thumbnail in a list is none."""

import asyncio
import hashlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from cluster.accounts.audit import AuditEntry
from cluster.safety.errors import SnapshotsUnavailable
from cluster.storage.records import SnapshotState, StoredEvent
from cluster.storage.snapshots import clean_name
from deployments.deadlines import bounded
from deployments.ingress import queries
from deployments.ingress.access import entry
from deployments.ingress.audited import Audited
from deployments.ingress.documented import BYTES, Documented, documented
from deployments.ingress.event_reading import event_id_of, shown_event
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.services import Services
from deployments.ingress.thumbnails import thumbnail_of

_THUMBNAIL = "thumbnail"
_QUERY = {"clean": queries.yes_or_no, "size": queries.one_of([_THUMBNAIL, "full"])}
_PRIVATE = {"Vary": "Cookie, Authorization"}
_NEVER_CHANGES = {**_PRIVATE, "Cache-Control": "private, max-age=86400"}
_ASKED_EACH_TIME = {**_PRIVATE, "Cache-Control": "private, no-cache"}
_SNAPSHOT = Documented(
    "events", "The picture of an event", media={"image/jpeg": BYTES}, query=("clean", "size"), refusals=(400, 404, 503)
)
_THUMBNAILS_AT_ONCE = 2


class PictureRoutes:
    """Reads the snapshot store; each question has a deadline."""

    def __init__(self, services: Services, audit: Audited, limits: Limits) -> None:
        self._events, self._snapshots, self._audit = services.events, services.snapshots, audit
        self._deadline_s = limits.call_deadline_s
        self._shrinking = asyncio.Semaphore(_THUMBNAILS_AT_ONCE)

    def routes(self) -> list[BaseRoute]:
        return [documented("/api/v1/events/{event_id}/snapshot.jpg", self.snapshot, _SNAPSHOT)]

    async def snapshot(self, request: Request) -> Response:
        """The picture with boxes and zone, or with `clean=1` the one without; 503 while it is on its way. A browser
        asks for it at each look, which is noted (304 too). `size=thumbnail` is small, kept by browsers, not noted."""
        query = queries.read_query(request, _QUERY)
        clean = query.get("clean", False)
        stored = await shown_event(request, self._events, event_id_of(request), self._deadline_s)
        name = clean_name(_picture_name(stored)) if clean else _picture_name(stored)
        if query.get("size") == _THUMBNAIL:
            jpeg = await self._thumbnail(stored, await self._picture(stored, name))
            return Response(jpeg, media_type="image/jpeg", headers=_NEVER_CHANGES)
        return await self._looked_at(request, stored, name, clean=clean)

    async def _looked_at(self, request: Request, stored: StoredEvent, name: str, *, clean: bool) -> Response:
        # Under one name there is one picture, so that the name says whether the browser has it.
        etag = f'"{hashlib.sha256(name.encode()).hexdigest()[:32]}"'
        headers = {**_ASKED_EACH_TIME, "ETag": etag}
        has_it = etag in request.headers.get("if-none-match", "")
        jpeg = b"" if has_it else await self._picture(stored, name)
        await self._audit.first(_viewed(request, stored, clean))
        if has_it:
            return Response(status_code=304, headers=headers)
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    async def _picture(self, stored: StoredEvent, name: str) -> bytes:
        try:
            return await bounded(self._snapshots.get(name), self._deadline_s)
        except TimeoutError as error:
            raise SnapshotsUnavailable(f"no answer within {self._deadline_s:g} s") from error
        except KeyError as error:
            raise Problem(404, f"the picture of event {stored.event.event_id} is not in the store") from error

    async def _thumbnail(self, stored: StoredEvent, jpeg: bytes) -> bytes:
        async with self._shrinking:
            try:
                return await asyncio.to_thread(thumbnail_of, jpeg)
            except ValueError as error:
                raise Problem(404, f"the picture of event {stored.event.event_id}: {error}") from error


def _picture_name(stored: StoredEvent) -> str:
    """Name of the drawn picture.

    Raises:
        Problem: 503 while it is on its way, 404 if there is none or never will be.
    """
    event_id = stored.event.event_id
    if stored.snapshot_state is SnapshotState.PENDING:
        raise Problem(503, f"the picture of event {event_id} is on its way, try again", snapshot="pending")
    if stored.snapshot_name is None:
        lost = stored.snapshot_state is SnapshotState.LOST
        reason = "was lost" if lost else "does not exist"
        raise Problem(404, f"the picture of event {event_id} {reason}", snapshot=stored.snapshot_state.value)
    return stored.snapshot_name


def _viewed(request: Request, stored: StoredEvent, clean: bool) -> AuditEntry:
    """Without boxes and without the zone it is told apart: it is the picture to print."""
    detail = f"camera {stored.event.camera_id}{', without boxes' if clean else ''}"
    return entry(request, "snapshot.view", stored.event.event_id, detail)
