"""Follows the change log once a replica, for all its viewers of events."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog

from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.records import Change
from deployments.deadlines import bounded
from deployments.ingress.limits import Limits
from deployments.ingress.services import EventReader

log = structlog.get_logger()

Answer = TypeVar("Answer")


class ChangeFollower:
    """Looks for new changes every `follow_every_s` while somebody follows, and wakes those who wait.

    Keeps the newest `changes_remembered` for viewers that are nearly up to date; who is further behind pages
    through the database from his own cursor. So nothing is queued for a viewer. Belongs to one event loop.
    """

    def __init__(self, events: EventReader, limits: Limits) -> None:
        self._events, self._limits = events, limits
        self._recent: deque[Change] = deque(maxlen=limits.changes_remembered)
        self._known_after: int | None = None
        self._last = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._followers = 0
        self.away = False

    async def last(self) -> int:
        """The number of the newest change, asked of the database.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        return await self._bounded(self._events.last_change())

    async def after(self, cursor: int) -> list[Change]:
        """The next changes behind `cursor`, a page at most; empty if there are none.

        Raises:
            DatabaseUnavailable: they are not remembered here and the database does not answer.
        """
        if self._known_after is not None and cursor >= self._known_after:
            return [change for change in self._recent if change.number > cursor][: self._limits.changes_a_page]
        return await self._bounded(self._events.changes_after(cursor, self._limits.changes_a_page))

    @property
    def news(self) -> asyncio.Event:
        """Is set at the next change, or when the database goes or comes.

        Take it before reading with `after`: what comes between the reading and the waiting is then not missed.
        """
        return self._news

    @contextmanager
    def followed(self) -> Iterator[None]:
        """One follower more until the block ends; the first one starts the looking, the last one ends it."""
        self._followers += 1
        if self._task is None or self._task.done():
            self._forget()
            self._task = asyncio.create_task(self._follow(), name="change follower")
        try:
            yield
        finally:
            self._followers -= 1

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while self._followers:
            try:
                await self._look()
            except DatabaseUnavailable as error:
                self._set_away(True, str(error))
            # The border of the loop: a defect in one look must not blind all viewers of events.
            except Exception:
                log.exception("change_follower_failed")
                self._set_away(True, "the change log cannot be read")
            await asyncio.sleep(self._limits.follow_every_s)

    async def _look(self) -> None:
        if self._known_after is None:
            self._known_after = self._last = await self.last()
        changes = await self._bounded(self._events.changes_after(self._last, self._limits.changes_a_page))
        self._set_away(False)
        if changes:
            self._remember(changes)
            self._tell()

    def _remember(self, changes: list[Change]) -> None:
        for change in changes:
            _say_published(change, self._followers)
        self._recent.extend(changes)
        self._last = changes[-1].number
        if len(self._recent) == self._limits.changes_remembered:
            # What fell out stood before the oldest one that is still here.
            self._known_after = self._recent[0].number

    def _forget(self) -> None:
        self._recent.clear()
        self._known_after = None

    def _set_away(self, away: bool, reason: str = "") -> None:
        if away != self.away:
            self.away = away
            say = log.error if away else log.warning
            say("change_log_away" if away else "change_log_back", reason=reason)
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _bounded(self, asking: Awaitable[Answer]) -> Answer:
        try:
            return await bounded(asking, self._limits.call_deadline_s)
        except TimeoutError:
            raise DatabaseUnavailable(f"no answer within {self._limits.call_deadline_s:g} s") from None


def _say_published(change: Change, sockets: int) -> None:
    event = change.event.event
    log.info(
        "event_published",
        camera_id=event.camera_id,
        correlation_id=event.correlation_id,
        event_id=event.event_id,
        revision=event.revision,
        kind=change.kind.value,
        cursor=change.number,
        sockets=sockets,
    )
