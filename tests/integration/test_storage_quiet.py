"""Messages of muted cameras wait for the end of the quiet, on SQLite and on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta

import pytest
from counterparts.databases import MakeEvent
from counterparts.planned_messages import PLANNER, closed, short
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.messages import MessageState
from cluster.storage.events import EventStore
from cluster.storage.messages import MessageStore
from cluster.storage.overrides import ALL_CAMERAS, Override, OverrideField, OverrideStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def events(engine: AsyncEngine) -> EventStore:
    return EventStore(engine, PLANNER)


@pytest.fixture
def messages(engine: AsyncEngine) -> MessageStore:
    return MessageStore(engine)


async def test_quiet_is_kept_for_who_is_muted(
    engine: AsyncEngine, events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    words = OverrideStore(engine)
    await words.put(Override("gate-1", OverrideField.MUTED, True, "kim", until=until))
    await words.put(Override(ALL_CAMERAS, OverrideField.MUTED, True, "kim", until=until - timedelta(days=1)))
    await events.record("gate-1", 1, [make_event(1)])
    await words.clear("gate-1", OverrideField.MUTED, "kim")
    await events.record("gate-1", 1, [make_event(2)])

    muted, told = await messages.of_event("event-001"), await messages.of_event("event-002")

    assert {one.state for one in muted} == {MessageState.MUTED}
    assert {one.state for one in told} == {MessageState.WAITING}
    assert muted[0].due_at == until
    due = await messages.due(until, "notifier", 30, limit=9)
    assert [(one.event_id, one.channel_id) for one in due] == [
        ("event-002", "room"), ("event-002", "boss"), ("event-001", "room"),
    ]  # fmt: skip
    await events.record("gate-1", 1, [closed(make_event(1), 2)])
    assert ("opened", "boss", "muted") in short(await messages.of_event("event-001"))
    assert await messages.due(until + timedelta(seconds=20), "notifier", 1, limit=9) == []


async def test_a_quiet_that_is_moved_or_ended_takes_what_waits_for_its_end_along(
    engine: AsyncEngine, events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    now = datetime.now(UTC)
    soon, late = now + timedelta(minutes=5), now + timedelta(hours=5)
    words = OverrideStore(engine)
    await words.put(Override("gate-1", OverrideField.MUTED, True, "kim", until=soon))
    await events.record("gate-1", 1, [make_event(1)])

    async def due() -> list[tuple[str, datetime]]:
        await messages.keep_quiet_until_its_end(now)
        return [(one.state.value, one.due_at) for one in await messages.of_event("event-001")]

    minute = timedelta(seconds=60)
    await words.put(Override(ALL_CAMERAS, OverrideField.MUTED, True, "kim", until=late))
    assert await due() == [("muted", late), ("muted", late + minute)]
    await words.clear(ALL_CAMERAS, OverrideField.MUTED, "kim")
    assert await due() == [("muted", soon), ("muted", soon + minute)]
    await words.clear("gate-1", OverrideField.MUTED, "kim")
    assert await due() == [("waiting", now), ("waiting", now + minute)]


async def test_what_is_left_of_a_quiet_that_has_ended_keeps_its_time_whoever_is_muted_then(
    engine: AsyncEngine, events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    until, minute = datetime.now(UTC) + timedelta(minutes=5), timedelta(seconds=60)
    words = OverrideStore(engine)
    await words.put(Override("gate-1", OverrideField.MUTED, True, "kim", until=until))
    await events.record("gate-1", 1, [make_event(1)])
    [room] = await messages.due(until, "notifier", 30, limit=9)
    await messages.accepted(room.message_id)

    await words.put(Override("gate-2", OverrideField.MUTED, True, "kim", until=until + 9 * minute))
    for at in (until + minute / 2, until + 2 * minute):
        await messages.keep_quiet_until_its_end(at)
        [_, boss] = await messages.of_event("event-001")
        assert (boss.state.value, boss.due_at, boss.next_try_at) == ("waiting", until + minute, until + minute)


async def test_what_waits_for_an_end_that_has_come_is_not_put_off_by_a_word_about_another_camera(
    engine: AsyncEngine, events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    until, minute = datetime.now(UTC) + timedelta(minutes=5), timedelta(seconds=60)
    await OverrideStore(engine).put(Override("gate-1", OverrideField.MUTED, True, "kim", until=until))
    await events.record("gate-1", 1, [make_event(1)])
    assert await messages.keep_quiet_until_its_end(until - minute) == 0, "nothing has changed, nothing is written"

    assert await messages.keep_quiet_until_its_end(until + minute / 2) == 2

    assert [one.due_at for one in await messages.of_event("event-001")] == [until, until + minute]
