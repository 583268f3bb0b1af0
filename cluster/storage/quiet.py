"""Messages that wait for the end of a quiet, when operators move that end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.events import Severity
from cluster.safety.messages import MessageKind, MessageState
from cluster.storage.overrides import mutes_of
from cluster.storage.tables import TO_BE_TRIED, events, messages

_NEEDED = ("message_id", "event_id", "state", "due_at", "next_try_at", "severity")


async def keep_quiet_until_its_end(connection: AsyncConnection, now: datetime) -> int:
    """Puts off what is muted to the end that holds now; where there is no quiet any more it becomes due. Says how much.

    The first person is told at that moment, the next ones as much later as they would have been. Where the first was
    told already (the quiet has ended by the clock), the next ones wait for their time like everything else, and no
    later word makes them quiet again: nobody acknowledged.
    """
    columns = (*(messages.c[name] for name in _NEEDED), events.c.camera_id, _is_told().label("is_told"))
    query = (
        select(*columns)
        .join(events, events.c.event_id == messages.c.event_id)
        .where(TO_BE_TRIED, messages.c.state == MessageState.MUTED.value)
        .order_by(messages.c.event_id)
    )
    rows = (await connection.execute(query)).all()
    changed = 0
    for _, of_event in groupby(rows, key=lambda row: row.event_id):
        changed += await _move(connection, list(of_event), now)
    return changed


async def _move(connection: AsyncConnection, rows: Sequence[Any], now: datetime) -> int:
    mutes = await mutes_of(connection, rows[0].camera_id, now)
    first = min(row.due_at for row in rows)
    moved = [(row, _moved(row, row.due_at - first, mutes, now)) for row in rows]
    changed = [(row, values) for row, values in moved if any(getattr(row, key) != values[key] for key in values)]
    for row, values in changed:
        still = (messages.c.message_id == row.message_id, messages.c.state == MessageState.MUTED.value)
        await connection.execute(update(messages).where(*still).values(values))
    return len(changed)


def _is_told() -> ColumnElement[bool]:
    """Whether the first person of this occurrence is told already, or about to be."""
    other = messages.alias()
    return exists().where(
        other.c.event_id == messages.c.event_id,
        other.c.occurrence == messages.c.occurrence,
        other.c.kind != MessageKind.CLOSED.value,
        other.c.state != MessageState.MUTED.value,
    )


def _moved(row: Any, later: timedelta, mutes: Sequence[datetime | None], now: datetime) -> dict[str, Any]:
    if row.is_told:
        return {"state": MessageState.WAITING.value}
    ends = [end for end in mutes if end is not None]
    if len(ends) < len(mutes) and row.severity != Severity.CRITICAL.value:
        return {"next_try_at": None}
    due_at = max(ends) + later if ends else min(row.due_at, now + later)
    state = MessageState.MUTED if ends else MessageState.WAITING
    return {"state": state.value, "due_at": due_at, "next_try_at": due_at}
