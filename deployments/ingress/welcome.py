"""The beginning of every socket: cross-site ones are refused, places are limited, faults are said with a code."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.websockets import WebSocket

from deployments.ingress.access import principal_of
from deployments.ingress.live import Live
from deployments.ingress.places import NoPlace
from deployments.ingress.problems import Problem
from deployments.ingress.queries import Reader, read_query
from deployments.ingress.sockets import (
    BAD_MESSAGE,
    TRY_AGAIN_LATER,
    WRONG_ORIGIN,
    CloseSocket,
    accepted,
    close,
    is_cross_site,
)

log = structlog.get_logger()

Options = Mapping[str, Any]


async def welcome(
    websocket: WebSocket, live: Live, readers: Mapping[str, Reader], serve: Callable[[Options], Awaitable[None]]
) -> None:
    """Accept the socket, give it a place and `serve` it with its query parameters; say why if it cannot be.

    A socket of another site is closed before it is accepted, which its browser sees as 403. Anything else is
    said after accepting, because a browser shows a page neither code nor reason of a refused handshake.
    """
    if is_cross_site(websocket):
        log.warning("socket_refused", origin=websocket.headers.get("origin"), host=websocket.headers.get("host"))
        await websocket.close(WRONG_ORIGIN, "sockets of other sites are refused")
        return
    if not await accepted(websocket):
        return
    try:
        with live.places.take(principal_of(websocket)):
            await serve(read_query(websocket, readers))
    except NoPlace as error:
        await close(websocket, CloseSocket(TRY_AGAIN_LATER, f"{error}, try again later"), live.limits)
    except Problem as problem:
        await close(websocket, CloseSocket(BAD_MESSAGE, problem.detail), live.limits)
    except CloseSocket as ending:
        await close(websocket, ending, live.limits)
