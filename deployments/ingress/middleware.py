"""What every request and socket passes before a route sees it. Plain ASGI, so that streams are not buffered."""

import re
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from cluster.safety.redaction import redact
from deployments.ingress.problems import Problem, problem_response

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"^[\x21-\x7e]{1,128}$")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}

_SERVER_CLOSED = "Unexpected ASGI message"
"""So begins uvicorn's RuntimeError where it has ended a socket itself: a frame that is none, or is too large."""
_OF_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
"""Where a proxy on this machine says so (X-Forwarded-Proto); over plain http a browser ignores it."""


class RequestId:
    """Takes `X-Request-ID` or makes one, binds it to the log lines of the request, and says it in the answer.

    `echo` is off behind the Serve proxy, which adds the header itself and would double it.
    """

    def __init__(self, app: ASGIApp, echo: bool = True) -> None:
        self._app, self._echo = app, echo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if self._echo and message["type"] in ("http.response.start", "websocket.accept"):
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            return await self._app(scope, receive, send_with_id)


class SecurityHeaders:
    """The same strict headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS | (_OF_HTTPS if scope["scheme"] == "https" else {}))
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class FaultBorder:
    """Whatever fails in a route by a defect of ours is logged and answered with 500 and nothing of its details.

    Starlette's own stands outside all other middleware, where the answer would have neither id nor headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await self._socket(scope, receive, send)
        began = False

        async def send_and_note(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        # The border of the process.
        except Exception:
            if scope["type"] != "http" or began:
                raise
            log.exception("request_failed", path=redact(scope["path"]))
            problem = Problem(500, "this is a defect; the logs have it under the request_id")
            await problem_response(Request(scope), problem)(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A client that goes, at whatever moment, is no fault."""

        async def send_while_it_listens(message: Message) -> None:
            try:
                await send(message)
            except (OSError, RuntimeError) as error:
                if isinstance(error, RuntimeError) and not str(error).startswith(_SERVER_CLOSED):
                    raise
                raise WebSocketDisconnect(1006) from error

        try:
            await self._app(scope, receive, send_while_it_listens)
        except WebSocketDisconnect:
            log.info("socket_gone", path=redact(scope["path"]))


class KnownHost:
    """Refuses names that are not ours, so that no page on the internet reaches us by DNS rebinding.

    The probes under /health, and /metrics, are asked by address and let through. "*" in `hosts` lets all through.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_known(scope):
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 4421, "reason": "this host is not served"})
        request = Request(scope)
        problem = Problem(421, f"host {request.headers.get('host', '')!r} is not served here, use localhost")
        return await problem_response(request, problem)(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        if "*" in self._hosts or scope["path"].startswith("/health") or scope["path"] == "/metrics":
            return True
        return host_name(Headers(scope=scope).get("host", "")) in self._hosts


def host_name(netloc: str) -> str:
    """The name in a Host header, without port and brackets; "" if it is none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
