"""How the delivery of messages stands: what waits, what became of it lately, and the dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.messages import MessageKind, MessageState
from cluster.storage.tables import TO_BE_TRIED, messages

LATELY = timedelta(hours=24)
_MOST_DEAD = 100


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """`by_state`: messages that are not finished, and those that finished in the last 24 h. `late_s`: how long the
    oldest one that should have been tried waits, 0: none does."""

    by_state: Mapping[MessageState, int]
    late_s: float


async def message_counts(connection: AsyncConnection, now: datetime) -> MessageCounts:
    """Costs what is unfinished or of the last 24 h."""
    lately = messages.c.ended_at >= now - LATELY
    by_state = select(messages.c.state, func.count()).where(or_(TO_BE_TRIED, lately)).group_by(messages.c.state)
    # The end of an episode may wait for its beginning, which is counted itself.
    first = select(func.min(messages.c.next_try_at)).where(TO_BE_TRIED, messages.c.kind != MessageKind.CLOSED.value)
    found = {MessageState(state): count for state, count in await connection.execute(by_state)}
    oldest = await connection.scalar(first)
    return MessageCounts(found, max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)


async def dead_letters(connection: AsyncConnection, now: datetime) -> Sequence[Row[Any]]:
    """Rows of what was given up in the last 24 h, the newest first, at most 100."""
    lately, failed = messages.c.ended_at >= now - LATELY, messages.c.state == MessageState.FAILED.value
    query = select(messages).where(lately, failed).order_by(messages.c.ended_at.desc()).limit(_MOST_DEAD)
    return (await connection.execute(query)).all()
