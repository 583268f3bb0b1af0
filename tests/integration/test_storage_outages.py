"""The database goes away, hangs or is locked: callers hear so in time, and the same engine goes on afterwards."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
from counterparts.databases import MakeEvent
from counterparts.postgres import PostgresServer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.errors import DatabaseUnavailable
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.leases import LeaseStore

pytestmark = pytest.mark.anyio

TIMEOUT_S = 1.0
GENEROUS_S = 20.0


def _impatient(site: SiteSettings) -> SiteSettings:
    database = site.database.model_copy(update={"timeout_s": TIMEOUT_S})
    return site.model_copy(update={"database": database})


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    yield postgres_server
    postgres_server.thaw()
    postgres_server.start()


@pytest.fixture
async def engine(server: PostgresServer, postgres_site: SiteSettings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(_impatient(postgres_site))
    yield engine
    server.start()
    await engine.dispose()


async def _refused(store: EventStore, make_event: MakeEvent) -> DatabaseUnavailable:
    async with asyncio.timeout(GENEROUS_S):
        with pytest.raises(DatabaseUnavailable) as refused:
            await store.record("gate-1", 1, [make_event(2)])
    return refused.value


async def _recorded(store: EventStore, make_event: MakeEvent) -> None:
    """As a sender does: the same again until it is taken."""
    async with asyncio.timeout(GENEROUS_S):
        while True:
            try:
                await store.record("gate-1", 1, [make_event(2)])
            except DatabaseUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def _ids(store: EventStore) -> list[str]:
    return [item.event.event_id for item in (await store.list(EventFilter())).items]


async def test_a_stopped_server_is_told_and_used_again_when_it_is_back(
    server: PostgresServer, engine: AsyncEngine, make_event: MakeEvent
) -> None:
    store = EventStore(engine)
    await store.record("gate-1", 1, [make_event(1)])
    await asyncio.to_thread(server.stop)

    fault = await _refused(store, make_event)
    assert "\n" not in str(fault)
    lease, everything = partial(LeaseStore(engine).take, "gate-1", 2), partial(store.list, EventFilter())
    for call in (store.ping, store.last_change, store.all_open, lease, everything):
        with pytest.raises(DatabaseUnavailable):
            await call()

    await asyncio.to_thread(server.start)
    await _recorded(store, make_event)
    assert await _ids(store) == ["event-002", "event-001"]
    assert await store.last_change() == 2


async def test_a_hanging_server_hangs_nobody(
    server: PostgresServer, engine: AsyncEngine, make_event: MakeEvent
) -> None:
    store = EventStore(engine)
    await asyncio.gather(*(store.ping() for _ in range(4)))
    server.freeze()

    # More calls than there are connections: those that wait for one are answered too.
    async with asyncio.timeout(GENEROUS_S):
        answers = await asyncio.gather(*(store.last_change() for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {DatabaseUnavailable}
    assert "no answer within 1 s" in str(await _refused(store, make_event))

    server.thaw()
    await _recorded(store, make_event)
    assert await _ids(store) == ["event-002"]


async def test_a_connection_that_the_server_closed_is_not_used_again(
    engine: AsyncEngine, make_event: MakeEvent
) -> None:
    store = EventStore(engine)
    await asyncio.gather(*(store.ping() for _ in range(3)))
    async with engine.connect() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        own = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        await connection.execute(text(f"{others} {own}"))

    assert await store.record("gate-1", 1, [make_event(1)]) == 1


async def test_sqlite_locked_by_another_writer_is_told_in_time(
    sqlite_site: SiteSettings, make_event: MakeEvent
) -> None:
    engine = create_engine(_impatient(sqlite_site))
    store = EventStore(engine)
    await store.record("gate-1", 1, [make_event(1)])
    other = sqlite3.connect(sqlite_site.data_dir / "safe-yolo.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert "database is locked" in str(await _refused(store, make_event))
    assert await _ids(store) == ["event-001"]  # who reads does not wait for who writes

    other.execute("ROLLBACK")
    other.close()
    await _recorded(store, make_event)
    assert await _ids(store) == ["event-002", "event-001"]
    await engine.dispose()


async def test_more_writers_than_connections_wait_for_each_other_on_sqlite(
    sqlite_site: SiteSettings, make_event: MakeEvent
) -> None:
    engine = create_engine(sqlite_site)
    store = EventStore(engine)

    changed = await asyncio.gather(*(store.record("gate-1", 1, [make_event(n)]) for n in range(30)))

    assert changed == [1] * 30
    await engine.dispose()


async def test_a_sqlite_folder_that_vanished_is_told_and_used_again(
    sqlite_site: SiteSettings, make_event: MakeEvent
) -> None:
    engine = create_engine(_impatient(sqlite_site))
    away = sqlite_site.data_dir.with_name("away")
    shutil.move(sqlite_site.data_dir, away)

    fault = await _refused(EventStore(engine), make_event)
    assert "unable to open database file" in str(fault)

    shutil.move(away, sqlite_site.data_dir)
    await _recorded(EventStore(engine), make_event)
    await engine.dispose()


async def test_a_database_without_tables_says_what_to_do(empty_site: SiteSettings) -> None:
    engine = create_engine(empty_site)

    with pytest.raises(DatabaseUnavailable, match="migrate the database"):
        await EventStore(engine).ping()

    await engine.dispose()


async def test_a_refused_password_is_told_without_it(tmp_path, free_port_url: str) -> None:
    settings = {"url": free_port_url, "timeout_s": TIMEOUT_S}
    engine = create_engine(SiteSettings(name="test", data_dir=tmp_path, database=settings))

    with pytest.raises(DatabaseUnavailable) as refused:
        await EventStore(engine).ping()

    assert "secret" not in str(refused.value)
    await engine.dispose()


@pytest.fixture
def free_port_url(free_tcp_port: int) -> str:
    return f"postgres://safe:secret@127.0.0.1:{free_tcp_port}/site"


async def test_every_sqlite_connection_keeps_what_it_commits(sqlite_site: SiteSettings) -> None:
    engine = create_engine(sqlite_site)
    async with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            found = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert found == ["wal", 2, 1, 8000]
    await engine.dispose()


async def test_every_wait_on_postgresql_is_bounded(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone")
        found = [(await connection.exec_driver_sql(f"SHOW {name}")).scalar_one() for name in names]

    assert found == ["1s", "1s", "1s", "UTC"]
