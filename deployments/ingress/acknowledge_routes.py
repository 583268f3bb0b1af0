"""Acknowledging: by the API, and by the signed link in a message.

A link is opened with GET, also by mail scanners and by services that preview it: GET shows a page and changes nothing;
the page's button sends a POST.
"""

from dataclasses import replace
from datetime import UTC, datetime

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cluster.notifications.links import ACKNOWLEDGE_PATH, AcknowledgeLinks, LinkContent, LinkRefused
from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeOutcome, AcknowledgeWay
from cluster.storage.records import StoredEvent
from deployments.deadlines import bounded
from deployments.ingress import queries
from deployments.ingress.acknowledge_page import question_page, refused_page
from deployments.ingress.documents import event_document
from deployments.ingress.json_bodies import read_texts, read_texts_and_number
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.services import EventKeeper

_log = structlog.get_logger()
_NO_STORE = {"Cache-Control": "no-store"}
_LONGEST = {"by": 80, "remark": 500}


class AcknowledgeRoutes:
    """Asks the event store; each question has a deadline."""

    def __init__(self, events: EventKeeper, links: AcknowledgeLinks, limits: Limits) -> None:
        self._events, self._links, self._limits = events, links, limits

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/v1/events/{event_id}/acknowledge", self.by_name, methods=["POST"]),
            Route(ACKNOWLEDGE_PATH + "{token}", self.page, methods=["GET"]),
            Route(ACKNOWLEDGE_PATH + "{token}", self.by_link, methods=["POST"]),
        ]

    async def by_name(self, request: Request) -> Response:
        """`{"by": ..., "remark": ..., "occurrence": ...}`, all optional; who it is nobody verifies before sign-in is
        there. 200 also if somebody was first: that word stays. 409 if there is newer news than `occurrence`, the one
        that the person has seen: nothing is acknowledged."""
        event_id = queries.checked_path_id(request, "event_id", queries.token, "event")
        said, seen = await read_texts_and_number(request, _LONGEST, "occurrence", self._limits)
        word = replace(_word(event_id, AcknowledgeWay.API, said["by"], said["remark"]), occurrence=seen)
        outcome, stored = await self._acknowledge(word)
        if outcome is AcknowledgeOutcome.SUPERSEDED:
            raise Problem(409, "there is newer news about this event; look at it first", outcome=outcome.value)
        return JSONResponse({"outcome": outcome.value, "event": event_document(stored)}, headers=_NO_STORE)

    async def page(self, request: Request) -> Response:
        """The page with the button; 404 for a link that is none of ours, 410 for one that has expired."""
        try:
            content = self._links.read(str(request.path_params["token"]), datetime.now(UTC))
        except LinkRefused as error:
            return HTMLResponse(refused_page(expired=error.expired), 410 if error.expired else 404, _NO_STORE)
        return HTMLResponse(question_page(await self._stored(content.event_id), content), headers=_NO_STORE)

    async def by_link(self, request: Request) -> Response:
        """200 if somebody has acknowledged now; 409 if there is newer news, which this link does not acknowledge."""
        await read_texts(request, {}, self._limits)
        content = self._content(request)
        word = _word(content.event_id, AcknowledgeWay.LINK, by=content.channel_id, content=content)
        outcome, stored = await self._acknowledge(word)
        if outcome is AcknowledgeOutcome.SUPERSEDED:
            raise Problem(
                409, "there is newer news about this event; its own message has a link", outcome=outcome.value
            )
        return JSONResponse({"outcome": outcome.value, "event": event_document(stored)}, headers=_NO_STORE)

    def _content(self, request: Request) -> LinkContent:
        try:
            return self._links.read(str(request.path_params["token"]), datetime.now(UTC))
        except LinkRefused as error:
            raise Problem(410 if error.expired else 404, str(error)) from error

    async def _acknowledge(self, word: Acknowledgement) -> tuple[AcknowledgeOutcome, StoredEvent]:
        try:
            outcome = await bounded(self._events.acknowledge(word), self._limits.call_deadline_s)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer within {self._limits.call_deadline_s:g} s") from error
        stored = await self._stored(word.event_id)
        _log.info(
            "event_acknowledged",
            outcome=outcome.value,
            event_id=word.event_id,
            correlation_id=stored.event.correlation_id,
            camera_id=stored.event.camera_id,
            way=word.way.value,
            by=word.by,
        )
        return outcome, stored

    async def _stored(self, event_id: str) -> StoredEvent:
        try:
            stored = await bounded(self._events.get(event_id), self._limits.call_deadline_s)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer within {self._limits.call_deadline_s:g} s") from error
        if stored is None:
            raise Problem(404, f"there is no event {event_id!r}")
        return stored


def _word(
    event_id: str, way: AcknowledgeWay, by: str, remark: str = "", content: LinkContent | None = None
) -> Acknowledgement:
    return Acknowledgement(
        event_id=event_id,
        by=by,
        remark=remark,
        way=way,
        at=datetime.now(UTC),
        occurrence=content.occurrence if content else None,
        channel_id=content.channel_id if content else "",
    )
