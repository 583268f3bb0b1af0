"""Writes what an event asks to be told, in the transaction of the event. Whom and when, the planner knows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog
from sqlalchemy import case, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.events import SafetyEvent
from cluster.safety.messages import MessageKind, MessageState, Plan, PlannedMessage, Situation
from cluster.safety.redaction import redact
from cluster.storage.faults import FAULTS
from cluster.storage.message_rows import message_values, planned_message
from cluster.storage.overrides import mutes_of
from cluster.storage.tables import messages
from cluster.storage.upsert import insert_into

_log = structlog.get_logger()
_LONGEST_REASON = 300
NOT_PLANNED = "-"
"""The channel of a dead letter that never had one."""
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

    An event whose messages cannot be planned is recorded all the same, with a dead letter that says so, which is an
    alarm. A database that fails takes both back: the camera keeps the event and tells it again.
    """
    try:
        if not planner.concerns(event):
            return
        situation = await _situation(connection, event, occurrence, is_news)
        plan = planner.plan(situation)
        if plan != Plan():
            async with connection.begin_nested():
                await _write(connection, plan, situation.now)
    # The border of what rules may break: never the row of an event, and never in silence.
    except Exception as error:
        if _is_of_the_database(error):
            raise
        await _tell_not_planned(connection, event, occurrence, f"{type(error).__name__}: {error}")


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


def _is_of_the_database(error: Exception) -> bool:
    """Whether the database failed, rather than refused what it was given."""
    if isinstance(error, StatementError):
        return isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError)
    return isinstance(error, FAULTS)


async def _tell_not_planned(connection: AsyncConnection, event: SafetyEvent, occurrence: int, reason: str) -> None:
    named = {"event_id": event.event_id, "correlation_id": event.correlation_id}
    _log.critical("messages_not_planned", **named, reason=reason)
    now = datetime.now(UTC)
    letter = PlannedMessage(
        message_id=f"{event.event_id}-{occurrence}-not-planned",
        event_id=event.event_id,
        kind=MessageKind.OPENED,
        occurrence=occurrence,
        rule="",
        step=0,
        channel_id=NOT_PLANNED,
        state=MessageState.FAILED,
        severity=event.severity,
        correlation_id=event.correlation_id,
        due_at=now,
        created_at=now,
        captured_at=event.updated_at,
        last_error=redact(f"its messages could not be planned: {reason}")[:_LONGEST_REASON],
    )
    query = insert_into(connection, messages, {**message_values(letter), "ended_at": now})
    await connection.execute(query.on_conflict_do_nothing(index_elements=[messages.c.message_id]))


async def _situation(connection: AsyncConnection, event: SafetyEvent, occurrence: int, is_news: bool) -> Situation:
    now = datetime.now(UTC)
    return Situation(
        event=event,
        occurrence=occurrence,
        is_news=is_news,
        told=() if is_news and occurrence == 1 else await messages_of(connection, event.event_id),
        mutes=await mutes_of(connection, event.camera_id, now),
        now=now,
    )


async def _write(connection: AsyncConnection, plan: Plan, now: datetime) -> None:
    if plan.new:
        query = insert_into(connection, messages, [message_values(message) for message in plan.new])
        await connection.execute(query.on_conflict_do_nothing(index_elements=[messages.c.message_id]))
    await give_up_messages(connection, plan.needless, now)
