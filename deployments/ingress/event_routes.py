"""`/api/v1/events`: what happened, and the socket that tells what happens."""

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from cluster.storage.records import EventFilter, Page, StoredEvent
from deployments.ingress import queries
from deployments.ingress.access import principal_of
from deployments.ingress.answers import EventPage, ToldEvent
from deployments.ingress.documented import Documented, documented
from deployments.ingress.documents import delivery_document, event_document
from deployments.ingress.event_filters import FILTERS, read_filters
from deployments.ingress.event_reading import answered, event_id_of, shown_event
from deployments.ingress.event_view import EventView, check_cursor
from deployments.ingress.live import Live
from deployments.ingress.problems import wrong_parameter
from deployments.ingress.services import Services
from deployments.ingress.sockets import hold
from deployments.ingress.welcome import Options, welcome

_NO_STORE = {"Cache-Control": "no-store"}
_DEFAULT_LIMIT = 50
_PAGE = {"cursor": queries.token, "limit": queries.between(1, 200)}
_LIST = Documented("events", "Events, newest first", EventPage, query=(*FILTERS, *_PAGE), refusals=(400,))
_ONE = Documented("events", "One event, and whom it was told", ToldEvent, refusals=(400, 404))
_LIVE_OPTIONS = {"cursor": queries.between(0, 2**63 - 1)}


class EventRoutes:
    """Reads the event store; each question has a deadline."""

    def __init__(self, services: Services, live: Live) -> None:
        self._events, self._messages = services.events, services.messages
        self._live, self._deadline_s = live, live.limits.call_deadline_s

    def routes(self) -> list[BaseRoute]:
        return [
            documented("/api/v1/events", self.events, _LIST),
            WebSocketRoute("/api/v1/events/live", self.live),
            documented("/api/v1/events/{event_id}", self.event, _ONE),
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
