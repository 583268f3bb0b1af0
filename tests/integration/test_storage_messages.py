"""The message store on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from counterparts.databases import MakeEvent
from counterparts.events import NOON
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.events import Severity
from cluster.safety.messages import MessageKind, MessageState, PlannedMessage
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.message_rows import message_values
from cluster.storage.messages import MessageStore
from cluster.storage.tables import messages

pytestmark = pytest.mark.anyio


def message(number: int, **changed: Any) -> PlannedMessage:
    values: dict[str, Any] = {
        "message_id": f"m-{number:02}", "event_id": "event-001", "kind": MessageKind.OPENED, "occurrence": 1,
        "rule": "night", "step": 0, "channel_id": f"room-{number}", "state": MessageState.WAITING,
        "severity": Severity.CRITICAL, "correlation_id": "gate-1-1-1", "due_at": NOON, "created_at": NOON,
        "captured_at": NOON, "next_try_at": changed.get("due_at", NOON),
    }  # fmt: skip
    return PlannedMessage(**(values | changed))


async def plan(engine: AsyncEngine, planned: Sequence[PlannedMessage]) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.execute(insert(messages), [message_values(one) for one in planned])
        await connection.commit()


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(engine: AsyncEngine, make_event: MakeEvent, clock: Clock) -> MessageStore:
    await EventStore(engine).record("gate-1", 1, [make_event(1), make_event(2)])
    return MessageStore(engine, clock)


def _ids(found: Sequence[PlannedMessage]) -> list[str]:
    return [one.message_id for one in found]


async def test_what_is_due_comes_worst_first_and_once(engine: AsyncEngine, store: MessageStore) -> None:
    late, soon = NOON - timedelta(minutes=1), NOON + timedelta(seconds=1)
    await plan(
        engine,
        [
            message(1, priority=4, due_at=late),
            message(2, priority=2),
            message(3, due_at=late),
            message(4, priority=2, due_at=late),
            message(5),
            message(6, due_at=soon),
        ],
    )

    first = await store.due(NOON, "notifier-1", 30, limit=4)
    rest = await store.due(NOON, "notifier-2", 30, limit=4)

    assert _ids(first) == ["m-03", "m-05", "m-04", "m-02"]
    assert _ids(rest) == ["m-01"]
    assert await store.next_due() == soon
    assert _ids(await store.due(soon, "notifier-1", 30, limit=9)) == ["m-06"]
    assert first[0] == message(
        3, due_at=late, state=MessageState.SENDING, attempts=1, claimed_by="notifier-1",
        next_try_at=NOON + timedelta(seconds=30),
    )  # fmt: skip


async def test_a_claim_that_ran_out_comes_again_as_uncertain(engine: AsyncEngine, store: MessageStore) -> None:
    await plan(engine, [message(1), message(2)])
    await store.due(NOON, "dies", 30, limit=9)
    assert await store.sent("m-02")

    assert await store.due(NOON + timedelta(seconds=29), "lives", 30, limit=9) == []
    again = await store.due(NOON + timedelta(seconds=30), "lives", 30, limit=9)

    assert [(one.message_id, one.attempts, one.uncertain, one.claimed_by) for one in again] == [
        ("m-01", 2, True, "lives"),
        ("m-02", 2, True, "lives"),
    ]


async def test_late_words_about_a_former_attempt_change_nothing(engine: AsyncEngine, store: MessageStore) -> None:
    await plan(engine, [message(1)])
    await store.due(NOON, "slow", 30, limit=9)
    await store.due(NOON + timedelta(seconds=30), "quick", 30, limit=9)

    assert not await store.retry("m-01", NOON, "late", attempt=1)
    assert not await store.failed("m-01", "late", attempt=1)
    assert await store.accepted("m-01", "ts-1")  # but what arrived did arrive, whoever sent it
    assert not await store.retry("m-01", NOON, "too late", attempt=2)

    [found] = await store.of_event("event-001")
    assert (found.state, found.thread, found.next_try_at) == (MessageState.ACCEPTED, "ts-1", None)


async def test_a_message_goes_from_waiting_to_accepted(engine: AsyncEngine, store: MessageStore, clock: Clock) -> None:
    await plan(engine, [message(1)])
    assert not await store.sent("m-01")

    await store.due(NOON, "notifier", 30, limit=9)
    assert await store.retry("m-01", NOON + timedelta(seconds=5), "https://kim:S3cret@sms answered 500", uncertain=True)
    [waiting] = await store.of_event("event-001")
    [taken] = await store.due(NOON + timedelta(seconds=5), "notifier", 30, limit=9)
    clock.now = NOON + timedelta(seconds=6)
    assert await store.sent("m-01")
    clock.now = NOON + timedelta(seconds=7)
    assert await store.accepted("m-01", "ts-1")
    assert not await store.accepted("m-01", "ts-2")

    assert waiting.last_error == "https://***@sms answered 500"
    assert (waiting.state, waiting.uncertain, waiting.next_try_at) == (
        MessageState.WAITING,
        True,
        NOON + timedelta(seconds=5),
    )
    assert taken.attempts == 2
    [found] = await store.of_event("event-001")
    assert (found.sent_at, found.accepted_at) == (NOON + timedelta(seconds=6), NOON + timedelta(seconds=7))
    assert (found.state, found.attempts, found.last_error) == (MessageState.ACCEPTED, 2, "")
    assert await store.due(NOON + timedelta(days=1), "notifier", 30, limit=9) == []


async def test_dead_letters_are_counted_for_a_day(engine: AsyncEngine, store: MessageStore, clock: Clock) -> None:
    await plan(engine, [message(n) for n in range(1, 6)])
    await store.due(NOON, "notifier", 30, limit=3)
    assert await store.failed("m-01", "no such number")
    assert await store.accepted("m-02")
    assert await store.cancelled("m-04")
    assert not await store.cancelled("m-02")
    clock.now = NOON + timedelta(seconds=40)

    counts = await store.counts(clock.now)

    assert counts.by_state == {"failed": 1, "accepted": 1, "sending": 1, "waiting": 1, "cancelled": 1}
    assert counts.late_s == 40
    [dead] = await store.dead(clock.now)
    assert (dead.message_id, dead.last_error) == ("m-01", "no such number")
    day_after = NOON + timedelta(hours=25)
    assert await store.dead(day_after) == []
    assert (await store.counts(day_after)).by_state == {"sending": 1, "waiting": 1}


async def test_the_end_of_an_episode_waits_for_its_beginning(engine: AsyncEngine, store: MessageStore) -> None:
    beginning = message(1, channel_id="room")
    end = message(2, channel_id="room", kind=MessageKind.CLOSED, due_at=NOON + timedelta(seconds=1))
    elsewhere = message(3, channel_id="room", kind=MessageKind.CLOSED, event_id="event-002")
    await plan(engine, [beginning, end, elsewhere])
    later = NOON + timedelta(seconds=10)

    assert _ids(await store.due(later, "notifier", 30, limit=9)) == ["m-01", "m-03"]
    await store.retry("m-01", later + timedelta(minutes=1), "down")
    assert await store.due(later, "notifier", 30, limit=9) == []
    await store.due(later + timedelta(minutes=1), "notifier", 30, limit=9)
    await store.accepted("m-01", "ts-1")

    assert _ids(await store.due(later + timedelta(minutes=1), "notifier", 30, limit=1)) == ["m-02"]
    assert await store.thread_of("event-001", "room") == "ts-1"
    assert await store.thread_of("event-002", "room") == ""


async def test_two_notifiers_never_get_the_same_message(database_site: SiteSettings, make_event: MakeEvent) -> None:
    engines = [create_engine(database_site) for _ in range(3)]
    await EventStore(engines[0]).record("gate-1", 1, [make_event(1)])
    await plan(engines[0], [message(n) for n in range(60)])

    async def drain(engine: AsyncEngine, owner: str) -> list[str]:
        store, taken = MessageStore(engine), list[str]()
        while found := await store.due(NOON, owner, 30, limit=4):
            taken += _ids(found)
        return taken

    taken = await asyncio.gather(*(drain(engine, f"notifier-{n}") for n, engine in enumerate(engines)))

    everything = [one for some in taken for one in some]
    assert len(everything) == len(set(everything)) == 60
    for engine in engines:
        await engine.dispose()


async def test_what_is_due_can_be_asked_for_one_channel_or_for_all_but_some(
    engine: AsyncEngine, store: MessageStore
) -> None:
    await plan(engine, [message(1), message(2), message(3)])

    assert _ids(await store.due(NOON, "notifier-1", 30, limit=9, channel_id="room-2")) == ["m-02"]
    assert _ids(await store.due(NOON, "notifier-1", 30, limit=9, besides=["room-1"])) == ["m-03"]


async def test_a_claim_that_is_held_does_not_run_out(engine: AsyncEngine, store: MessageStore) -> None:
    await plan(engine, [message(1), message(2)])
    await store.due(NOON, "notifier-1", 10, limit=1, channel_id="room-1")
    await store.due(NOON, "notifier-2", 10, limit=1, channel_id="room-2")

    await store.hold(["m-01", "m-02"], "notifier-1", NOON + timedelta(seconds=60))

    again = await store.due(NOON + timedelta(seconds=30), "notifier-3", 10, limit=9)
    assert _ids(again) == ["m-02"], "what another has in hand is not held"
