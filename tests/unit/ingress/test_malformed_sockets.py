"""A thousand malformed messages and broken handshakes: each is refused or passed over, nothing fails, nothing stays."""

import asyncio
import gc
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from counterparts import wrong_sockets
from counterparts.wrong_sockets import odd_headers, odd_query, wrong_message
from structlog.testing import capture_logs

SEED = 20261123
MESSAGES, HANDSHAKES = 1000, 500
PATHS = [path.format(camera="gate-1") for path in wrong_sockets.PATHS]


def message_of(sent: str | bytes) -> dict[str, Any]:
    return {"type": "websocket.receive", "text" if isinstance(sent, str) else "bytes": sent}


def handshake(dice: random.Random, path: str) -> dict[str, Any]:
    """The scope of a socket, with addresses, headers and options that no client of ours sends."""
    headers = [(b"host", b"localhost:8001"), *odd_headers(dice).items()]
    wrong_path = dice.choice((path, path, path + "/..", "/api/v1/cameras/%2e%2e/live", "/legacy/x/ws/events", "/\x00"))
    return scope_of(wrong_path, odd_query(dice), headers)


def scope_of(path: str, query: bytes = b"", headers: Any = ((b"host", b"localhost:8001"),)) -> dict[str, Any]:
    return {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": path,
        "raw_path": path.encode("utf-8", "replace"), "root_path": "", "query_string": query, "headers": list(headers),
        "client": ("127.0.0.1", 50000), "server": ("localhost", 8001), "subprotocols": [], "state": {},
    }  # fmt: skip


async def visit(
    app: Any, scope: dict[str, Any], *messages: dict[str, Any], fails: tuple[str, Exception] | None = None
) -> list[str]:
    """The types of what the application sends to a client that connects, sends `messages` and goes. `fails`: what the
    server says when the application sends a message of that type."""
    sent: list[str] = []
    coming = iter([*messages, {"type": "websocket.disconnect", "code": 1006}])

    async def receive() -> dict[str, Any]:
        return next(coming, {"type": "websocket.disconnect", "code": 1006})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])
        if fails is not None and message["type"] == fails[0]:
            raise fails[1]

    async with asyncio.timeout(10):
        await app(scope, receive, send)
    return sent


@pytest.fixture
def run(site: Any, make: Any) -> Callable[..., Any]:
    """Runs `visits(app)` in one loop; the lines that it logged, and how many objects it left behind."""
    site.cameras.pictures["gate-1"] = make.picture()

    def run(visits: Callable[[Any], Any]) -> tuple[list[Any], dict[str, int]]:
        async def whole() -> tuple[list[Any], dict[str, int]]:
            app = site.app(replace(make.QUICK, puller_linger_s=0.01))
            await visits(app)  # what is made once is made
            before = await settled(app)
            with capture_logs() as lines:
                await visits(app)
            after = await settled(app)
            await app.state.live.stop()
            return lines, {key: after[key] - before[key] for key in after}

        return asyncio.run(whole())

    return run


async def settled(app: Any) -> dict[str, int]:
    """What is there when everything that ends has ended."""
    live = app.state.live
    async with asyncio.timeout(5):
        while live.places.taken or len(live.pullers):  # noqa: ASYNC110 - pullers end by themselves, without an event
            await asyncio.sleep(0.01)
    gc.collect()
    return {"tasks": len(asyncio.all_tasks()), "objects": len(gc.get_objects())}


def faults(lines: list[Any]) -> list[Any]:
    return [line for line in lines if line["log_level"] in ("error", "critical") or "exc_info" in line]


def test_malformed_messages_fail_nothing_and_leave_nothing(run: Any) -> None:
    async def visits(app: Any) -> None:
        dice = random.Random(SEED)  # noqa: S311 - no secret
        for number in range(MESSAGES):
            sent = await visit(
                app, scope_of(PATHS[number % 2]), {"type": "websocket.connect"}, message_of(wrong_message(dice))
            )
            assert sent[0] == "websocket.accept"

    lines, left = run(visits)

    assert faults(lines) == []
    assert left["tasks"] <= 1, "the one that follows the change log"
    assert left["objects"] < MESSAGES, "less than one for each message"


def test_broken_handshakes_fail_nothing_and_leave_nothing(run: Any) -> None:
    async def visits(app: Any) -> None:
        dice = random.Random(SEED)  # noqa: S311 - no secret
        for number in range(HANDSHAKES):
            scope = handshake(dice, PATHS[number % 2])
            broken_off = [] if dice.random() < 0.3 else [{"type": "websocket.connect"}]
            await visit(app, scope, *broken_off)

    lines, left = run(visits)

    assert faults(lines) == []
    assert left["tasks"] <= 1
    assert left["objects"] < HANDSHAKES


@pytest.mark.parametrize("at", ["websocket.accept", "websocket.send", "websocket.close"])
@pytest.mark.parametrize(
    "said_by_the_server",
    [OSError("the connection is gone"), RuntimeError("Unexpected ASGI message 'websocket.send', after sending ...")],
)
def test_a_client_that_goes_at_any_moment_is_no_fault(run: Any, at: str, said_by_the_server: Exception) -> None:
    other_site = [(b"host", b"localhost:8001"), (b"origin", b"http://evil.example")]
    other_host = [(b"host", b"evil.example")]
    unknown = "/api/v1/cameras/gate-9/live"

    async def visits(app: Any) -> None:
        scopes = [scope_of(path, headers=headers) for path in PATHS for headers in (other_site, other_host)]
        for scope in [*scopes, *map(scope_of, (*PATHS, unknown, "/nothing"))]:
            wrong = message_of("[]")
            await visit(app, scope, {"type": "websocket.connect"}, wrong, fails=(at, said_by_the_server))

    lines, _ = run(visits)

    assert faults(lines) == []
