"""The message store: what is to be told whom, who has it in hand, and what became of it."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.safety.messages import UNFINISHED, MessageKind, MessageState, PlannedMessage
from cluster.safety.redaction import redact
from cluster.storage.message_counts import MessageCounts, dead_letters, message_counts
from cluster.storage.message_plans import messages_of
from cluster.storage.message_rows import planned_message
from cluster.storage.quiet import keep_quiet_until_its_end
from cluster.storage.tables import TO_BE_TRIED, events, messages
from cluster.storage.transactions import Transactions

_LONGEST_ERROR = 300
_IN_HAND = (MessageState.SENDING.value, MessageState.SENT.value)


class MessageStore:
    """Owned by whoever made the engine. Faults as in `EventStore`; repeating a call is safe.

    A message in hand has a claim that ends by the clock: who died with it leaves it to the next one. Where an `attempt`
    (`PlannedMessage.attempts`) is given, words about an attempt that was followed by another change nothing.
    """

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._transactions, self._now = Transactions(engine), now

    async def due(
        self,
        now: datetime,
        owner: str,
        claim_s: float,
        limit: int,
        channel_id: str | None = None,
        besides: Collection[str] = (),
        severity: str | None = None,
    ) -> list[PlannedMessage]:
        """Takes at most `limit` messages in hand that are due, for `claim_s` seconds: by priority, then the oldest.

        Only those to `channel_id`, if one is given (a channel that hangs keeps what it can carry and no more), and none
        to `besides`; only those of `severity`, if one is given. No two callers get the same one. What a former owner
        never answered for comes again, `uncertain`. The end of an episode waits until its channel has the beginning, or
        never will.
        """
        wanted: list[ColumnElement[bool]] = [messages.c.channel_id.not_in(besides)] if besides else []
        wanted += [messages.c.channel_id == channel_id] if channel_id is not None else []
        wanted += [messages.c.severity == severity] if severity is not None else []
        found = _due(now).where(*wanted).order_by(messages.c.priority, messages.c.next_try_at).limit(limit)
        if not await self._transactions.read(lambda connection: _ids(connection, found)):
            return []  # nobody's writes wait for a question that is asked several times a second
        claim = {
            "uncertain": or_(messages.c.uncertain, messages.c.state.in_(_IN_HAND)),
            "state": MessageState.SENDING.value,
            "attempts": messages.c.attempts + 1,
            "claimed_by": owner,
            "next_try_at": now + timedelta(seconds=claim_s),
        }

        async def work(connection: AsyncConnection) -> list[PlannedMessage]:
            taken = await _ids(connection, found.with_for_update(skip_locked=True, of=messages))
            query = update(messages).where(messages.c.message_id.in_(taken)).values(claim).returning(messages)
            rows = {row.message_id: planned_message(row) for row in await connection.execute(query)}
            return [rows[message_id] for message_id in taken]

        return await self._transactions.write(work)

    async def hold(self, message_ids: Collection[str], owner: str, until: datetime) -> None:
        """Who still works on these keeps them in hand until then; those that another took meanwhile stay his."""
        mine = and_(messages.c.message_id.in_(message_ids), messages.c.claimed_by == owner, _in_hand(None))
        query = update(messages).where(mine).values(next_try_at=until)
        await self._transactions.write(lambda connection: connection.execute(query))

    async def keep_quiet_until_its_end(self, now: datetime) -> int:
        """To be called when operators muted cameras or took that back: what waits for the end of a quiet waits for the
        one that holds now, or is due at once."""
        return await self._transactions.write(lambda connection: keep_quiet_until_its_end(connection, now))

    async def next_due(self) -> datetime | None:
        """When the next message becomes due, in the past if one is; None: none waits."""
        query = select(func.min(messages.c.next_try_at)).where(TO_BE_TRIED)
        moment: datetime | None = await self._transactions.read(lambda connection: connection.scalar(query))
        return moment

    async def sent(self, message_id: str) -> bool:
        """It is handed over from here on. Its claim goes on until the channel's answer is told.

        False, and it must not be handed over: nobody has it in hand, or its event was acknowledged meanwhile, and it is
        cancelled. (One that its channel has already is finished all the same.)
        """
        in_hand, has_none = messages.c.state == MessageState.SENDING.value, messages.c.thread == ""
        values = {"state": MessageState.SENT.value, "sent_at": self._now()}
        needless = {"state": MessageState.CANCELLED.value, **_ended(self._now())}

        async def work(connection: AsyncConnection) -> bool:
            if await _is_needless(connection, message_id):
                await _update(connection, message_id, and_(in_hand, has_none), needless)
            return await _update(connection, message_id, in_hand, values)

        return await self._transactions.write(work)

    async def named(self, message_id: str, thread: str) -> bool:
        """The channel has it and calls it so; its picture may follow. False: nobody has it in hand."""
        return await self._change(message_id, _in_hand(None), {"thread": thread})

    async def accepted(self, message_id: str, thread: str = "") -> bool:
        """The channel took it and calls it `thread`, whatever was thought of it before; False if that was known."""
        now = self._now()
        kept = messages.c.state == MessageState.ACKNOWLEDGED.value
        values = {
            "state": case((kept, messages.c.state), else_=MessageState.ACCEPTED.value),
            "thread": thread,
            "last_error": "",
            "sent_at": func.coalesce(messages.c.sent_at, now),
            "accepted_at": now,
            **_ended(now),
        }
        return await self._change(message_id, messages.c.accepted_at.is_(None), values)

    async def retry(
        self, message_id: str, at: datetime, error: str, uncertain: bool = False, attempt: int | None = None
    ) -> bool:
        """The channel did not take it; it is tried again `at`. `uncertain`: it may have arrived all the same.

        One whose event was acknowledged meanwhile is cancelled instead. False: nobody has it in hand.
        """
        again = {
            "state": MessageState.WAITING.value,
            "next_try_at": at,
            "claimed_by": "",
            "last_error": _public(error),
            "uncertain": or_(messages.c.uncertain, literal(uncertain)),
        }
        needless = {"state": MessageState.CANCELLED.value, "last_error": _public(error), **_ended(self._now())}

        async def work(connection: AsyncConnection) -> bool:
            values = needless if await _is_needless(connection, message_id) else again
            return await _update(connection, message_id, _in_hand(attempt), values)

        return await self._transactions.write(work)

    async def failed(self, message_id: str, error: str, attempt: int | None = None) -> bool:
        """Given up: a dead letter. False: it was finished, or nobody has it in hand."""
        values = {"state": MessageState.FAILED.value, "last_error": _public(error), **_ended(self._now())}
        return await self._change(message_id, _in_hand(attempt), values)

    async def cancelled(self, message_id: str) -> bool:
        """Not needed any more. False: it was finished before."""
        unfinished = messages.c.state.in_([state.value for state in (*UNFINISHED, MessageState.MUTED)])
        values = {"state": MessageState.CANCELLED.value, **_ended(self._now())}
        return await self._change(message_id, unfinished, values)

    async def of_event(self, event_id: str) -> list[PlannedMessage]:
        """All messages of an event, in the order in which they were planned."""
        return await self._transactions.read(lambda connection: messages_of(connection, event_id))

    async def thread_of(self, event_id: str, channel_id: str) -> str:
        """What the channel called the first message of this event that it took, "" if nothing yet."""
        query = select(messages.c.thread).where(
            messages.c.event_id == event_id, messages.c.channel_id == channel_id, messages.c.thread != ""
        )
        first = query.order_by(messages.c.accepted_at).limit(1)
        return await self._transactions.read(lambda connection: connection.scalar(first)) or ""

    async def counts(self, now: datetime) -> MessageCounts:
        """How many messages are where, and how late the oldest is."""
        return await self._transactions.read(lambda connection: message_counts(connection, now))

    async def dead(self, now: datetime) -> list[PlannedMessage]:
        """The dead letters of the last 24 h, the newest first, at most 100."""
        rows = await self._transactions.read(lambda connection: dead_letters(connection, now))
        return [planned_message(row) for row in rows]

    async def _change(self, message_id: str, where: ColumnElement[bool], values: dict[str, Any]) -> bool:
        return await self._transactions.write(lambda connection: _update(connection, message_id, where, values))


def _due(now: datetime) -> Select[tuple[str]]:
    beginning = messages.alias()
    unfinished = [state.value for state in UNFINISHED]
    begun = exists().where(
        beginning.c.event_id == messages.c.event_id,
        beginning.c.channel_id == messages.c.channel_id,
        beginning.c.kind != MessageKind.CLOSED.value,
        beginning.c.state.in_(unfinished),
        beginning.c.due_at <= messages.c.due_at,
    )
    may_go = or_(messages.c.kind != MessageKind.CLOSED.value, ~begun)
    return select(messages.c.message_id).where(TO_BE_TRIED, messages.c.next_try_at <= now, may_go)


def _in_hand(attempt: int | None) -> ColumnElement[bool]:
    in_hand = messages.c.state.in_(_IN_HAND)
    return in_hand if attempt is None else and_(in_hand, messages.c.attempts == attempt)


def _ended(now: datetime) -> dict[str, Any]:
    return {"next_try_at": None, "claimed_by": "", "ended_at": now}


async def _ids(connection: AsyncConnection, query: Select[tuple[str]]) -> Sequence[str]:
    return [row.message_id for row in await connection.execute(query)]


async def _update(
    connection: AsyncConnection, message_id: str, where: ColumnElement[bool], values: dict[str, Any]
) -> bool:
    query = update(messages).where(messages.c.message_id == message_id, where).values(values)
    return (await connection.execute(query.returning(messages.c.message_id))).first() is not None


async def _is_needless(connection: AsyncConnection, message_id: str) -> bool:
    """Whether somebody acknowledged the event; the lock makes an acknowledgement that is under way come first."""
    query = (
        select(events.c.acknowledged_at)
        .join(messages, messages.c.event_id == events.c.event_id)
        .where(messages.c.message_id == message_id, messages.c.kind != MessageKind.CLOSED.value)
        .with_for_update(read=True, of=events)
    )
    return (await connection.execute(query)).scalar() is not None


def _public(text: str) -> str:
    return redact(" ".join(text.replace("\x00", "").split()))[:_LONGEST_ERROR]
