"""`/ws/events` of the desktop client: each new event as it comes, and acknowledgements back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.websockets import WebSocket

from cluster.safety.errors import DatabaseUnavailable
from deployments.deadlines import bounded
from deployments.ingress.desktop.event_calls import acknowledged, numbered
from deployments.ingress.desktop.event_feed import EventFeed
from deployments.ingress.desktop.gate import Caller
from deployments.ingress.desktop.resuming import Resuming
from deployments.ingress.documents import event_document
from deployments.ingress.live import Live
from deployments.ingress.problems import Problem
from deployments.ingress.sockets import TOO_SLOW, CloseSocket, hold, receive_object, within

_CLOCKS_DIFFER_S = 5.0
"""Cameras and ingress may stand on different nodes."""
_WRITTEN_LATE_S = 60.0
"""So long before the end of the socket before may an event have opened that was written after it."""
_AGAIN_S = 1.0
"""The database is away."""


class EventSocket:
    """One socket. `send` and `receive` run beside each other in one event loop."""

    def __init__(self, websocket: WebSocket, caller: Caller, live: Live, resuming: Resuming) -> None:
        self._websocket, self._caller, self._live, self._resuming = websocket, caller, live, resuming

    async def serve(self, _options: Any) -> None:
        live, resuming = self._live, self._resuming
        try:
            with live.changes.followed():
                await hold(self._websocket, live.stopping, live.limits, self.send(), self.receive(), resuming.keep_on())
        finally:
            resuming.end()

    async def send(self) -> None:
        feed = await self._begun()
        while True:
            news = self._live.changes.news
            try:
                events = await self._documents(feed)
            except DatabaseUnavailable:
                await asyncio.sleep(_AGAIN_S)
                continue
            for event in events:
                await self._say({**event, "type": "event"})
            if feed.cursor is not None:
                self._resuming.told(feed.cursor)
            if not events:
                await self._rest(news)

    async def receive(self) -> None:
        while True:
            message = await receive_object(self._websocket, self._live.limits)
            try:
                await self._obey(message)
            except (Problem, DatabaseUnavailable, TimeoutError) as error:
                await self._say({"type": "error", "message": getattr(error, "detail", str(error))})

    async def _begun(self) -> EventFeed:
        """From where the socket before left off, as soon as the database says so; otherwise from now on."""
        follower, principal = self._live.changes, self._caller.principal
        feed = EventFeed(follower, principal, datetime.now(UTC) - timedelta(seconds=_CLOCKS_DIFFER_S))
        while True:
            await feed.untold()  # "now" is before the question that follows
            try:
                left = await self._resuming.left_off()
            except DatabaseUnavailable:
                await asyncio.sleep(_AGAIN_S)
                continue
            if left is None:
                return feed
            return EventFeed(follower, principal, left.at - timedelta(seconds=_WRITTEN_LATE_S), cursor=left.cursor)

    async def _documents(self, feed: EventFeed) -> list[dict[str, Any]]:
        """Oldest first, as they came. Raises DatabaseUnavailable: they wait for the next call."""
        newest_first = [event_document(stored) for stored in reversed(await feed.untold())]
        documents = await numbered(self._caller.numbers, newest_first)
        feed.told()
        return list(reversed(documents))

    async def _obey(self, message: dict[str, Any]) -> None:
        number = message.get("event_id")
        if message.get("action") != "acknowledge" or type(number) is not int:
            raise Problem(400, 'expected {"action": "acknowledge", "event_id": number}')
        await acknowledged(self._caller, number)

    async def _rest(self, news: Any) -> None:
        try:
            await bounded(news.wait(), self._live.limits.heartbeat_s)
        except TimeoutError:
            return

    async def _say(self, message: dict[str, Any]) -> None:
        limit_s = self._live.limits.acknowledge_within_s
        too_slow = CloseSocket(TOO_SLOW, f"took no message for {limit_s:g} s")
        await within(limit_s, self._websocket.send_json(message), too_slow)
