"""Acknowledging: by the API, and by the signed link in a message.

A link is opened with GET, also by mail scanners and by services that preview it: GET shows a page and changes nothing;
the page's button sends a POST.
"""

from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute

from cluster.notifications.links import ACKNOWLEDGE_PATH, LinkContent, LinkRefused
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeOutcome, AcknowledgeWay
from cluster.storage.records import StoredEvent
from deployments.ingress.access import entry
from deployments.ingress.acknowledge_page import question_page, refused_page
from deployments.ingress.acknowledging import Acknowledging, word
from deployments.ingress.answers import AcknowledgeAllAnswer, AcknowledgeAnswer
from deployments.ingress.asked import AcknowledgeAllBody, AcknowledgeBody, NothingBody
from deployments.ingress.audited import Audited
from deployments.ingress.documented import TEXT, Documented, documented
from deployments.ingress.documents import event_document
from deployments.ingress.event_reading import event_id_of, shown_event
from deployments.ingress.json_bodies import read_body, read_texts, read_texts_and_number
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.services import Services

_LONGEST = {"by": 80, "remark": 500}
_NO_STORE = {"Cache-Control": "no-store"}
_SAID = Documented(
    tag="events", summary="Acknowledge", answer=AcknowledgeAnswer, body=AcknowledgeBody,
    refusals=(400, 404, 409, 413, 415),
)  # fmt: skip
_ALL_SAID = Documented(
    tag="events", summary="Acknowledge many", answer=AcknowledgeAllAnswer, body=AcknowledgeAllBody,
    refusals=(400, 413, 415),
)  # fmt: skip
_HTML = "text/html"
_PAGE = Documented(
    tag="events", summary="The page behind a signed link", media={_HTML: TEXT}, others={404: _HTML, 410: _HTML}
)
_LINK = Documented(
    tag="events", summary="Acknowledge by a signed link", answer=AcknowledgeAnswer, body=NothingBody,
    refusals=(400, 404, 409, 410, 413, 415),
)  # fmt: skip


class AcknowledgeRoutes:
    """Reads who says what about which event; `Acknowledging` keeps it."""

    def __init__(self, services: Services, audited: Audited, limits: Limits) -> None:
        self._events, self._links, self._limits = services.events, services.links, limits
        self._acknowledging = Acknowledging(services.events, audited, limits)

    def routes(self) -> list[BaseRoute]:
        link = ACKNOWLEDGE_PATH + "{token}"
        return [
            documented("/api/v1/events/acknowledge", self.many, _ALL_SAID, "POST"),
            documented("/api/v1/events/{event_id}/acknowledge", self.by_name, _SAID, "POST"),
            documented(link, self.page, _PAGE),
            documented(link, self.by_link, _LINK, "POST"),
        ]

    async def by_name(self, request: Request) -> Response:
        """By who is signed in; otherwise by the name in `by`, which nobody verifies. 200 also if somebody was first:
        that word stays. 409 if there is newer news than `occurrence`, the one that the person has seen: nothing is
        acknowledged."""
        event_id = event_id_of(request)
        texts, seen = await read_texts_and_number(request, _LONGEST, "occurrence", self._limits)
        await self._shown(request, event_id)
        outcome = await self._acknowledging.one(word(request, event_id, texts["by"], texts["remark"], seen))
        await self._acknowledging.audit.done(entry(request, "event.acknowledge", event_id, outcome.value))
        _refuse_superseded(outcome, "there is newer news about this event; look at it first")
        return await self._answer(request, event_id, outcome)

    async def many(self, request: Request) -> Response:
        """At most 200 at once; the outcome of each, `unknown` for those that are not there or that you may not see."""
        body = await read_body(request, AcknowledgeAllBody, self._limits, self._limits.bulk_body_bytes)
        seen = body.occurrences or {}
        said = [
            word(request, event_id, body.by or "", body.remark or "", seen.get(event_id))
            for event_id in dict.fromkeys(body.event_ids)
        ]
        outcomes = await self._acknowledging.many(request, said)
        return JSONResponse({"outcomes": outcomes}, headers=_NO_STORE)

    async def page(self, request: Request) -> Response:
        """The page with the button; 404 for a link that is none of ours, 410 for one that has expired."""
        try:
            content = self._links.read(str(request.path_params["token"]), datetime.now(UTC))
        except LinkRefused as error:
            return HTMLResponse(refused_page(expired=error.expired), 410 if error.expired else 404, _NO_STORE)
        stored = await self._acknowledging.event(content.event_id)
        return HTMLResponse(question_page(stored, content), headers=_NO_STORE)

    async def by_link(self, request: Request) -> Response:
        """200 if somebody has acknowledged now; 409 if there is newer news, which this link does not acknowledge."""
        await read_texts(request, {}, self._limits)
        content = self._content(request)
        said = Acknowledgement(
            event_id=content.event_id, by=content.channel_id, remark="", way=AcknowledgeWay.LINK, at=datetime.now(UTC),
            occurrence=content.occurrence, channel_id=content.channel_id,
        )  # fmt: skip
        outcome = await self._acknowledging.one(said)
        who = f"link to {content.channel_id}"
        noted = replace(entry(request, "event.acknowledge", content.event_id, outcome.value), who=who)
        await self._acknowledging.audit.done(noted)
        _refuse_superseded(outcome, "there is newer news about this event; its own message has a link")
        stored = await self._acknowledging.event(content.event_id)
        return JSONResponse({"outcome": outcome.value, "event": event_document(stored)}, headers=_NO_STORE)

    def _content(self, request: Request) -> LinkContent:
        try:
            return self._links.read(str(request.path_params["token"]), datetime.now(UTC))
        except LinkRefused as error:
            raise Problem(410 if error.expired else 404, str(error)) from error

    async def _answer(self, request: Request, event_id: str, outcome: AcknowledgeOutcome) -> Response:
        stored = await self._shown(request, event_id)
        return JSONResponse({"outcome": outcome.value, "event": event_document(stored)}, headers=_NO_STORE)

    async def _shown(self, request: Request, event_id: str) -> StoredEvent:
        return await shown_event(request, self._events, event_id, self._limits.call_deadline_s)


def _refuse_superseded(outcome: AcknowledgeOutcome, reason: str) -> None:
    if outcome is AcknowledgeOutcome.SUPERSEDED:
        raise Problem(409, reason, outcome=outcome.value)
