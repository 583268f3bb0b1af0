"""`/api/v1/events`: what happened, its pictures, and the socket that tells what happens."""

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from cluster.accounts.audit import AuditEntry
from cluster.safety.errors import SnapshotsUnavailable
from cluster.storage.records import EventFilter, Page, SnapshotState, StoredEvent
from cluster.storage.snapshots import clean_name
from deployments.deadlines import bounded
from deployments.ingress import queries
from deployments.ingress.access import entry, principal_of
from deployments.ingress.answers import EventPage, ToldEvent
from deployments.ingress.documented import BYTES, Documented, documented
from deployments.ingress.documents import delivery_document, event_document
from deployments.ingress.event_filters import FILTERS, read_filters
from deployments.ingress.event_reading import answered, event_id_of, shown_event
from deployments.ingress.event_view import EventView, check_cursor
from deployments.ingress.live import Live
from deployments.ingress.problems import Problem, wrong_parameter
from deployments.ingress.services import Services
from deployments.ingress.sockets import hold
from deployments.ingress.welcome import Options, welcome

_NO_STORE = {"Cache-Control": "no-store"}
_PICTURE_NEVER_CHANGES = {"Cache-Control": "private, max-age=86400", "Vary": "Cookie, Authorization"}
_DEFAULT_LIMIT = 50
_PAGE = {"cursor": queries.token, "limit": queries.between(1, 200)}
_LIST = Documented("events", "Events, newest first", EventPage, query=(*FILTERS, *_PAGE), refusals=(400,))
_ONE = Documented("events", "One event, and whom it was told", ToldEvent, refusals=(400, 404))
_SNAPSHOT = Documented(
    "events", "The picture of an event", media={"image/jpeg": BYTES}, query=("clean",), refusals=(400, 404, 503)
)
_LIVE_OPTIONS = {"cursor": queries.between(0, 2**63 - 1)}


class EventRoutes:
    """Reads the event store and the snapshot store; each question has a deadline."""

    def __init__(self, services: Services, live: Live) -> None:
        self._events, self._messages, self._snapshots = services.events, services.messages, services.snapshots
        self._audit, self._live, self._deadline_s = services.audit, live, live.limits.call_deadline_s

    def routes(self) -> list[BaseRoute]:
        return [
            documented("/api/v1/events", self.events, _LIST),
            WebSocketRoute("/api/v1/events/live", self.live),
            documented("/api/v1/events/{event_id}", self.event, _ONE),
            documented("/api/v1/events/{event_id}/snapshot.jpg", self.snapshot, _SNAPSHOT),
        ]

    async def events(self, request: Request) -> Response:
        """A page of events, newest first; `next_cursor` is null on the last page."""
        wanted, paging = read_filters(request, _PAGE)
        page = await self._page(request, wanted, paging.get("cursor"), paging.get("limit", _DEFAULT_LIMIT))
        document = {"events": [event_document(stored) for stored in page.items], "next_cursor": page.next_cursor}
        return JSONResponse(document, headers=_NO_STORE)

    async def event(self, request: Request) -> Response:
        """One event, and whom it was told."""
        queries.read_query(request, {})
        stored = await self._stored(request)
        told = await answered(self._messages.of_event(stored.event.event_id), self._deadline_s)
        document = {**event_document(stored), "notifications": [delivery_document(one) for one in told]}
        return JSONResponse(document, headers=_NO_STORE)

    async def snapshot(self, request: Request) -> Response:
        """The picture with boxes and zone, or with `clean=1` the one without; 503 while it is on its way."""
        clean = queries.read_query(request, {"clean": queries.yes_or_no}).get("clean", False)
        stored = await self._stored(request)
        name = _picture_name(stored)
        try:
            jpeg = await self._picture(clean_name(name) if clean else name)
        except KeyError as error:
            raise Problem(404, f"the picture of event {stored.event.event_id} is not in the store") from error
        await answered(self._audit.record(_viewed(request, stored, clean)), self._deadline_s)
        return Response(jpeg, media_type="image/jpeg", headers=_PICTURE_NEVER_CHANGES)

    async def live(self, websocket: WebSocket) -> None:
        """JSON messages `event`, `status`, `heartbeat`; `cursor` resumes, 0 begins at the beginning."""
        await welcome(websocket, self._live, _LIVE_OPTIONS, partial(self._tell, websocket))

    async def _tell(self, websocket: WebSocket, options: Options) -> None:
        cursor, live = options.get("cursor"), self._live
        await check_cursor(cursor, live.changes)
        view = EventView(websocket, cursor, live.changes, live.limits, principal_of(websocket))
        with live.changes.followed():
            await hold(websocket, live.stopping, live.limits, view.send(), view.receive())

    async def _page(self, request: Request, wanted: EventFilter, cursor: str | None, limit: int) -> Page:
        try:
            return await answered(self._events.list(wanted, cursor, limit), self._deadline_s)
        except ValueError as error:
            raise wrong_parameter(request, "cursor", cursor or "", "is none that a page of events gave") from error

    async def _stored(self, request: Request) -> StoredEvent:
        return await shown_event(request, self._events, event_id_of(request), self._deadline_s)

    async def _picture(self, name: str) -> bytes:
        try:
            return await bounded(self._snapshots.get(name), self._deadline_s)
        except TimeoutError as error:
            raise SnapshotsUnavailable(f"no answer within {self._deadline_s:g} s") from error


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
