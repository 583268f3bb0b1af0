"""Who may use the address of a desktop client: whoever carries its token, which can be revoked like any other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from cluster.accounts.credential import Credential
from cluster.accounts.principal import Principal, Role
from cluster.safety.errors import DatabaseUnavailable, SnapshotsUnavailable
from cluster.safety.redaction import redact
from deployments.ingress.access import set_principal
from deployments.ingress.desktop.numbers import Numbers
from deployments.ingress.desktop.own_api import OwnApi
from deployments.ingress.problems import Problem
from deployments.ingress.services import Unreachable
from deployments.ingress.standing import Holders, Standing, set_standing

log = structlog.get_logger()

_NO_STORE = {"Cache-Control": "no-store"}
_NOTHING_HERE = "Not Found"


class TokenReader(Holders, Protocol):
    """Who knows tokens; raises `DatabaseUnavailable`."""

    async def principal(self, token: str, /) -> Principal | None: ...

    def credential(self, token: str, /) -> Credential | None: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """One call of a desktop client: by whom, what it asks our API through, and the numbers that it speaks in."""

    connection: HTTPConnection
    principal: Principal
    api: OwnApi
    numbers: Numbers


Call = Callable[[Caller, Request], Awaitable[Any]]
"""Answers one call with what is said as JSON, or a whole response."""


class Gate:
    """Lets calls through that carry a token; to all others there is nothing here. `tokens` None: sign-in is off, and
    nobody has one."""

    def __init__(self, tokens: TokenReader | None, numbers: Numbers) -> None:
        self._tokens, self._numbers = tokens, numbers

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Who calls.

        Raises:
            Problem: 404, no token that holds.
            DatabaseUnavailable: nobody can say.
        """
        token = str(connection.path_params["token"])
        principal = await self._tokens.principal(token) if self._tokens is not None else None
        if principal is None or not principal.may(Role.VIEWER):
            log.warning("desktop_client_refused", address=connection.client.host if connection.client else "")
            raise Problem(404, _NOTHING_HERE)
        set_principal(connection, principal)
        if self._tokens is not None and (credential := self._tokens.credential(token)) is not None:
            set_standing(connection, Standing(self._tokens, credential, principal, Role.VIEWER))
        return Caller(connection, principal, OwnApi(connection, token), self._numbers)

    def open(self, call: Call) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of one call; refusals are `{"detail": ...}`, which is what this client can read."""

        async def endpoint(request: Request) -> Response:
            try:
                said = await call(await self.caller(request), request)
            except Problem as problem:
                return refusal(problem.status, problem.detail)
            except (DatabaseUnavailable, SnapshotsUnavailable, Unreachable, TimeoutError) as error:
                log.error("part_away", path=redact(request.url.path), reason=str(error))  # noqa: TRY400
                return refusal(503, str(error))
            return said if isinstance(said, Response) else JSONResponse(said, headers=_NO_STORE)

        return endpoint


def refusal(status: int, detail: str) -> Response:
    return JSONResponse({"detail": " ".join(redact(detail).split())}, status, _NO_STORE)
