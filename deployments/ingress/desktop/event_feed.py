"""New events for one socket of a desktop client, each told once."""

from collections import OrderedDict, deque
from datetime import datetime

from cluster.accounts.principal import Principal
from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.events import EpisodeState
from cluster.storage.records import Change, ChangeKind, StoredEvent
from deployments.ingress.change_follower import ChangeFollower

_MOST_REMEMBERED = 5000
_MOST_UNTOLD = 1000
"""While the database is away; the oldest go first, and are in the list of events."""


class EventFeed:
    """What opened, opened again or became worse behind a cursor, of the cameras that `principal` sees.

    `camera_id`: of this one only. `since`: what opened before it and ends now is no news. `cursor` None: from now on.
    """

    def __init__(
        self,
        follower: ChangeFollower,
        principal: Principal,
        since: datetime,
        camera_id: str | None = None,
        cursor: int | None = None,
    ) -> None:
        self._follower, self._principal, self._since, self._camera_id = follower, principal, since, camera_id
        self._cursor = cursor
        self._told: OrderedDict[str, int] = OrderedDict()
        self._untold: deque[StoredEvent] = deque(maxlen=_MOST_UNTOLD)

    @property
    def cursor(self) -> int | None:
        """The last change that was looked at; None: none could be yet."""
        return self._cursor

    async def untold(self) -> list[StoredEvent]:
        """What came and was not said to be `told` yet: whoever cannot tell it now asks again."""
        self._untold.extend(await self.new())
        return list(self._untold)

    def told(self) -> None:
        """All that `untold` gave last."""
        self._untold.clear()

    async def new(self) -> list[StoredEvent]:
        """Those that came since it was last asked; none while the database is away, and all of them afterwards."""
        try:
            if self._cursor is None:
                self._cursor = await self._follower.last()
            changes = await self._follower.after(self._cursor)
        except DatabaseUnavailable:
            return []
        found = []
        for change in changes:
            self._cursor = change.number
            if self._is_news(change):
                found.append(change.event)
        return found

    def _is_news(self, change: Change) -> bool:
        event, stored = change.event.event, change.event
        if change.kind is not ChangeKind.EVENT or not self._is_for_us(event.camera_id):
            return False
        known = self._told.get(event.event_id)
        self._remember(stored)
        if known is not None:
            return stored.occurrence > known
        return event.state is not EpisodeState.CLOSED or event.opened_at >= self._since

    def _is_for_us(self, camera_id: str) -> bool:
        return self._principal.sees(camera_id) and self._camera_id in (None, camera_id)

    def _remember(self, stored: StoredEvent) -> None:
        self._told[stored.event.event_id] = stored.occurrence
        self._told.move_to_end(stored.event.event_id)
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
