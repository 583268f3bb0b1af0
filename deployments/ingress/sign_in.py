"""The door: every request and socket passes it before a route sees it. Plain ASGI, so that streams are not buffered."""

from ipaddress import IPv6Address, ip_address

import structlog
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from cluster.accounts.accounts import Accounts
from cluster.accounts.principal import ANYBODY, Principal, Role
from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.redaction import redact
from deployments.ingress.access import STRANGER, set_principal
from deployments.ingress.credentials import check_csrf, drop_ticket, shown
from deployments.ingress.problems import Problem, on_part_away, problem_response
from deployments.ingress.route_roles import METRICS, OPEN, SOCKET, Door, RouteRoles
from deployments.ingress.sockets import accepted, is_cross_site, refusal_code
from deployments.ingress.standing import HiddenCamera, Standing, check, set_standing

log = structlog.get_logger()


class SignIn:
    """Lets through whom the table of roles lets through, and says to the routes who it is.

    `accounts` None: sign-in is off, and whoever comes from this machine may do everything; others nothing, whatever
    address the server listens on. A socket that needs a sign-in is accepted and closed with a code that its page can
    read; one of another site is not even accepted.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts | None, roles: RouteRoles | None = None) -> None:
        self._app, self._accounts, self._roles = app, accounts, roles or RouteRoles()
        self._metrics_are_open = accounts is None or accounts.settings.metrics == "open"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        connection = HTTPConnection(scope)
        try:
            set_principal(connection, await self._admitted(connection))
        except Problem as problem:
            return await _refuse(problem, scope, receive, send)
        except DatabaseUnavailable as error:
            if scope["type"] == "http":
                return await on_part_away(Request(scope), error)(scope, receive, send)
            return await _refuse(Problem(503, str(error)), scope, receive, send)
        if scope["type"] == "websocket":
            drop_ticket(scope)
        return await self._app(scope, receive, send)

    async def _admitted(self, connection: HTTPConnection) -> Principal:
        """Who asks, if he may.

        Raises:
            Problem: 401 nobody that is known; 403 not with this role, or a change that another page may have asked
                for; 404 no such route, or a camera that is not shown to him; 405.
        """
        scope = connection.scope
        method = SOCKET if scope["type"] == "websocket" else str(scope["method"])
        door = self._roles.find(method, scope["path"])
        if scope["path"] == METRICS and not self._metrics_are_open:
            door = Door(Role.VIEWER)
        if self._accounts is None:
            return _of_this_machine(connection, door)
        if door.needed is OPEN:
            return STRANGER
        return await self._known(connection, method, door, door.needed, self._accounts)

    async def _known(
        self, connection: HTTPConnection, method: str, door: Door, needed: Role, accounts: Accounts
    ) -> Principal:
        if method == SOCKET and is_cross_site(connection):
            raise Problem(403, "sockets of other sites are refused")
        found = await shown(connection, accounts)
        if found is None:
            raise Problem(401, "sign in, or send `Authorization: Bearer` with a token that holds")
        if found.session is not None and method != SOCKET:
            check_csrf(connection, method, found.session)
        check(found.principal, needed, door.camera_id)
        if found.credential is not None:
            standing = Standing(accounts, found.credential, found.principal, needed, door.camera_id)
            set_standing(connection, standing)
        return found.principal


def _of_this_machine(connection: HTTPConnection, door: Door) -> Principal:
    is_here = _is_loopback(connection.client.host if connection.client else "")
    if door.needed is not OPEN and not is_here:
        raise Problem(403, "sign-in is off, so that only this machine is served; set sign_in.enabled in site.yaml")
    # Also where nobody signs in, and of routes that read no body: a page of another site may be open in a browser here.
    if connection.scope.get("method", "GET") not in ("GET", "HEAD", "OPTIONS") and is_cross_site(connection):
        raise Problem(403, "pages of other sites may not do this")
    return ANYBODY if is_here else STRANGER


def _is_loopback(address: str) -> bool:
    """Whether it is this machine; what is no address at all came through no network."""
    try:
        number = ip_address(address)
    except ValueError:
        return True
    if isinstance(number, IPv6Address) and number.ipv4_mapped is not None:
        return number.ipv4_mapped.is_loopback
    return number.is_loopback


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        return await problem_response(Request(scope), problem)(scope, receive, send)
    websocket = WebSocket(scope, receive, send)
    log.warning("socket_refused", status=problem.status, path=redact(scope["path"]), reason=problem.detail)
    code = refusal_code(problem.status)
    is_told = problem.status in (401, 503) or isinstance(problem, HiddenCamera)
    if is_told and not await accepted(websocket):
        return None
    return await websocket.close(code, problem.detail[:120])
