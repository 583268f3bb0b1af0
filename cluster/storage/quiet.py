"""Messages that wait for the end of a quiet, when operators move that end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.events import Severity
from cluster.safety.messages import MessageState
from cluster.storage.overrides import mutes_of
from cluster.storage.tables import TO_BE_TRIED, events, messages


async def keep_quiet_until_its_end(connection: AsyncConnection, now: datetime) -> int:
    """Puts off what is muted to the end that holds now; where there is no quiet any more it becomes due. Says how much.

    The first person is told at that moment, the next ones as much later as they would have been.
    """
    query = (
        select(messages.c.message_id, messages.c.event_id, messages.c.due_at, messages.c.severity, events.c.camera_id)
        .join(events, events.c.event_id == messages.c.event_id)
        .where(TO_BE_TRIED, messages.c.state == MessageState.MUTED.value)
        .order_by(messages.c.event_id)
    )
    rows = (await connection.execute(query)).all()
    for _, of_event in groupby(rows, key=lambda row: row.event_id):
        await _move(connection, list(of_event), now)
    return len(rows)


async def _move(connection: AsyncConnection, rows: Sequence[Any], now: datetime) -> None:
    mutes = await mutes_of(connection, rows[0].camera_id, now)
    first = min(row.due_at for row in rows)
    for row in rows:
        still = (messages.c.message_id == row.message_id, messages.c.state == MessageState.MUTED.value)
        values = _moved(row, row.due_at - first, mutes, now)
        await connection.execute(update(messages).where(*still).values(values))


def _moved(row: Any, later: timedelta, mutes: Sequence[datetime | None], now: datetime) -> dict[str, Any]:
    ends = [end for end in mutes if end is not None]
    if len(ends) < len(mutes) and row.severity != Severity.CRITICAL.value:
        return {"next_try_at": None}
    due_at = max(ends, default=now) + later
    state = MessageState.MUTED if ends else MessageState.WAITING
    return {"state": state.value, "due_at": due_at, "next_try_at": due_at}
