"""Acknowledgements in the transactions of their events, on SQLite and on a real PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from counterparts.databases import MakeEvent
from counterparts.locks import somebody_waits_for_a_lock
from counterparts.planned_messages import OPENED, PLANNER, by_link, closed, said, short
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.events import Severity
from cluster.safety.messages import MessageState
from cluster.settings.site import SiteSettings
from cluster.storage.acknowledging import AcknowledgeOutcome
from cluster.storage.engine import create_engine
from cluster.storage.events import ChangeKind, EventStore
from cluster.storage.messages import MessageStore
from cluster.storage.tables import acknowledgements

pytestmark = pytest.mark.anyio
FIRST, ALREADY = AcknowledgeOutcome.FIRST, AcknowledgeOutcome.ALREADY


@pytest.fixture
def events(engine: AsyncEngine) -> EventStore:
    return EventStore(engine, PLANNER)


@pytest.fixture
def messages(engine: AsyncEngine) -> MessageStore:
    return MessageStore(engine)


async def test_the_first_word_holds_and_spares_the_others(
    events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    await events.record("gate-1", 1, [make_event(1), make_event(2)])
    [taken] = await messages.due(datetime.now(UTC), "notifier", 30, limit=1)
    assert taken.event_id == "event-001"

    assert await events.acknowledge(said("kim", remark="가는 중")) is FIRST
    assert await events.acknowledge(said("lee")) is ALREADY
    assert await events.acknowledge(said("lee", event_id="nobody")) is AcknowledgeOutcome.UNKNOWN

    stored = await events.get("event-001")
    assert stored is not None
    assert (stored.acknowledged_by, stored.acknowledged_remark, stored.acknowledged_way) == ("kim", "가는 중", "api")
    assert short(await messages.of_event("event-001")) == [
        ("opened", "room", "sending"),
        ("opened", "boss", "cancelled"),
    ]
    assert short(await messages.of_event("event-002")) == OPENED
    assert [(one.kind, one.event.event.event_id) for one in await events.changes_after(2)] == [
        (ChangeKind.ACKNOWLEDGED, "event-001")
    ]


async def test_who_is_told_of_the_end_is_told_also_after_somebody_acknowledged(
    events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    await events.record("gate-1", 1, [make_event(1)])
    [room] = await messages.due(datetime.now(UTC), "notifier", 30, limit=9)
    await messages.accepted(room.message_id)
    await events.acknowledge(by_link(1))

    await events.record("gate-1", 1, [closed(make_event(1), 2)])

    assert short(await messages.of_event("event-001")) == [
        ("opened", "room", "acknowledged"), ("opened", "boss", "cancelled"), ("closed", "room", "waiting"),
    ]  # fmt: skip


async def test_who_follows_the_link_has_the_message_whatever_the_channel_answers(
    events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    await events.record("gate-1", 1, [make_event(1)])
    [room] = await messages.due(datetime.now(UTC), "notifier", 30, limit=9)
    await messages.sent(room.message_id)

    await events.acknowledge(by_link(1))

    assert not await messages.retry(room.message_id, datetime.now(UTC), "no answer")
    assert await messages.accepted(room.message_id, "ts-1")
    found = (await messages.of_event("event-001"))[0]
    assert (found.state, found.thread, found.next_try_at) == (MessageState.ACKNOWLEDGED, "ts-1", None)
    assert found.accepted_at is not None


async def test_a_message_that_failed_after_somebody_acknowledged_is_not_tried_again(
    events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    await events.record("gate-1", 1, [make_event(1)])
    [room] = await messages.due(datetime.now(UTC), "notifier", 30, limit=9)
    await events.acknowledge(said("kim"))

    assert await messages.retry(room.message_id, datetime.now(UTC), "down")

    assert short(await messages.of_event("event-001"))[0] == ("opened", "room", "cancelled")


async def test_nobody_is_told_by_a_message_in_hand_when_somebody_acknowledged(
    events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    await events.record("gate-1", 1, [make_event(1)])
    later = datetime.now(UTC) + timedelta(minutes=2)
    room, boss = await messages.due(later, "dies", 30, limit=9)
    await messages.sent(room.message_id)
    await messages.named(room.message_id, "ts-1")
    await events.acknowledge(said("kim"))

    assert not await messages.sent(boss.message_id)
    [again] = await messages.due(later + timedelta(seconds=30), "lives", 30, limit=9)
    assert again.message_id == room.message_id
    assert await messages.sent(room.message_id)  # its channel has it: what is left is its picture
    assert short(await messages.of_event("event-001")) == [("opened", "room", "sent"), ("opened", "boss", "cancelled")]


async def test_a_retry_waits_for_an_acknowledgement_that_is_under_way(
    postgres_site: SiteSettings, make_event: MakeEvent
) -> None:
    engine = create_engine(postgres_site)
    events, messages = EventStore(engine, PLANNER), MessageStore(engine)
    await events.record("gate-1", 1, [make_event(1)])
    [room] = await messages.due(datetime.now(UTC), "notifier", 30, limit=9)
    async with engine.connect() as acknowledging:
        await acknowledging.execute(text("UPDATE events SET acknowledged_at = now()"))
        retrying = asyncio.create_task(messages.retry(room.message_id, datetime.now(UTC), "down"))
        await somebody_waits_for_a_lock(engine)
        await acknowledging.commit()
    await retrying

    assert short(await messages.of_event("event-001"))[0] == ("opened", "room", "cancelled")
    await engine.dispose()


@pytest.mark.parametrize("worse", [False, True])
async def test_news_needs_an_acknowledgement_of_its_own(
    engine: AsyncEngine, events: EventStore, messages: MessageStore, make_event: MakeEvent, worse: bool
) -> None:
    first = make_event(1, severity=Severity.WARNING)
    news = replace(first, revision=4, severity=Severity.CRITICAL) if worse else replace(first, revision=4)
    await events.record("gate-1", 1, [first])
    await events.acknowledge(said("kim"))
    await events.record("gate-1", 1, [replace(first, revision=2)])
    still = await events.get("event-001")
    await events.record("gate-1", 1, [*([] if worse else [closed(first, 3)]), news])

    again = await events.get("event-001")
    assert still is not None
    assert again is not None
    assert (still.acknowledged_by, still.occurrence) == ("kim", 1)
    assert (again.acknowledged_by, again.acknowledged_at, again.acknowledged_way) == (None, None, None)
    assert again.occurrence == 2
    assert await events.acknowledge(by_link(1)) is AcknowledgeOutcome.SUPERSEDED
    assert await events.acknowledge(by_link(2)) is FIRST
    async with engine.connect() as connection:
        kept = [
            (row.occurrence, row.acknowledged_by, row.way) for row in await connection.execute(select(acknowledgements))
        ]
    assert kept == [(1, "kim", "api"), (2, "room", "link")]
    assert {one.state for one in await messages.of_event("event-001")} == {MessageState.CANCELLED}


async def test_two_people_acknowledge_at_once_and_one_of_them_is_first(
    database_site: SiteSettings, make_event: MakeEvent
) -> None:
    engines = [create_engine(database_site) for _ in range(2)]
    await EventStore(engines[0], PLANNER).record("gate-1", 1, [make_event(1)])

    outcomes = await asyncio.gather(
        *(EventStore(engine).acknowledge(said(name)) for engine, name in zip(engines, ("kim", "lee"), strict=True))
    )

    assert sorted(outcomes) == [ALREADY, FIRST]
    assert await EventStore(engines[0]).last_change() == 2
    for engine in engines:
        await engine.dispose()
