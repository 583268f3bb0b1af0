"""`POST /api/v1/client-logs`: the page tells what went wrong in a browser that nobody else looks into."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from cluster.accounts.principal import Principal, Role
from deployments.ingress.access import needs
from deployments.ingress.client_log import ClientEntry, LinesAMinute, Teller, write_down
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LogEntry(_Foreign):
    """One fault of a page."""

    level: Literal["error", "warning", "info"]
    event: str = Field(min_length=1, max_length=80)
    message: str = Field("", max_length=1000)
    url: str = Field("", max_length=500)
    stack: str = Field("", max_length=4000)
    at: datetime | None = None
    """When it happened, by the client's clock."""


class LogEntries(_Foreign):
    """What a page has to tell."""

    entries: list[LogEntry] = Field(min_length=1, max_length=20)


class ClientLogRoutes:
    """Takes lines of pages, so many a minute."""

    def __init__(self, limits: Limits) -> None:
        self._lines = LinesAMinute(limits.client_lines_a_minute, limits.all_client_lines_a_minute)

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api/v1", tags=["client"])
        router.add_api_route(
            "/client-logs", self.tell, methods=["POST"], status_code=204, summary="Tell faults of a page"
        )
        return router

    async def tell(
        self, request: Request, said: LogEntries, principal: Annotated[Principal, Depends(needs(Role.VIEWER))]
    ) -> Response:
        """Each entry becomes a line of the server's log. 429 if nothing of it had room in this minute."""
        teller = Teller(principal.name, request.client.host if request.client else "")
        granted = self._lines.take(teller, len(said.entries))
        if not granted:
            raise Problem(429, "too many lines in a minute, try again later")
        entries = [ClientEntry(**entry.model_dump()) for entry in said.entries[:granted]]
        write_down(teller, entries, untold=len(said.entries) - granted)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
