"""Counting events, and pages of those that somebody may see, on SQLite and on a real PostgreSQL."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from counterparts.databases import MakeEvent
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.events import Severity
from cluster.storage import statistics
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.statistics import StatisticsBy, TooManyBuckets

pytestmark = pytest.mark.anyio

SEOUL, KATHMANDU, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
JANUARY = EventFilter(opened_after=NEW_YEAR, opened_before=NEW_YEAR + timedelta(days=31))


@pytest.fixture
def store(engine: AsyncEngine) -> EventStore:
    return EventStore(engine)


async def _keep(store: EventStore, make_event: MakeEvent, moments: list[str], **changed: Any) -> None:
    camera_id = changed.get("camera_id", "gate-1")
    first = int(changed.pop("first", 1))
    made = [
        make_event(first + index, opened_at=datetime.fromisoformat(moment), **changed)
        for index, moment in enumerate(moments)
    ]
    await store.record(camera_id, 1, made)


async def _keys(store: EventStore, by: StatisticsBy, zone: ZoneInfo, wanted: EventFilter = JANUARY) -> dict[str, int]:
    return {bucket.key: bucket.count for bucket in await store.statistics(wanted, by, zone)}


async def test_events_are_counted_in_the_zone_of_the_site(store: EventStore, make_event: MakeEvent) -> None:
    await _keep(store, make_event, ["2026-01-05T14:59:59.9+00:00", "2026-01-05T15:20:00Z", "2026-01-05T15:59:59.5Z"])

    assert await _keys(store, StatisticsBy.HOUR, SEOUL) == {"2026-01-05T14:00:00Z": 1, "2026-01-05T15:00:00Z": 2}
    assert await _keys(store, StatisticsBy.HOUR, KATHMANDU) == {"2026-01-05T14:15:00Z": 1, "2026-01-05T15:15:00Z": 2}
    assert await _keys(store, StatisticsBy.DAY, SEOUL) == {"2026-01-05": 1, "2026-01-06": 2}
    assert await _keys(store, StatisticsBy.DAY, ZoneInfo("UTC")) == {"2026-01-05": 3}
    assert await _keys(store, StatisticsBy.TYPE, SEOUL) == {"DANGER_ZONE_INTRUSION": 3}
    assert await _keys(store, StatisticsBy.CAMERA, SEOUL) == {"gate-1": 3}


async def test_types_and_severities_are_counted_each_for_itself(store: EventStore, make_event: MakeEvent) -> None:
    await _keep(store, make_event, ["2026-01-05T10:00:00Z"] * 2)
    await _keep(
        store, make_event, ["2026-01-05T10:30:00Z"] * 3, first=3, event_type="PERSON_ENTRANCE", severity=Severity.INFO
    )

    buckets = await store.statistics(JANUARY, StatisticsBy.HOUR, SEOUL)

    assert [(one.key, one.event_type, one.severity, one.count) for one in buckets] == [
        ("2026-01-05T10:00:00Z", "DANGER_ZONE_INTRUSION", Severity.CRITICAL, 2),
        ("2026-01-05T10:00:00Z", "PERSON_ENTRANCE", Severity.INFO, 3),
    ]


async def test_a_day_on_which_the_clocks_are_changed_keeps_its_own_events(
    store: EventStore, make_event: MakeEvent
) -> None:
    """Berlin, 25 October 2026: midnight is 22:00Z before it and 23:00Z after it."""
    await _keep(
        store, make_event,
        ["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"],
    )  # fmt: skip
    span = EventFilter(opened_after=datetime(2026, 10, 1, tzinfo=UTC), opened_before=datetime(2026, 11, 1, tzinfo=UTC))

    assert await _keys(store, StatisticsBy.DAY, BERLIN, span) == {"2026-10-24": 1, "2026-10-25": 2, "2026-10-26": 1}


async def test_filters_hold_for_statistics_too(store: EventStore, make_event: MakeEvent) -> None:
    await _keep(store, make_event, ["2026-01-05T10:00:00Z", "2026-02-05T10:00:00Z"])
    await _keep(store, make_event, ["2026-01-05T10:00:00Z"], first=3, camera_id="dock-1")
    shown = EventFilter(
        opened_after=JANUARY.opened_after, opened_before=JANUARY.opened_before, cameras=frozenset({"dock-1"})
    )

    assert await _keys(store, StatisticsBy.CAMERA, SEOUL) == {"gate-1": 1, "dock-1": 1}
    assert await _keys(store, StatisticsBy.CAMERA, SEOUL, shown) == {"dock-1": 1}


async def test_a_span_without_end_is_refused(store: EventStore) -> None:
    for begin, end, reason in [
        (None, None, "need both"),
        (NEW_YEAR, NEW_YEAR + timedelta(days=32), "at most 31 days"),
        (NEW_YEAR, NEW_YEAR, "is not before"),
        (datetime(1, 1, 1, tzinfo=UTC), NEW_YEAR, "1970"),
        (NEW_YEAR, datetime.max.replace(tzinfo=UTC), "2200"),
    ]:
        with pytest.raises(ValueError, match=reason):
            await store.statistics(EventFilter(opened_after=begin, opened_before=end), StatisticsBy.HOUR, SEOUL)


async def test_more_buckets_than_anybody_can_read_are_refused(
    store: EventStore, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MOST_BUCKETS", 2)
    await _keep(store, make_event, [f"2026-01-0{day}T10:00:00Z" for day in range(1, 4)])

    with pytest.raises(TooManyBuckets):
        await store.statistics(JANUARY, StatisticsBy.DAY, SEOUL)


async def test_who_may_see_some_cameras_gets_their_events_and_no_others(
    store: EventStore, make_event: MakeEvent
) -> None:
    for number, camera_id in enumerate(("gate-1", "gate-2", "dock-1"), start=1):
        await store.record(camera_id, 1, [make_event(number, camera_id=camera_id)])

    async def shown(**wanted: Any) -> Counter[str]:
        page = await store.list(EventFilter(**wanted))
        return Counter(item.event.camera_id for item in page.items)

    assert await shown(cameras=frozenset({"gate-1", "dock-1"})) == {"gate-1": 1, "dock-1": 1}
    assert await shown(cameras=frozenset({"gate-1"}), camera_id="gate-2") == {}
    assert await shown(cameras=frozenset()) == {}


async def test_counting_stops_where_it_was_told_to(store: EventStore, make_event: MakeEvent) -> None:
    await store.record("gate-1", 1, [make_event(number) for number in range(1, 6)])

    assert await store.count(EventFilter(camera_id="gate-1"), 100) == 5
    assert await store.count(EventFilter(camera_id="gate-1"), 3) == 3
    assert await store.count(EventFilter(camera_id="gate-2"), 3) == 0


async def test_a_page_with_two_filters_uses_an_index(engine: AsyncEngine) -> None:
    said: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "FROM events" in statement and not statement.startswith("EXPLAIN"):
            said.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    for wanted in (
        EventFilter(camera_id="gate-1", severity=Severity.CRITICAL),
        EventFilter(camera_id="gate-1", event_type="PERSON_FALLEN"),
        EventFilter(event_type="PERSON_FALLEN", acknowledged=False),
        EventFilter(cameras=frozenset({"gate-1", "gate-2"}), severity=Severity.CRITICAL),
        EventFilter(zone_id="press", opened_after=NEW_YEAR),
    ):
        await EventStore(engine).list(wanted, limit=50)
    plans = [await _plan(engine, *one) for one in said]

    assert len(plans) == 5
    for plan in plans:
        assert "events_by_" in plan or "events_unacknowledged" in plan
        assert "SCAN events\n" not in plan
        assert "Seq Scan on events" not in plan


async def _plan(engine: AsyncEngine, statement: str, parameters: Any) -> str:
    async with engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN "
        if engine.dialect.name == "postgresql":
            explain = "EXPLAIN "
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # which it prefers for an empty table
        return "\n".join(str(row) for row in await connection.exec_driver_sql(explain + statement, parameters))
