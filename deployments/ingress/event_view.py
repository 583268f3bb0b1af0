"""One viewer of events: pages along the change log from its own cursor, so that nothing is queued for it."""

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from typing import Any

import structlog
from starlette.websockets import WebSocket

from cluster.accounts.principal import ANYBODY, Principal
from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.records import Change
from deployments.deadlines import bounded
from deployments.ingress.change_follower import ChangeFollower
from deployments.ingress.documents import change_document
from deployments.ingress.limits import Limits
from deployments.ingress.sockets import (
    BAD_MESSAGE,
    RESUME,
    TOO_SLOW,
    CloseSocket,
    receive_object,
    whole_number,
    within,
)

log = structlog.get_logger()


class EventView:
    """Sends each change behind `cursor` once and in order; None: from now on. What happens at cameras that `viewer`
    may not see is passed over.

    A viewer may acknowledge with `{"ack": cursor}`. One that never does is closed after
    `changes_on_their_way` changes and resumes from its cursor, because Serve's own send queue has no end.
    """

    def __init__(
        self,
        websocket: WebSocket,
        cursor: int | None,
        follower: ChangeFollower,
        limits: Limits,
        viewer: Principal = ANYBODY,
    ) -> None:
        self._websocket, self._follower, self._limits, self._viewer = websocket, follower, limits, viewer
        self._cursor = cursor
        self._on_their_way: deque[int] = deque()
        self._acknowledged = asyncio.Event()
        self._told_away = False
        self._said_s = float("-inf")

    async def send(self) -> None:
        """Send until the viewer must resume.

        Raises:
            CloseSocket: too much is on its way, or the cursor is none of this log.
        """
        while True:
            news = self._follower.news
            try:
                changes = await self._next_changes()
            except DatabaseUnavailable as error:
                await self._say_away(error)
                changes = []
            for change in changes:
                if self._viewer.sees(change.event.event.camera_id):
                    await self._send_change(change)
                self._cursor = change.number
            # Also where all of it was passed over: what others see must not make the socket look dead.
            await self._beat()
            if not changes:
                await self._rest(news)

    async def receive(self) -> None:
        """Take acknowledgements until the viewer goes or says something wrong."""
        while True:
            cursor = whole_number(await receive_object(self._websocket, self._limits), "ack")
            while self._on_their_way and self._on_their_way[0] <= cursor:
                self._on_their_way.popleft()
            self._acknowledged.set()

    async def _next_changes(self) -> list[Change]:
        if self._cursor is None:
            self._cursor = await self._follower.last()
            await self._send({"type": "status", "database": "ok", "cursor": self._cursor})
        changes = await self._follower.after(self._cursor)
        if self._told_away and not self._follower.away:
            self._told_away = False
            await self._send({"type": "status", "database": "ok", "cursor": self._cursor})
        return changes

    async def _rest(self, news: asyncio.Event) -> None:
        """Until there is news, or the next heartbeat is due."""
        left_s = self._said_s + self._limits.heartbeat_s - time.monotonic()
        with suppress(TimeoutError):
            await bounded(news.wait(), max(0.0, left_s))
        if self._follower.away:
            await self._say_away()

    async def _beat(self) -> None:
        """Says at once after the beginning, and whenever nothing was said for a while, that the socket lives."""
        if time.monotonic() - self._said_s >= self._limits.heartbeat_s:
            await self._send({"type": "heartbeat", "cursor": self._cursor})

    async def _say_away(self, error: DatabaseUnavailable | None = None) -> None:
        if not self._told_away:
            self._told_away = True
            reason = error.reason if error else "the change log cannot be read"
            await self._send({"type": "status", "database": "away", "reason": reason, "cursor": self._cursor})

    async def _send_change(self, change: Change) -> None:
        most = self._limits.changes_on_their_way
        resume = CloseSocket(RESUME, f"{most} changes without an acknowledgement, resume from {self._cursor}")
        while len(self._on_their_way) >= most:
            self._acknowledged.clear()
            await within(self._limits.changes_grace_s, self._acknowledged.wait(), resume)
        self._on_their_way.append(change.number)
        await self._send(change_document(change))
        # Who reads the log from its beginning gets thousands; that a change went out is said once (`event_published`).
        log.debug("event_sent", correlation_id=change.event.event.correlation_id, cursor=change.number)

    async def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
        too_slow = CloseSocket(TOO_SLOW, f"took no message for {self._limits.acknowledge_within_s:g} s")
        await within(self._limits.acknowledge_within_s, self._websocket.send_text(text), too_slow)
        self._said_s = time.monotonic()


async def check_cursor(cursor: int | None, follower: ChangeFollower) -> None:
    """A cursor ahead of the log belongs to another log: nothing would ever come.

    Raises:
        CloseSocket: it is ahead.
    """
    if not cursor:
        return
    try:
        last = await follower.last()
    except DatabaseUnavailable:
        return
    if cursor > last:
        raise CloseSocket(BAD_MESSAGE, f"cursor {cursor} is ahead of the log, whose last change is {last}")
