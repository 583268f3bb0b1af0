"""What both kinds of socket do alike: who may open one, what a client may say, and how it ends."""

import asyncio
import json
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from cluster.safety.errors import DatabaseUnavailable
from deployments.deadlines import bounded
from deployments.ingress.lifetimes import RENEW, Lifetimes
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem
from deployments.ingress.standing import ScopeChanged, Standing, standing_of

log = structlog.get_logger()

Answer = TypeVar("Answer")

NOT_TEXT = 1003
TOO_LARGE = 1009
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011
BAD_MESSAGE = 4400
SIGN_IN = 4401
WRONG_ORIGIN = NOT_ALLOWED = 4403
UNKNOWN_CAMERA = 4004
TOO_SLOW = 4008
RESUME = 4009

_LONGEST_REASON_BYTES = 123
_REFUSALS = {401: SIGN_IN, 404: UNKNOWN_CAMERA, 503: TRY_AGAIN_LATER}


class CloseSocket(Exception):
    """Ends a socket with a code and a reason that the viewer gets."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


def is_cross_site(websocket: HTTPConnection) -> bool:
    """Whether a page of another origin opens this socket. Programs send no Origin and are not pages."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != websocket.headers.get("host", "").lower()
    except ValueError:  # no browser sends what is no address at all
        return True


async def accepted(websocket: WebSocket) -> bool:
    """Accepts; False if the client has gone before that."""
    try:
        await websocket.accept()
    except (RuntimeError, WebSocketDisconnect):
        log.info("socket_gone_before_it_was_accepted")
        return False
    return True


async def receive_object(websocket: WebSocket, limits: Limits) -> dict[str, Any]:
    """The next JSON object that the client sends.

    Raises:
        CloseSocket: it sent something else, or too much.
        WebSocketDisconnect: it went.
    """
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000), message.get("reason"))
    text = message.get("text")
    if text is None:
        raise CloseSocket(NOT_TEXT, "only JSON texts are understood here")
    if len(text.encode()) > limits.client_message_bytes:
        raise CloseSocket(TOO_LARGE, f"a message has at most {limits.client_message_bytes} bytes")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CloseSocket(BAD_MESSAGE, f"not JSON: {text[:40]!r}") from error
    if not isinstance(content, dict):
        raise CloseSocket(BAD_MESSAGE, f"not a JSON object: {text[:40]!r}")
    return content


def whole_number(message: dict[str, Any], key: str) -> int:
    """The value of the only key that a message may have.

    Raises:
        CloseSocket: another key, or not a whole number from 0.
    """
    if set(message) != {key}:
        raise CloseSocket(BAD_MESSAGE, f'expected {{"{key}": number}}, got keys {sorted(message)}')
    value = message[key]
    if type(value) is not int or not 0 <= value < 2**63:
        raise CloseSocket(BAD_MESSAGE, f"{key}: expected a whole number from 0, got {str(value)[:40]!r}")
    return value


async def within(deadline_s: float, sending: Awaitable[Answer], close: CloseSocket) -> Answer:
    """What `sending` gives, or `close` if it takes longer: a viewer that stands still holds nothing for ever."""
    try:
        return await bounded(sending, deadline_s)
    except TimeoutError:
        raise close from None


async def hold(websocket: WebSocket, lifetimes: Lifetimes, limits: Limits, *jobs: Coroutine[Any, Any, None]) -> None:
    """Run `jobs` until the first of them ends, the client goes, the socket's time is over, or who opened it may not
    watch any more; then close it."""
    ends = (_until_over(lifetimes), _until_refused(standing_of(websocket), limits))
    tasks = [asyncio.create_task(job) for job in (*jobs, *ends)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ending = next((_ending(task) for task in tasks if task.done()), None)
    finally:
        for task in tasks:
            task.cancel()
        # Not gather: it would replace a cancellation from outside by one of its own.
        await asyncio.wait(tasks)
    if ending is not None:
        await close(websocket, ending, limits)


async def close(websocket: WebSocket, ending: CloseSocket, limits: Limits) -> None:
    """Say why, if the client still listens, and not for long."""
    log.info("socket_closed", code=ending.code, reason=ending.reason)
    if websocket.application_state is WebSocketState.DISCONNECTED:
        return
    reason = ending.reason.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")
    try:
        await bounded(websocket.close(ending.code, reason), limits.close_within_s)
    except (RuntimeError, TimeoutError, WebSocketDisconnect):
        log.info("socket_gone", code=ending.code)


def refusal_code(status: int) -> int:
    """What a socket hears where HTTP answers `status`."""
    return _REFUSALS.get(status, NOT_ALLOWED)


async def _until_refused(standing: Standing | None, limits: Limits) -> None:
    """Asks again and again whether who watches may still. A database that is away cuts nobody off."""
    while True:
        await asyncio.sleep(limits.prove_every_s)
        try:
            if standing is not None:
                await standing.prove()
        except Problem as problem:
            raise CloseSocket(refusal_code(problem.status), problem.detail) from problem
        except ScopeChanged as changed:
            raise CloseSocket(SERVICE_RESTART, RENEW) from changed
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("socket_not_proved", reason=str(error))


async def _until_over(lifetimes: Lifetimes) -> None:
    raise CloseSocket(SERVICE_RESTART, await lifetimes.over())


def _ending(task: "asyncio.Task[None]") -> CloseSocket | None:
    fault = task.exception() if not task.cancelled() else None
    if fault is None or isinstance(fault, CloseSocket):
        return fault
    if isinstance(fault, WebSocketDisconnect):
        return None
    log.error("socket_failed", exc_info=fault)
    return CloseSocket(INTERNAL_ERROR, "internal error, see the server's log")
