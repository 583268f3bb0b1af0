"""The event store on SQLite and on a real PostgreSQL."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from counterparts.databases import MakeEvent
from counterparts.leases import epochs
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.errors import LeaseLost
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.leases import LeaseStore
from cluster.storage.tables import events

pytestmark = pytest.mark.anyio

ACKNOWLEDGED_AT = datetime(2026, 3, 1, 13, tzinfo=UTC)


@pytest.fixture
def store(engine: AsyncEngine) -> EventStore:
    return EventStore(engine)


def _closed(event: SafetyEvent, revision: int) -> SafetyEvent:
    at = event.opened_at + timedelta(seconds=30)
    return dataclasses.replace(event, revision=revision, state=EpisodeState.CLOSED, updated_at=at, closed_at=at)


async def _acknowledge(engine: AsyncEngine, event_id: str) -> None:
    values = {"acknowledged_by": "kim", "acknowledged_at": ACKNOWLEDGED_AT, "acknowledged_remark": "seen"}
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.execute(update(events).where(events.c.event_id == event_id).values(values))
        await connection.commit()


async def _ids(store: EventStore, wanted: EventFilter) -> list[str]:
    return [item.event.event_id for item in (await store.list(wanted)).items]


async def test_what_goes_in_comes_out(store: EventStore, make_event: MakeEvent) -> None:
    kst = datetime.fromisoformat("2026-03-01T21:00:01.123456+09:00")
    event = make_event(1, opened_at=kst, epoch=2**40, detail={"reason": "사람", "dwell_s": 1.5, "list": [1, None]})

    assert await store.record("gate-1", 2**40, [event]) == 1

    stored = await store.get("event-001")
    assert stored is not None
    assert stored.event == event
    assert stored.event.opened_at.tzinfo is UTC
    assert (stored.snapshot_state, stored.snapshot_name, stored.acknowledged_at) == ("none", None, None)
    assert stored.change_number == 1


async def test_the_same_event_twice_is_one_row_and_one_change(store: EventStore, make_event: MakeEvent) -> None:
    assert await store.record("gate-1", 1, [make_event(1)]) == 1
    assert await store.record("gate-1", 1, [make_event(1)]) == 0
    assert await store.record("gate-1", 1, [make_event(2), make_event(2)]) == 1

    assert await _ids(store, EventFilter()) == ["event-002", "event-001"]
    assert await store.last_change() == 2


async def test_a_lower_revision_after_a_higher_one_changes_nothing(store: EventStore, make_event: MakeEvent) -> None:
    closed = _closed(make_event(1), revision=3)
    assert await store.record("gate-1", 1, [closed]) == 1

    assert await store.record("gate-1", 1, [make_event(1), make_event(1, revision=2)]) == 0

    stored = await store.get("event-001")
    assert stored is not None
    assert stored.event == closed
    assert await store.last_change() == 1


async def test_revisions_of_one_batch_are_told_in_their_order(store: EventStore, make_event: MakeEvent) -> None:
    batch = [make_event(2), make_event(1), _closed(make_event(2), 2), make_event(3)]

    assert await store.record("gate-1", 1, batch) == 4

    told = [change.event.event.event_id for change in await store.changes_after(0)]
    assert told == ["event-002", "event-001", "event-002", "event-003"]


async def test_a_higher_revision_leaves_acknowledgement_and_picture_alone(
    engine: AsyncEngine, store: EventStore, make_event: MakeEvent
) -> None:
    await store.record("gate-1", 1, [make_event(1)], {"event-001"})
    await store.snapshot_stored("event-001", "gate-1/1.jpg")
    await _acknowledge(engine, "event-001")

    assert await store.record("gate-1", 1, [_closed(make_event(1), 2)], {"event-001"}) == 1

    stored = await store.get("event-001")
    assert stored is not None
    assert stored.event.state is EpisodeState.CLOSED
    assert (stored.snapshot_state, stored.snapshot_name) == ("stored", "gate-1/1.jpg")
    acknowledged = (stored.acknowledged_by, stored.acknowledged_at, stored.acknowledged_remark)
    assert acknowledged == ("kim", ACKNOWLEDGED_AT, "seen")


async def test_a_picture_goes_from_pending_to_stored_and_each_step_is_a_change(
    store: EventStore, make_event: MakeEvent
) -> None:
    await store.record("gate-1", 1, [make_event(1), make_event(2)], {"event-001", "event-002"})

    assert await store.snapshot_stored("event-001", "a.jpg") is True
    assert await store.snapshot_stored("event-001", "a.jpg") is False
    assert await store.snapshot_lost("event-001") is False
    assert await store.snapshot_lost("event-002") is True
    assert await store.snapshot_lost("event-002") is False
    assert await store.snapshot_stored("event-002", "late.jpg") is True
    assert await store.snapshot_stored("nobody", "a.jpg") is False

    kinds = [(change.kind, change.event.event.event_id) for change in await store.changes_after(2)]
    assert kinds == [
        ("snapshot_stored", "event-001"),
        ("snapshot_lost", "event-002"),
        ("snapshot_stored", "event-002"),
    ]


async def test_a_pending_picture_of_a_later_revision_is_expected_again(
    store: EventStore, make_event: MakeEvent
) -> None:
    await store.record("gate-1", 1, [make_event(1), make_event(2)], {"event-002"})
    await store.snapshot_lost("event-002")

    await store.record("gate-1", 1, [_closed(make_event(n), 2) for n in (1, 2)], {"event-001", "event-002"})

    states = [item.snapshot_state for item in (await store.list(EventFilter())).items]
    assert states == ["pending", "pending"]


async def test_an_older_epoch_is_refused_and_nothing_of_it_is_kept(
    engine: AsyncEngine, store: EventStore, make_event: MakeEvent
) -> None:
    await LeaseStore(engine).take("gate-1", 3)

    with pytest.raises(LeaseLost) as refused:
        await store.record("gate-1", 2, [make_event(1, epoch=2)])

    assert (refused.value.camera_id, refused.value.epoch, refused.value.current_epoch) == ("gate-1", 2, 3)
    assert await store.get("event-001") is None
    assert await store.last_change() == 0


async def test_a_new_owner_delivers_what_its_predecessor_left(
    engine: AsyncEngine, store: EventStore, make_event: MakeEvent
) -> None:
    await LeaseStore(engine).take("gate-1", 3)

    assert await store.record("gate-1", 3, [make_event(1, epoch=1), make_event(2, epoch=3)]) == 2


async def test_who_writes_with_a_newer_epoch_holds_the_lease(
    engine: AsyncEngine, store: EventStore, make_event: MakeEvent
) -> None:
    await store.record("gate-1", 5, [make_event(1, epoch=5)])

    assert await epochs(engine) == {"gate-1": 5}
    with pytest.raises(LeaseLost):
        await store.record("gate-1", 4, [make_event(2, epoch=4)])


async def test_an_event_of_another_camera_is_refused(store: EventStore, make_event: MakeEvent) -> None:
    with pytest.raises(ValueError, match="event-002: camera_id: 'gate-2' was sent as one of 'gate-1'"):
        await store.record("gate-1", 1, [make_event(1), make_event(2, camera_id="gate-2")])

    assert await store.get("event-001") is None


async def test_pages_are_complete_and_stable_while_new_events_arrive(store: EventStore, make_event: MakeEvent) -> None:
    moment = make_event(1).opened_at
    old = [make_event(n, opened_at=moment) for n in range(4)] + [make_event(n) for n in range(4, 11)]
    await store.record("gate-1", 1, old)
    seen: list[str] = []
    cursor: str | None = None

    for page_number in range(20):
        page = await store.list(EventFilter(), cursor, limit=3)
        seen += [item.event.event_id for item in page.items]
        await store.record("gate-1", 1, [make_event(100 + page_number)])
        cursor = page.next_cursor
        if cursor is None:
            break

    expected = sorted(old, key=lambda event: (event.opened_at, event.event_id), reverse=True)
    assert seen == [event.event_id for event in expected]


async def test_the_last_page_has_no_cursor_even_if_it_is_full(store: EventStore, make_event: MakeEvent) -> None:
    await store.record("gate-1", 1, [make_event(n) for n in range(4)])

    first = await store.list(EventFilter(), None, 2)
    second = await store.list(EventFilter(), first.next_cursor, 2)

    assert len(second.items) == 2
    assert second.next_cursor is None


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_limit_out_of_bounds_is_refused(store: EventStore, limit: int) -> None:
    with pytest.raises(ValueError, match="limit: "):
        await store.list(EventFilter(), None, limit)
    with pytest.raises(ValueError, match="limit: "):
        await store.changes_after(0, limit)


async def test_filters_choose_what_they_name(engine: AsyncEngine, store: EventStore, make_event: MakeEvent) -> None:
    noon = make_event(0).opened_at
    await store.record(
        "gate-1",
        1,
        [
            make_event(1, zone_id="dock"),
            make_event(2, event_type="PERSON_FALLEN"),
            make_event(3, severity=Severity.INFO),
            _closed(make_event(4), 2),
            make_event(5),
        ],
    )
    await store.record("gate-2", 1, [make_event(6, camera_id="gate-2")])
    await _acknowledge(engine, "event-005")
    table = [
        (EventFilter(camera_id="gate-2"), {6}),
        (EventFilter(zone_id="dock"), {1}),
        (EventFilter(event_type="PERSON_FALLEN"), {2}),
        (EventFilter(severity=Severity.INFO), {3}),
        (EventFilter(state=EpisodeState.CLOSED), {4}),
        (EventFilter(acknowledged=True), {5}),
        (EventFilter(acknowledged=False), {1, 2, 3, 4, 6}),
        (EventFilter(opened_after=noon + timedelta(seconds=5)), {5, 6}),
        (EventFilter(opened_before=noon + timedelta(seconds=2)), {1}),
        (EventFilter(camera_id="gate-1", severity=Severity.CRITICAL, acknowledged=False), {1, 2, 4}),
        (EventFilter(camera_id="nobody"), set()),
    ]

    for wanted, expected in table:
        found = {int(event_id[-3:]) for event_id in await _ids(store, wanted)}
        assert found == expected, wanted


async def test_open_events_are_those_of_the_camera_that_are_not_closed(
    store: EventStore, make_event: MakeEvent
) -> None:
    escalated = make_event(2, revision=2, state=EpisodeState.ESCALATED)
    await store.record("gate-1", 1, [make_event(3), _closed(make_event(1), 2), escalated])
    await store.record("gate-2", 1, [make_event(4, camera_id="gate-2")])

    open_ids = [item.event.event_id for item in await store.open_events("gate-1")]

    assert open_ids == ["event-002", "event-003"]


async def test_the_change_log_resumes_after_any_number(store: EventStore, make_event: MakeEvent) -> None:
    await store.record("gate-1", 1, [make_event(n) for n in range(5)])

    first = await store.changes_after(0, limit=2)
    rest = await store.changes_after(first[-1].number)

    assert [change.number for change in first + rest] == [1, 2, 3, 4, 5]
    assert [change.kind for change in rest] == ["event"] * 3
    assert await store.changes_after(5) == []
    assert await store.last_change() == 5


async def test_texts_of_a_stranger_stay_texts(store: EventStore, make_event: MakeEvent) -> None:
    await store.record("gate-1", 1, [make_event(1, subject="'); DROP TABLE events; --", detail={"a\x00": "\ud83d"})])

    assert await _ids(store, EventFilter(zone_id="' OR 1=1 --")) == []
    assert await _ids(store, EventFilter()) == ["event-001"]


async def test_ping_answers(store: EventStore) -> None:
    await store.ping()


async def test_late_words_of_a_former_owner_never_overrule_the_present_one(
    store: EventStore, make_event: MakeEvent
) -> None:
    """They come from the disk of a node that was away, delivered under the epoch of today."""
    closed = make_event(1, revision=7, state=EpisodeState.CLOSED)
    resumed = make_event(1, revision=1002, epoch=5)
    assert await store.record("gate-1", 1, [make_event(1)]) == 1
    assert await store.record("gate-1", 5, [resumed]) == 1

    assert await store.record("gate-1", 5, [closed, make_event(1, revision=2000)]) == 0
    assert await store.record("gate-1", 9, [make_event(1, revision=3, epoch=9)]) == 1

    (row,) = (await store.list(EventFilter())).items
    assert (row.event.epoch, row.event.revision) == (9, 3)
