"""What is open of all cameras, read without what is closed, on both databases."""

from typing import Any

import pytest
from counterparts.databases import MakeEvent
from sqlalchemy import event, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from cluster.safety.events import EpisodeState
from cluster.storage.events import EventStore
from cluster.storage.tables import events

pytestmark = pytest.mark.anyio


async def test_all_that_is_open_is_read_whoever_told_it(engine: AsyncEngine, make_event: MakeEvent) -> None:
    store = EventStore(engine)
    await store.record("gate-1", 1, [make_event(1), make_event(2, state=EpisodeState.CLOSED)])
    await store.record("dock-1", 1, [make_event(3, camera_id="dock-1", state=EpisodeState.ESCALATED)])

    assert [stored.event.event_id for stored in await store.all_open()] == ["event-003", "event-001"]


async def test_a_row_that_cannot_be_read_is_passed_over_alone(engine: AsyncEngine, make_event: MakeEvent) -> None:
    store = EventStore(engine)
    await store.record("gate-1", 1, [make_event(1), make_event(2)])
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.execute(update(events).where(events.c.event_id == "event-001").values(state="paused"))
        await connection.commit()

    with capture_logs() as logs:
        assert [stored.event.event_id for stored in await store.all_open()] == ["event-002"]

    assert [(line["event"], line["event_id"]) for line in logs] == [("open_event_unreadable", "event-001")]


async def test_the_database_looks_at_what_is_open_only(engine: AsyncEngine) -> None:
    said: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "FROM events" in statement:
            said.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    await EventStore(engine).all_open()
    ((statement, parameters),) = said

    assert "events_open" in await _plan(engine, statement, parameters)


async def _plan(engine: AsyncEngine, statement: str, parameters: Any) -> str:
    async with engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN "
        if engine.dialect.name == "postgresql":
            explain = "EXPLAIN "
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # which it prefers for an empty table
        return "\n".join(str(row) for row in await connection.exec_driver_sql(explain + statement, parameters))
