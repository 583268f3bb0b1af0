"""The transaction in which somebody acknowledges an event, and nobody else needs to be told any more."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cluster.safety.messages import MessageKind, MessageState
from cluster.storage.change_log import append_changes
from cluster.storage.message_plans import give_up_messages
from cluster.storage.records import ChangeKind
from cluster.storage.tables import TO_BE_TRIED, acknowledgements, events, messages
from cluster.storage.upsert import insert_into


class AcknowledgeWay(StrEnum):
    """How somebody acknowledged. api: by a name that he gave himself. link: by the signed link in a message.
    signed_in: by who is signed in, or whose token it was."""

    API = "api"
    LINK = "link"
    SIGNED_IN = "signed_in"


class AcknowledgeOutcome(StrEnum):
    """first: nobody had before. already: somebody had; that word stays. superseded: there is newer news about the
    event, of which the link that was used does not tell. unknown: no such event."""

    FIRST = "first"
    ALREADY = "already"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who acknowledges what. `occurrence` None: whatever is last news; `channel_id`: whose link it was, "" for none.
    `by` and `remark` are shown to everybody and bounded by whoever takes them from outside."""

    event_id: str
    by: str
    remark: str
    way: AcknowledgeWay
    at: datetime
    occurrence: int | None = None
    channel_id: str = ""


async def acknowledge(connection: AsyncConnection, said: Acknowledgement) -> AcknowledgeOutcome:
    """Keeps the first word about an occurrence; cancels the messages that nobody has in hand yet."""
    taken = await _take(connection, said)
    if taken is not None:
        await _keep(connection, said, taken.occurrence)
        await _spare_the_others(connection, said)
    outcome = AcknowledgeOutcome.FIRST if taken is not None else await _why_not(connection, said)
    if said.channel_id and outcome in (AcknowledgeOutcome.FIRST, AcknowledgeOutcome.ALREADY):
        await _mark_message(connection, said)
    if taken is not None:
        await append_changes(connection, ChangeKind.ACKNOWLEDGED, [(said.event_id, taken.revision)])
    return outcome


async def _take(connection: AsyncConnection, said: Acknowledgement) -> Row[tuple[int, int]] | None:
    where = [events.c.event_id == said.event_id, events.c.acknowledged_at.is_(None)]
    if said.occurrence is not None:
        where.append(events.c.occurrence == said.occurrence)
    values = {
        "acknowledged_by": said.by,
        "acknowledged_at": said.at,
        "acknowledged_remark": said.remark,
        "acknowledged_way": said.way.value,
    }
    query = update(events).where(*where).values(values).returning(events.c.revision, events.c.occurrence)
    return (await connection.execute(query)).first()


async def _keep(connection: AsyncConnection, said: Acknowledgement, occurrence: int) -> None:
    values = {
        "event_id": said.event_id,
        "occurrence": occurrence,
        "acknowledged_by": said.by,
        "acknowledged_at": said.at,
        "remark": said.remark,
        "way": said.way.value,
    }
    await connection.execute(insert_into(connection, acknowledgements, values).on_conflict_do_nothing())


async def _spare_the_others(connection: AsyncConnection, said: Acknowledgement) -> None:
    query = select(messages.c.message_id).where(
        messages.c.event_id == said.event_id, TO_BE_TRIED, messages.c.kind != MessageKind.CLOSED.value
    )
    waiting = [row.message_id for row in await connection.execute(query)]
    await give_up_messages(connection, waiting, said.at)


async def _mark_message(connection: AsyncConnection, said: Acknowledgement) -> None:
    """Who follows the link has the message, whatever the channel answered."""
    arrived = (MessageState.SENDING.value, MessageState.SENT.value, MessageState.ACCEPTED.value)
    query = update(messages).where(
        messages.c.event_id == said.event_id,
        messages.c.channel_id == said.channel_id,
        messages.c.kind != MessageKind.CLOSED.value,
        messages.c.state.in_(arrived),
    )
    values = {"state": MessageState.ACKNOWLEDGED.value, "next_try_at": None, "ended_at": said.at}
    await connection.execute(query.values(values))


async def _why_not(connection: AsyncConnection, said: Acknowledgement) -> AcknowledgeOutcome:
    query = select(events.c.occurrence).where(events.c.event_id == said.event_id)
    occurrence = (await connection.execute(query)).scalar()
    if occurrence is None:
        return AcknowledgeOutcome.UNKNOWN
    if said.occurrence is not None and said.occurrence != occurrence:
        return AcknowledgeOutcome.SUPERSEDED
    return AcknowledgeOutcome.ALREADY
