"""Takes in hand what is due, and has it delivered, each channel in its own lane. Knows no Ray."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from cluster.notifications.delivery import Delivery
from cluster.notifications.lane import Lane
from cluster.safety.errors import StorageError
from cluster.safety.events import Severity
from cluster.safety.messages import PlannedMessage

_log = structlog.get_logger()
CLAIM_S = 12.0
"""So long what a process had in hand waits after its death."""
_MOST_STRAYS = 50
_STRAYS_WAIT, _STRAY_PAUSE = timedelta(minutes=5), timedelta(seconds=3)
"""During a rollout the Recorder may know a channel that this process does not know yet, and the next one will."""


class Claims(Protocol):
    """What `Dispatch` asks of `cluster.storage.messages.MessageStore`."""

    async def due(
        self,
        now: datetime,
        owner: str,
        claim_s: float,
        limit: int,
        channel_id: str | None = None,
        besides: Collection[str] = (),
        severity: str | None = None,
    ) -> list[PlannedMessage]: ...

    async def next_due(self) -> datetime | None: ...

    async def hold(self, message_ids: Collection[str], owner: str, until: datetime) -> None: ...


class Dispatch:
    """Belongs to one event loop. `owner` is another one in every process."""

    def __init__(
        self, store: Claims, lanes: Sequence[Lane], delivery: Delivery, owner: str, now: Callable[[], datetime]
    ) -> None:
        self._store, self._delivery, self._owner, self._now = store, delivery, owner, now
        self._lanes: Mapping[str, Lane] = {lane.channel_id: lane for lane in lanes}
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._unknown: set[str] = set()

    @property
    def in_hand(self) -> int:
        return len(self._in_hand)

    async def round(self) -> None:
        """Begins with everything that is due and that its channel has room for; waits for none of it.

        Raises:
            DatabaseUnavailable: not now.
        """
        earliest = await self._store.next_due()
        if earliest is None or earliest > self._now():
            return
        for lane in self._lanes.values():
            if room := lane.room():
                await self._take(lane, room)
        for stray in await self._due(_MOST_STRAYS, besides=tuple(self._lanes)):
            self._begin(stray, self._carry_stray(stray))

    async def hold(self) -> None:
        """Says that what is in hand still is.

        Raises:
            DatabaseUnavailable: not now.
        """
        if held := tuple(self._in_hand):
            await self._store.hold(held, self._owner, self._now() + timedelta(seconds=CLAIM_S))

    async def finish(self, within_s: float) -> None:
        """Nothing new; what is in hand has `within_s` seconds to come to its end, the rest is the next process'."""
        self._delivery.stop()
        if tasks := tuple(self._in_hand.values()):
            _, left = await asyncio.wait(tasks, timeout=within_s)
            for task in left:
                task.cancel()
            if left:
                _log.warning("notifications_left", count=len(left))
                await asyncio.wait(left, timeout=1.0)
        for lane in self._lanes.values():
            await lane.close()

    async def _take(self, lane: Lane, room: int) -> None:
        severity = Severity.CRITICAL if lane.pace.only_critical() else None
        for planned in await self._due(room, channel_id=lane.channel_id, severity=severity):
            lane.took()
            self._begin(planned, self._carry(planned, lane))

    async def _due(self, limit: int, **asked: Any) -> list[PlannedMessage]:
        """Without what this process has in hand: its claim ran out while the database was away."""
        found = await self._store.due(self._now(), self._owner, CLAIM_S, limit, **asked)
        return [planned for planned in found if planned.message_id not in self._in_hand]

    def _begin(self, planned: PlannedMessage, work: Coroutine[Any, Any, None]) -> None:
        task = self._in_hand[planned.message_id] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._in_hand.pop(planned.message_id, None))

    async def _carry(self, planned: PlannedMessage, lane: Lane) -> None:
        try:
            try:
                taken = await self._delivery.hand_over(planned, lane)
            finally:
                lane.let_go()
            if taken is not None:
                await self._delivery.finish(taken, lane)
        except StorageError as error:
            _log.warning("notification_put_off", message_id=planned.message_id, reason=str(error))
        # The border of one message: the others are told all the same, and this one comes again.
        except Exception as error:  # noqa: BLE001
            _log.exception("notification_broken", message_id=planned.message_id, reason=type(error).__name__)

    async def _carry_stray(self, planned: PlannedMessage) -> None:
        """Waits for a process that knows its channel, but not for ever."""
        reason = f"channel {planned.channel_id} is not in site.yaml"
        if planned.channel_id not in self._unknown:
            self._unknown.add(planned.channel_id)
            mend = "name it in notifications.channels again, or restart the Notifier if it is there"
            _log.critical("notification_channel_unknown", channel_id=planned.channel_id, reason=reason, mend=mend)
        try:
            if self._now() < planned.due_at + _STRAYS_WAIT:
                await self._delivery.put_off(planned, self._now() + _STRAY_PAUSE, reason)
            else:
                await self._delivery.refuse(planned, reason)
        except StorageError as error:
            _log.warning("notification_put_off", message_id=planned.message_id, reason=str(error))
