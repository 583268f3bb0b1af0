"""`/api/v1/events`: what happened, its pictures, and the socket that tells what happens."""

from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from cluster.safety.errors import DatabaseUnavailable, SnapshotsUnavailable
from cluster.storage.records import EventFilter, Page, SnapshotState, StoredEvent
from cluster.storage.snapshots import clean_name
from deployments.deadlines import bounded
from deployments.ingress import queries
from deployments.ingress.documents import delivery_document, event_document
from deployments.ingress.event_view import EventView, check_cursor
from deployments.ingress.live import Live
from deployments.ingress.problems import Problem, wrong_parameter
from deployments.ingress.services import EventReader, MessageReader, SnapshotReader
from deployments.ingress.sockets import hold
from deployments.ingress.welcome import Options, welcome

Answer = TypeVar("Answer")

_NO_STORE = {"Cache-Control": "no-store"}
_PICTURE_NEVER_CHANGES = {"Cache-Control": "private, max-age=86400"}
_DEFAULT_LIMIT = 50
_FILTERS = {
    "camera_id": queries.camera_id,
    "zone_id": queries.short_text,
    "event_type": queries.event_type,
    "severity": queries.severity,
    "state": queries.state,
    "acknowledged": queries.yes_or_no,
    "opened_after": queries.moment,
    "opened_before": queries.moment,
}
_LIST = {**_FILTERS, "cursor": queries.token, "limit": queries.between(1, 200)}
_LIVE_OPTIONS = {"cursor": queries.between(0, 2**63 - 1)}


class EventRoutes:
    """Reads the event store and the snapshot store; each question has a deadline."""

    def __init__(self, events: EventReader, messages: MessageReader, snapshots: SnapshotReader, live: Live) -> None:
        self._events, self._messages, self._snapshots, self._live = events, messages, snapshots, live

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/v1/events", self.events),
            WebSocketRoute("/api/v1/events/live", self.live),
            Route("/api/v1/events/{event_id}", self.event),
            Route("/api/v1/events/{event_id}/snapshot.jpg", self.snapshot),
        ]

    async def events(self, request: Request) -> Response:
        """A page of events, newest first; `next_cursor` is null on the last page."""
        query = queries.read_query(request, _LIST)
        _check_span(request, query)
        page = await self._page(request, query.pop("cursor", None), query.pop("limit", _DEFAULT_LIMIT), query)
        document = {"events": [event_document(stored) for stored in page.items], "next_cursor": page.next_cursor}
        return JSONResponse(document, headers=_NO_STORE)

    async def event(self, request: Request) -> Response:
        """One event, and whom it was told."""
        queries.read_query(request, {})
        stored = await self._stored(request)
        told = await self._answered(self._messages.of_event(stored.event.event_id))
        document = {**event_document(stored), "notifications": [delivery_document(one) for one in told]}
        return JSONResponse(document, headers=_NO_STORE)

    async def snapshot(self, request: Request) -> Response:
        """The picture with boxes and zone, or with `clean=1` the one without; 503 while it is on its way."""
        clean = queries.read_query(request, {"clean": queries.yes_or_no}).get("clean", False)
        stored = await self._stored(request)
        name = _picture_name(stored)
        try:
            jpeg = await self._bounded_picture(clean_name(name) if clean else name)
        except KeyError as error:
            raise Problem(404, f"the picture of event {stored.event.event_id} is not in the store") from error
        return Response(jpeg, media_type="image/jpeg", headers=_PICTURE_NEVER_CHANGES)

    async def live(self, websocket: WebSocket) -> None:
        """JSON messages `event`, `status`, `heartbeat`; `cursor` resumes, 0 begins at the beginning."""
        await welcome(websocket, self._live, _LIVE_OPTIONS, partial(self._tell, websocket))

    async def _tell(self, websocket: WebSocket, options: Options) -> None:
        cursor, live = options.get("cursor"), self._live
        await check_cursor(cursor, live.changes)
        view = EventView(websocket, cursor, live.changes, live.limits)
        with live.changes.followed():
            await hold(websocket, live.stopping, live.limits, view.send(), view.receive())

    async def _page(self, request: Request, cursor: str | None, limit: int, wanted: Options) -> Page:
        try:
            return await self._answered(self._events.list(EventFilter(**wanted), cursor, limit))
        except ValueError as error:
            raise wrong_parameter(request, "cursor", cursor or "", "is none that a page of events gave") from error

    async def _stored(self, request: Request) -> StoredEvent:
        event_id = queries.checked_path_id(request, "event_id", queries.token, "event")
        stored = await self._answered(self._events.get(event_id))
        if stored is None:
            raise Problem(404, f"there is no event {event_id!r}")
        return stored

    async def _answered(self, asking: Awaitable[Answer]) -> Answer:
        try:
            return await bounded(asking, self._live.limits.call_deadline_s)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer within {self._live.limits.call_deadline_s:g} s") from error

    async def _bounded_picture(self, name: str) -> bytes:
        try:
            return await bounded(self._snapshots.get(name), self._live.limits.call_deadline_s)
        except TimeoutError as error:
            raise SnapshotsUnavailable(f"no answer within {self._live.limits.call_deadline_s:g} s") from error


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


def _check_span(request: Request, query: Options) -> None:
    after, before = query.get("opened_after"), query.get("opened_before")
    if after is not None and before is not None and after >= before:
        text = request.query_params["opened_after"]
        raise wrong_parameter(request, "opened_after", text, "is not earlier than opened_before")
