"""Messages and acknowledgements in the transactions of their events, on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from counterparts.databases import MakeEvent
from counterparts.locks import somebody_waits_for_a_lock
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from cluster.notifications.planning import MessagePlanner
from cluster.safety.errors import LeaseLost
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.messages import MessageState, Plan, PlannedMessage, Situation
from cluster.settings.notifications import NotificationSettings
from cluster.settings.site import SiteSettings
from cluster.storage.acknowledging import Acknowledgement, AcknowledgeOutcome, AcknowledgeWay
from cluster.storage.engine import create_engine
from cluster.storage.events import ChangeKind, EventFilter, EventStore
from cluster.storage.messages import MessageStore
from cluster.storage.overrides import ALL_CAMERAS, Override, OverrideField, OverrideStore
from cluster.storage.tables import acknowledgements

pytestmark = pytest.mark.anyio

PLANNER = MessagePlanner(
    NotificationSettings.model_validate(
        {
            "channels": [
                {"channel_id": name, "kind": "slack_webhook", "url": "${HOOK}"} for name in ("room", "boss", "night")
            ],
            "rules": [
                {
                    "name": "all",
                    "severities": ["WARNING", "CRITICAL"],
                    "steps": [{"channels": ["room"]}, {"after_s": 60, "channels": ["boss"]}],
                }
            ],
        }
    ),
    ZoneInfo("Asia/Seoul"),
)
FIRST, ALREADY = AcknowledgeOutcome.FIRST, AcknowledgeOutcome.ALREADY


@pytest.fixture
def events(engine: AsyncEngine) -> EventStore:
    return EventStore(engine, PLANNER)


@pytest.fixture
def messages(engine: AsyncEngine) -> MessageStore:
    return MessageStore(engine)


def closed(event: SafetyEvent, revision: int) -> SafetyEvent:
    return replace(event, revision=revision, state=EpisodeState.CLOSED, closed_at=event.opened_at)


def said(by: str, **changed: Any) -> Acknowledgement:
    return Acknowledgement(
        **{"event_id": "event-001", "by": by, "remark": "", "way": AcknowledgeWay.API, "at": datetime.now(UTC)}
        | changed
    )


def by_link(occurrence: int, channel_id: str = "room") -> Acknowledgement:
    return said(channel_id, way=AcknowledgeWay.LINK, occurrence=occurrence, channel_id=channel_id)


def short(found: Sequence[PlannedMessage]) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.channel_id, one.state.value) for one in found]


OPENED = [("opened", "room", "waiting"), ("opened", "boss", "waiting")]


async def test_an_event_and_its_messages_are_written_together_and_once(
    events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    first = make_event(1)
    await events.record("gate-1", 1, [first])
    await events.record("gate-1", 1, [first])
    await events.record("gate-1", 1, [closed(first, 2), first])

    assert short(await messages.of_event("event-001")) == [*OPENED, ("closed", "room", "waiting")]


async def test_whoever_is_refused_plans_nothing(
    events: EventStore, messages: MessageStore, make_event: MakeEvent
) -> None:
    await events.record("gate-1", 2, [])
    with pytest.raises(LeaseLost):
        await events.record("gate-1", 1, [make_event(1)])

    assert await messages.of_event("event-001") == []


async def test_two_recorders_of_one_event_plan_it_once(database_site: SiteSettings, make_event: MakeEvent) -> None:
    engines = [create_engine(database_site) for _ in range(2)]
    first = make_event(1)
    stages = [[first], [first, closed(first, 2)], [replace(first, revision=3), first]]

    for stage in stages:
        await asyncio.gather(*(EventStore(engine, PLANNER).record("gate-1", 1, stage) for engine in engines))

    found = await MessageStore(engines[0]).of_event("event-001")
    assert sorted((one.kind.value, one.channel_id, one.occurrence) for one in found) == [
        ("closed", "room", 1), ("opened", "boss", 1), ("opened", "boss", 2),
        ("opened", "room", 1), ("opened", "room", 2),
    ]  # fmt: skip
    for engine in engines:
        await engine.dispose()


async def test_info_is_recorded_without_a_question_about_messages(
    engine: AsyncEngine, messages: MessageStore, make_event: MakeEvent
) -> None:
    class Unasked(MessagePlanner):
        def plan(self, situation: Situation) -> Plan:
            raise AssertionError(situation.event)

    events = EventStore(engine, Unasked(NotificationSettings(), UTC))
    await events.record("gate-1", 1, [make_event(1, severity=Severity.INFO)])

    assert await messages.of_event("event-001") == []


class Broken:
    """Fails for event 1, by itself or by what it asks the database to keep."""

    def __init__(self, how: str) -> None:
        self._how = how

    def concerns(self, event: SafetyEvent) -> bool:
        return True

    def plan(self, situation: Situation) -> Plan:
        plan = PLANNER.plan(situation)
        if situation.event.event_id != "event-001":
            return plan
        if self._how == "raises":
            raise RuntimeError("no such hour")
        broken = {"event_id": "nobody"} if self._how == "names no event" else {"due_at": datetime(2026, 3, 1)}
        return Plan((replace(plan.new[0], **broken), *plan.new[1:]))


@pytest.mark.parametrize("how", ["raises", "names no event", "has no zone"])
async def test_an_event_whose_messages_cannot_be_planned_is_recorded_and_said(
    engine: AsyncEngine, messages: MessageStore, make_event: MakeEvent, how: str
) -> None:
    events = EventStore(engine, Broken(how))
    with capture_logs() as logs:
        assert await events.record("gate-1", 1, [make_event(1), make_event(2)]) == 2

    assert len((await events.list(EventFilter())).items) == 2
    assert await events.last_change() == 2
    [letter] = await messages.dead(datetime.now(UTC))
    assert await messages.of_event("event-001") == [letter]
    assert "could not be planned" in letter.last_error
    assert len(await messages.of_event("event-002")) == 2
    [line] = logs
    assert (line["event"], line["log_level"], line["event_id"]) == ("messages_not_planned", "critical", "event-001")


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
