"""Several writers at once: nothing twice, nothing missed by a reader of the change log."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from counterparts.databases import MakeEvent
from counterparts.leases import epochs
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cluster.safety.errors import LeaseLost
from cluster.settings.site import SiteSettings
from cluster.storage.change_log import append_changes
from cluster.storage.engine import create_engine
from cluster.storage.events import ChangeKind, EventFilter, EventStore
from cluster.storage.leases import LeaseStore, hold_lease
from cluster.storage.tables import change_counter
from cluster.storage.transactions import Transactions

pytestmark = pytest.mark.anyio

_BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - the server is asked, it tells nobody
            await asyncio.sleep(0.02)


async def _somebody_waits_for_a_lock(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return bool((await connection.execute(_BLOCKED)).scalar_one())


async def test_two_writers_of_one_new_event_make_one_row(postgres_site: SiteSettings, make_event: MakeEvent) -> None:
    first, second = create_engine(postgres_site), create_engine(postgres_site)
    async with first.begin() as holding:
        # Holds the counter, so that the first writer has inserted and not committed when the second inserts.
        await holding.execute(text("UPDATE change_counter SET last = last"))
        writers = [
            asyncio.create_task(EventStore(engine).record(f"gate-{n}", 1, [make_event(1, camera_id=f"gate-{n}")]))
            for n, engine in enumerate((first, second))
        ]
        await _until(lambda: _somebody_waits_for_a_lock(first))
    changed = await asyncio.gather(*writers)

    assert sorted(changed) == [0, 1]
    assert await EventStore(first).last_change() == 1
    await first.dispose()
    await second.dispose()


async def test_numbers_are_given_in_commit_order(postgres_site: SiteSettings, make_event: MakeEvent) -> None:
    engine = create_engine(postgres_site)
    store = EventStore(engine)
    await store.record("gate-1", 1, [make_event(1)])
    async with engine.connect() as slow:
        await append_changes(slow, ChangeKind.EVENT, [("event-001", 1)])  # has number 2, not committed
        fast = asyncio.create_task(store.record("gate-1", 1, [make_event(2)]))
        await _until(lambda: _somebody_waits_for_a_lock(engine))
        seen_before = [change.number for change in await store.changes_after(0)]
        await slow.commit()
    await fast

    assert seen_before == [1]
    seen_after = [(change.number, change.event.event.event_id) for change in await store.changes_after(1)]
    assert seen_after == [(2, "event-001"), (3, "event-002")]
    await engine.dispose()


async def test_nobody_takes_a_camera_between_the_check_and_the_commit(
    postgres_site: SiteSettings, make_event: MakeEvent
) -> None:
    engine = create_engine(postgres_site)
    store, leases = EventStore(engine), LeaseStore(engine)
    await leases.take("gate-1", 1)
    async with engine.connect() as old_owner:
        await hold_lease(old_owner, "gate-1", 1)  # checked, and about to write
        taking = asyncio.create_task(leases.take("gate-1", 2))
        await _until(lambda: _somebody_waits_for_a_lock(engine))
        assert await epochs(engine) == {"gate-1": 1}
        await old_owner.commit()
    await taking

    with pytest.raises(LeaseLost):
        await store.record("gate-1", 1, [make_event(1)])
    await engine.dispose()


async def test_a_caller_that_is_cancelled_leaves_nothing_half_written(
    postgres_site: SiteSettings, make_event: MakeEvent
) -> None:
    engine = create_engine(postgres_site)
    store = EventStore(engine)
    async with engine.connect() as holding:
        await holding.execute(text("UPDATE change_counter SET last = last"))
        waiting = asyncio.create_task(store.record("gate-1", 1, [make_event(1)]))
        await _until(lambda: _somebody_waits_for_a_lock(engine))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert await store.record("gate-1", 1, [make_event(2)]) == 1
    assert [item.event.event_id for item in (await store.list(EventFilter())).items] == ["event-002"]
    assert await store.last_change() == 1
    await engine.dispose()


async def test_a_reader_that_follows_the_numbers_never_misses_one(
    database_site: SiteSettings, make_event: MakeEvent
) -> None:
    writers, batches = 4, 8
    engines = [create_engine(database_site) for _ in range(writers + 1)]

    async def write(writer: int) -> None:
        store, camera = EventStore(engines[writer]), f"gate-{writer}"
        for batch in range(batches):
            number = 100 * writer + 2 * batch
            events = [make_event(n, camera_id=camera) for n in (number, number + 1)]
            await store.record(camera, 1, events)

    async def follow() -> list[tuple[int, str]]:
        store, seen = EventStore(engines[-1]), list[tuple[int, str]]()
        while len(seen) < writers * batches * 2:
            after = seen[-1][0] if seen else 0
            seen += [(change.number, change.event.event.event_id) for change in await store.changes_after(after, 7)]
        return seen

    async with asyncio.timeout(120):
        seen, *_ = await asyncio.gather(follow(), *(write(writer) for writer in range(writers)))

    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    assert len({event_id for _, event_id in seen}) == len(seen)
    for engine in engines:
        await engine.dispose()


async def test_two_senders_of_the_same_batch_in_opposite_order_do_not_deadlock(
    database_site: SiteSettings, make_event: MakeEvent
) -> None:
    engines = [create_engine(database_site) for _ in range(2)]
    batch = [make_event(n) for n in range(30)]

    changed = await asyncio.gather(
        EventStore(engines[0]).record("gate-1", 1, batch), EventStore(engines[1]).record("gate-1", 1, batch[::-1])
    )

    assert sorted(changed) == [0, 30]
    for engine in engines:
        await engine.dispose()


async def test_who_reads_before_it_writes_is_not_overtaken_on_sqlite(sqlite_site: SiteSettings) -> None:
    engine = create_engine(sqlite_site)
    transactions = Transactions(engine)

    async def count_up(connection: AsyncConnection) -> None:
        last = (await connection.execute(select(change_counter.c.last))).scalar_one()
        await connection.execute(update(change_counter).values(last=last + 1))

    await asyncio.gather(*(transactions.write(count_up) for _ in range(20)))

    assert await EventStore(engine).last_change() == 20
    await engine.dispose()
