"""`/api/v1/events/export`: events as a file, a page after the other, so that the table never lies in memory."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.redaction import redact
from cluster.storage.records import EventFilter, Page
from deployments.ingress.access import entry
from deployments.ingress.documented import TEXT, Documented, documented
from deployments.ingress.event_filters import FILTERS, read_filters
from deployments.ingress.event_lines import FORMATS, FileFormat
from deployments.ingress.event_reading import answered
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.queries import one_of
from deployments.ingress.services import Services

_log = structlog.get_logger()
_FORMAT = {"format": one_of(list(FORMATS))}


class ExportBrokeOff(Exception):
    """Ends an answer that has begun: the reader sees that it is not whole, because its last chunk never comes."""


class ExportRoutes:
    """At most `limits.exports` at once, each of at most `limits.export_events`.

    Serve's send queue has no end: what a slow reader has not taken yet lies in memory, so that both are bounded.
    """

    def __init__(self, services: Services, limits: Limits) -> None:
        self._events, self._audit, self._limits = services.events, services.audit, limits
        self._running = 0

    def routes(self) -> list[BaseRoute]:
        said = Documented(
            tag="events",
            summary="Events as a file, newest first",
            media={"text/csv": TEXT, "application/x-ndjson": TEXT},
            query={**_FORMAT, **FILTERS},
            refusals=(400,),
        )
        return [documented("/api/v1/events/export", self.export, said)]

    async def export(self, request: Request) -> Response:
        """`format` csv (UTF-8 with its mark, for spreadsheets) or jsonl (the events of the API, one a line). 400 for
        more than 100,000 events. Who exported what stands in the audit."""
        wanted, given = read_filters(request, _FORMAT)
        if self._running >= self._limits.exports:
            raise Problem(503, f"{self._running} exports are running, try again later")
        return await self._begun(request, wanted, FORMATS[given.get("format", "csv")])

    @contextmanager
    def place(self) -> Iterator[None]:
        """One export more until the block ends.

        Raises:
            Problem: 503, as many as may run began while this one was counted and noted.
        """
        if self._running >= self._limits.exports:
            raise Problem(503, f"{self._running} exports are running, try again later")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _begun(self, request: Request, wanted: EventFilter, form: FileFormat) -> Response:
        """Whatever can be refused is refused here, before the first byte; who exports is noted before he has any."""
        limits = self._limits
        count = await answered(self._events.count(wanted, limits.export_events + 1), limits.call_deadline_s)
        if count > limits.export_events:
            raise Problem(400, f"there are more than {limits.export_events} events; ask for a shorter time")
        first = await self._page(wanted, None)
        asked = redact(request.url.query)[:300]
        said = entry(request, "events.export", detail=f"{count} events as {form.suffix}: {asked or 'all'}")
        await answered(self._audit.record(said), limits.call_deadline_s)
        name = f"events-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form.suffix}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return _ExportResponse(self, self._lines(wanted, first, form), form.media_type, headers)

    async def _lines(self, wanted: EventFilter, page: Page, form: FileFormat) -> AsyncIterator[bytes]:
        yield (form.begin + form.lines(page.items)).encode()
        while page.next_cursor is not None:
            try:
                page = await self._page(wanted, page.next_cursor)
            except DatabaseUnavailable as error:
                _log.error("export_broke_off", reason=str(error))
                raise ExportBrokeOff(str(error)) from error
            yield form.lines(page.items).encode()

    async def _page(self, wanted: EventFilter, cursor: str | None) -> Page:
        asking = self._events.list(wanted, cursor, self._limits.export_page)
        return await answered(asking, self._limits.call_deadline_s)


class _ExportResponse(StreamingResponse):
    """Takes a place for as long as it runs, and gives it back however it ends."""

    def __init__(self, owner: ExportRoutes, lines: AsyncIterator[bytes], kind: str, headers: dict[str, str]) -> None:
        super().__init__(lines, media_type=kind, headers=headers)
        self._owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._owner.place():
            await super().__call__(scope, receive, send)
