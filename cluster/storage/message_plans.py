"""Writes what an event asks to be told, in the transaction of the event. Whom and when, the planner knows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog
from sqlalchemy import case, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.events import SafetyEvent
from cluster.safety.messages import MessageState, Plan, PlannedMessage, Situation
from cluster.storage.message_rows import message_values, planned_message
from cluster.storage.overrides import mutes_of
from cluster.storage.tables import messages
from cluster.storage.upsert import insert_into

_log = structlog.get_logger()
_WAITING = (MessageState.WAITING.value, MessageState.MUTED.value)


class Planner(Protocol):
    """The rules of the site (`cluster.notifications.planning.MessagePlanner`)."""

    def concerns(self, event: SafetyEvent) -> bool:
        """Whether `plan` could ask for anything; False costs the database nothing."""
        ...

    def plan(self, situation: Situation) -> Plan: ...


async def plan_messages(
    connection: AsyncConnection, planner: Planner, event: SafetyEvent, occurrence: int, is_news: bool
) -> None:
    """Plans for `event`, which has just become the newest revision; its row is locked.

    An event whose messages cannot be planned is recorded all the same. A database that fails takes both back: the
    camera keeps the event and tells it again.
    """
    try:
        if not planner.concerns(event):
            return
        situation = await _situation(connection, event, occurrence, is_news)
        plan = planner.plan(situation)
        async with connection.begin_nested():
            await _write(connection, plan, situation.now)
    except (DataError, IntegrityError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        # The border of what the rules may break. Never the row of an event, and never in silence.
        _log.critical(
            "messages_not_planned",
            event_id=event.event_id,
            correlation_id=event.correlation_id,
            reason=f"{type(error).__name__}: {error}",
            exc_info=True,
        )


async def give_up_messages(connection: AsyncConnection, message_ids: Sequence[str], now: datetime) -> None:
    """Messages that nobody has in hand become needless; muted ones stay muted."""
    if not message_ids:
        return
    muted = messages.c.state == MessageState.MUTED.value
    values = {
        "state": case((muted, MessageState.MUTED.value), else_=MessageState.CANCELLED.value),
        "next_try_at": None,
        "ended_at": now,
    }
    still = (messages.c.message_id.in_(message_ids), messages.c.state.in_(_WAITING))
    await connection.execute(update(messages).where(*still).values(values))


async def messages_of(connection: AsyncConnection, event_id: str) -> list[PlannedMessage]:
    """All messages of an event, in the order in which they were planned."""
    query = select(messages).where(messages.c.event_id == event_id)
    rows = await connection.execute(query.order_by(messages.c.created_at, messages.c.due_at, messages.c.message_id))
    return [planned_message(row) for row in rows]


async def _situation(connection: AsyncConnection, event: SafetyEvent, occurrence: int, is_news: bool) -> Situation:
    now = datetime.now(UTC)
    return Situation(
        event=event,
        occurrence=occurrence,
        is_news=is_news,
        told=await messages_of(connection, event.event_id),
        mutes=await mutes_of(connection, event.camera_id, now),
        now=now,
    )


async def _write(connection: AsyncConnection, plan: Plan, now: datetime) -> None:
    for message in plan.new:
        query = insert_into(connection, messages, message_values(message))
        await connection.execute(query.on_conflict_do_nothing(index_elements=[messages.c.message_id]))
    await give_up_messages(connection, plan.needless, now)
