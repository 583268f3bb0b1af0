"""Bodies that grow beyond what they announced, or never end."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from deployments.ingress.bounded_body import BoundedBody
from deployments.ingress.problems import EXCEPTION_HANDLERS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _length(request: Request) -> JSONResponse:
    return JSONResponse(len(await request.body()))


async def _answers_first(request: Request) -> StreamingResponse:
    async def parts():
        yield b"begun "
        await asyncio.sleep(0.15)
        yield b"and ended"

    return StreamingResponse(parts())


async def asked(path, *chunks, headers=(), hangs=False):
    """Status and body of the answer to a body that comes in `chunks`; `hangs`: its end never comes."""
    routes = [Route("/length", _length, methods=["POST"]), Route("/first", _answers_first, methods=["POST"])]
    app = BoundedBody(Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS), limit=100, within_s=0.05)
    coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if not hangs:
        coming.append({"type": "http.request", "body": b"", "more_body": False})
    sent = []

    async def receive():
        if coming:
            return coming.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "headers": list(headers), "query_string": b"",
        "client": ("127.0.0.1", 1), "server": ("localhost", 80), "scheme": "http", "state": {},
    }  # fmt: skip
    async with asyncio.timeout(10):
        await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


async def test_what_fits_comes_through_whole():
    assert await asked("/length", b"x" * 60, b"x" * 40) == (200, b"100")


async def test_a_body_that_grows_too_large_is_refused_whatever_it_announced():
    status, body = await asked("/length", b"x" * 60, b"x" * 41)
    assert (status, b"at most 100 bytes" in body) == (413, True)

    status, _ = await asked("/length", b"x" * 101, headers=[(b"content-length", b"10")])
    assert status == 413


async def test_a_body_that_never_ends_is_refused():
    status, body = await asked("/length", b"x", hangs=True)

    assert (status, b"did not come within" in body) == (408, True)


async def test_an_answer_that_has_begun_is_not_made_a_fault_of_the_server():
    status, body = await asked("/first", hangs=True)

    assert status == 200
    assert body.startswith(b"begun")
