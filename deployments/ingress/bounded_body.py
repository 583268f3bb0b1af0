"""What a request may send: not more than so much, and not slower than in so long, however it announces it."""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.ingress.problems import Problem, problem_response


class BoundedBody:
    """A body announced larger than `limit` bytes gets 413 at once; one that grows larger, or is not there `within_s`
    after a route began to read it, ends the reading with 413 or 408."""

    def __init__(self, app: ASGIApp, limit: int, within_s: float) -> None:
        self._app, self._limit, self._within_s = app, limit, within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isdecimal() and int(length) <= self._limit):
            problem = Problem(413, f"a body of {length[:20]} bytes; at most {self._limit} are taken")
            return await problem_response(Request(scope), problem)(scope, receive, send)
        body = _Body(receive, send, self._limit, self._within_s)
        return await self._app(scope, body.receive, body.send)


class _Body:
    """One request's messages. After the answer has begun, what is wrong with the body just ends it."""

    def __init__(self, receive: Receive, send: Send, limit: int, within_s: float) -> None:
        self._receive, self._send = receive, send
        self._left, self._limit, self._within_s = limit, limit, within_s
        self._end_s: float | None = None
        self._whole = self._answered = False

    async def send(self, message: Message) -> None:
        self._answered = True
        await self._send(message)

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        if self._end_s is None:
            self._end_s = asyncio.get_running_loop().time() + self._within_s
        try:
            async with asyncio.timeout_at(self._end_s):
                message = await self._receive()
        except TimeoutError:
            return self._refused(408, f"the body did not come within {self._within_s:g} s")
        self._left -= len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._left < 0:
            return self._refused(413, f"a body has at most {self._limit} bytes")
        return message

    def _refused(self, status: int, reason: str) -> Message:
        """HTTPException, which no reader of bodies takes for a fault of its own."""
        self._whole = True
        if self._answered:
            return {"type": "http.disconnect"}
        raise HTTPException(status, reason)
