"""Where a desktop client goes on after its socket broke off: its protocol has no way to say it, so we remember."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from starlette.requests import HTTPConnection

from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.desktop_positions import DesktopPosition
from deployments.ingress.services import PositionKeeper
from deployments.ingress.standing import standing_of

_log = structlog.get_logger()
_LONGEST_GAP = timedelta(minutes=10)
_UNSURE = timedelta(seconds=45)
"""A connection that broke takes what is sent for up to 40 s, and nobody gets it."""
_KEEP_EVERY_S = 15.0
_ENDING: set[asyncio.Task[None]] = set()
"""asyncio itself holds tasks weakly only."""


def client_of(connection: HTTPConnection) -> str:
    """One PC: a token, and the address that it comes from, because a token may have been given to several."""
    standing = standing_of(connection)
    address = connection.client.host if connection.client else ""
    return f"{standing.credential.row if standing else ''} {address}"


class Resuming:
    """The position of one client. What it was told in the last 45 s does not count: it may come twice, and is not lost.

    `store` None: nothing is remembered. Belongs to one event loop.
    """

    def __init__(
        self, store: PositionKeeper | None, client: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store, self._client, self._now = store, client, now
        self._marks: deque[DesktopPosition] = deque()

    async def left_off(self) -> DesktopPosition | None:
        """Where the socket before ended; None: there was none lately.

        Raises:
            DatabaseUnavailable: nobody can say.
        """
        position = await self._store.get(self._client) if self._store is not None else None
        return position if position is not None and self._now() - position.at <= _LONGEST_GAP else None

    def told(self, cursor: int) -> None:
        """Everything up to `cursor` was sent."""
        self._marks.append(DesktopPosition(cursor, self._now()))
        while len(self._marks) > 1 and self._marks[1].at <= self._now() - _UNSURE:
            self._marks.popleft()
        if len(self._marks) > 2 and self._marks[-1].at - self._marks[-3].at < timedelta(seconds=1):
            del self._marks[-2]  # of a second one is enough

    async def keep(self) -> None:
        """What is sure; while the database is away it stays as it was."""
        if self._store is None or not self._marks:
            return
        try:
            await self._store.keep(self._client, self._marks[0])
        except DatabaseUnavailable as error:
            _log.warning("desktop_position_not_kept", reason=error.reason)

    def end(self) -> None:
        """Keeps it once more, in a task of its own: whoever serves the socket may be cancelled when its client goes."""
        task = asyncio.create_task(self.keep(), name="desktop position")
        _ENDING.add(task)
        task.add_done_callback(_ENDING.discard)

    async def keep_on(self) -> None:
        """Again and again, because a replica that dies keeps nothing at its end."""
        while True:
            await asyncio.sleep(_KEEP_EVERY_S)
            await self.keep()
