"""Messages in the transactions of their events, on SQLite and on a real PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from counterparts.databases import MakeEvent
from counterparts.planned_messages import OPENED, PLANNER, closed, short
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from cluster.notifications.planning import MessagePlanner
from cluster.safety.errors import LeaseLost
from cluster.safety.events import SafetyEvent, Severity
from cluster.safety.messages import Plan, Situation
from cluster.settings.notifications import NotificationSettings
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.messages import MessageStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def events(engine: AsyncEngine) -> EventStore:
    return EventStore(engine, PLANNER)


@pytest.fixture
def messages(engine: AsyncEngine) -> MessageStore:
    return MessageStore(engine)


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
