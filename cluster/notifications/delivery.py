"""One message through its life: written, handed over, its picture after it, its end kept. Knows no Ray.

Between any two steps the process may die. What was in hand then comes again as `uncertain`, and every step may be
repeated: the channel recognises the message where it can, and where it cannot, twice is better than never.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from cluster.notifications.journal import count, count_attempt, named, observe, tell
from cluster.notifications.lane import Lane
from cluster.notifications.message import MessageKind, MessageState, Outgoing
from cluster.notifications.pacing import Patience
from cluster.notifications.snapshots import PENDING, Events, Snapshots
from cluster.notifications.waiting import pause
from cluster.notifications.writing import Kept, Writing
from cluster.safety.errors import ChannelRefused, ChannelUnavailable, DatabaseUnavailable, StorageError
from cluster.safety.events import EpisodeState
from cluster.safety.messages import PlannedMessage
from cluster.safety.redaction import redact

_log = structlog.get_logger()
FOLLOW_S = 30.0
"""So long a message that was taken waits for its picture; then it is accepted without."""
_PICTURE_TRIES = 4
_BETWEEN_TRIES_S, _BETWEEN_WRITES_S = 1.0, 1.0


class Messages(Protocol):
    """What `Delivery` asks of `cluster.storage.messages.MessageStore`."""

    async def sent(self, message_id: str) -> bool: ...

    async def named(self, message_id: str, thread: str) -> bool: ...

    async def accepted(self, message_id: str, thread: str = "") -> bool: ...

    async def retry(
        self, message_id: str, at: datetime, error: str, uncertain: bool = False, attempt: int | None = None
    ) -> bool: ...

    async def failed(self, message_id: str, error: str, attempt: int | None = None) -> bool: ...

    async def cancelled(self, message_id: str) -> bool: ...

    async def thread_of(self, event_id: str, channel_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that its channel took and calls `name`."""

    planned: PlannedMessage
    outgoing: Outgoing
    name: str
    kept: Kept


class Delivery:
    """Any number of messages at once. `stopping` ends every pause."""

    def __init__(
        self,
        store: Messages,
        events: Events,
        snapshots: Snapshots,
        writing: Writing,
        patience: Patience,
        picture_wait_s: float,
    ) -> None:
        self._store, self._events, self._snapshots = store, events, snapshots
        self._writing, self._patience, self._picture_wait_s = writing, patience, picture_wait_s
        self._now: Callable[[], datetime] = writing.now
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """What waits goes on at once, or is left to the next process."""
        self._stopping.set()
        self._snapshots.hurry()

    async def hand_over(self, planned: PlannedMessage, lane: Lane) -> Taken | None:
        """Sends it; None: it did not go out, and what becomes of it is kept.

        Raises:
            StorageError: before anything was sent; the claim runs out, and it comes again.
        """
        try:
            written = await self._written(planned, lane)
        except StorageError:
            raise
        # The border of one message: one that cannot be written must not come again for ever with nobody the wiser.
        except Exception as error:  # noqa: BLE001
            _log.exception("notification_broken", **named(planned), reason=type(error).__name__)
            await self._again(planned, lane, ChannelUnavailable(f"not written: {type(error).__name__}"))
            return None
        if written is None:
            return None
        kept, outgoing = written
        # The name of a message that an earlier process handed over: only its picture was not finished.
        name = planned.thread or await self._send(planned, outgoing, lane)
        return Taken(planned, outgoing, name, kept) if name is not None else None

    async def put_off(self, planned: PlannedMessage, at: datetime, reason: str) -> None:
        """It waits until `at`, and whoever then takes it in hand tries it."""
        await self._kept(lambda: self._store.retry(planned.message_id, at, reason, False, planned.attempts))

    async def finish(self, taken: Taken, lane: Lane) -> None:
        """The picture follows where it can, and what the channel said is kept, however long the database is away."""
        if lane.picture_follows and taken.planned.kind is not MessageKind.CLOSED:
            await self._kept(lambda: self._store.named(taken.planned.message_id, taken.name))
            if not await self._follow(taken, lane):
                return
        await self._kept(lambda: self._store.accepted(taken.planned.message_id, taken.name))
        count(taken.planned, MessageState.ACCEPTED)

    async def refuse(self, planned: PlannedMessage, reason: str) -> None:
        """Gives it up: a dead letter."""
        await self._kept(lambda: self._store.failed(planned.message_id, reason, planned.attempts))
        count(planned, MessageState.FAILED)
        _log.critical("notification_dead_letter", **named(planned), attempts=planned.attempts, reason=redact(reason))

    async def _written(self, planned: PlannedMessage, lane: Lane) -> tuple[Kept, Outgoing] | None:
        """What goes out, and from here on it may have; None: it is not needed any more."""
        kept = await self._still_true(planned)
        if kept is None:
            return None
        outgoing = await self._outgoing(planned, kept, lane)
        if not await self._store.sent(planned.message_id):
            return None  # acknowledged meanwhile, say
        if planned.kind is MessageKind.CLOSED and await self._still_true(planned) is None:
            return None
        return kept, outgoing

    async def _still_true(self, planned: PlannedMessage) -> Kept | None:
        """Its event; None: it is gone, or it opened again, and an all-clear would be a lie. Then it is cancelled."""
        kept = await self._events.get(planned.event_id)
        if kept is None:
            reason = "its event is gone"
        elif planned.kind is MessageKind.CLOSED and kept.event.state is not EpisodeState.CLOSED:
            reason = "its event is open again"
        else:
            return kept
        await self._store.cancelled(planned.message_id)
        tell("notification_cancelled", planned, reason=reason)
        return None

    async def _outgoing(self, planned: PlannedMessage, kept: Kept, lane: Lane) -> Outgoing:
        picture = None
        if lane.carries_picture and planned.kind is not MessageKind.CLOSED:
            waited_s = (self._now() - planned.due_at).total_seconds()
            picture = await self._snapshots.of(kept, self._picture_wait_s - max(0.0, waited_s))
        thread = await self._store.thread_of(planned.event_id, planned.channel_id)
        return self._writing.outgoing(planned, kept, lane.settings.language, picture, thread)

    async def _send(self, planned: PlannedMessage, outgoing: Outgoing, lane: Lane) -> str | None:
        """What the channel calls it; None: it did not take it."""
        if planned.attempts == 1:
            observe(planned, "planned", planned.created_at)
            observe(planned, "sent", self._now())
        try:
            name = await lane.send(outgoing)
        except ChannelRefused as error:
            count_attempt(planned, "refused")
            await self.refuse(planned, str(error))
        except ChannelUnavailable as error:
            await self._again(planned, lane, error)
        # The border of the channel: a fault of a library must not end the telling of everybody else.
        except Exception as error:  # noqa: BLE001
            _log.exception("notification_channel_broken", **named(planned))
            reason = f"channel {planned.channel_id}: {type(error).__name__}"
            await self._again(planned, lane, ChannelUnavailable(reason, uncertain=True))
        else:
            count_attempt(planned, "accepted")
            observe(planned, "accepted", self._now())
            tell("notification_taken", planned, attempt=planned.attempts)
            return name
        return None

    async def _again(self, planned: PlannedMessage, lane: Lane, error: ChannelUnavailable) -> None:
        count_attempt(planned, "retry")
        if error.retry_after_s:
            lane.pace.hold(error.retry_after_s)
        at = self._patience.next_try(self._now(), planned.due_at, planned.attempts, error.retry_after_s)
        if at is None:
            await self.refuse(planned, str(error))
            return
        await self._kept(
            lambda: self._store.retry(planned.message_id, at, str(error), error.uncertain, planned.attempts)
        )
        _log.warning(
            "notification_retried",
            **named(planned),
            attempt=planned.attempts,
            retry_in_s=round((at - self._now()).total_seconds(), 1),
            reason=str(error),
        )

    async def _follow(self, taken: Taken, lane: Lane) -> bool:
        """False: the process stops before the picture came, and the next one goes on with it. Otherwise the message
        was taken, and a picture that does not come, or is not taken, changes nothing about that."""
        picture = await self._snapshots.of(taken.kept, FOLLOW_S)
        if picture is not None:
            await self._send_picture(replace(taken.outgoing, picture=picture), taken, lane)
        elif taken.kept.snapshot_state == PENDING:
            tell("notification_without_picture", taken.planned)
            return not self._stopping.is_set()
        return True

    async def _send_picture(self, outgoing: Outgoing, taken: Taken, lane: Lane) -> None:
        for attempt in range(1, _PICTURE_TRIES + 1):
            try:
                return await lane.send_picture(outgoing, taken.name)
            except ChannelUnavailable as error:
                outgoing = replace(outgoing, uncertain=True)
                await self._picture_failed(taken, error, attempt)
            # The border of the channel, as in `_send`.
            except Exception as error:  # noqa: BLE001
                _log.warning("notification_picture_lost", **named(taken.planned), reason=redact(str(error)))
                return None
        return None

    async def _picture_failed(self, taken: Taken, error: ChannelUnavailable, attempt: int) -> None:
        event = "notification_picture_lost" if attempt == _PICTURE_TRIES else "notification_picture_retried"
        _log.warning(event, **named(taken.planned), attempt=attempt, reason=str(error))
        await pause(self._stopping, max(_BETWEEN_TRIES_S * attempt, min(error.retry_after_s or 0.0, FOLLOW_S)))

    async def _kept(self, write: Callable[[], Awaitable[bool]]) -> None:
        """Until the database has it: what was forgotten would be sent a second time. Ends when the process stops."""
        while True:
            try:
                await write()
            except DatabaseUnavailable as error:
                _log.warning("notification_not_kept", reason=str(error))
            else:
                return
            if self._stopping.is_set():
                return
            await pause(self._stopping, _BETWEEN_WRITES_S)
