"""What operators say about cameras, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from counterparts.databases import MakeEvent
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.overrides import ALL_CAMERAS, Override, OverrideField, OverrideStore
from cluster.storage.schema import migrate, migrate_down, schema_revision
from cluster.storage.tables import overrides

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OFF = Override("gate-1", OverrideField.DETECT, False, "kim", "점검", NOON + timedelta(minutes=30), NOON)


async def test_the_newest_word_about_a_field_holds_until_its_end(engine: AsyncEngine) -> None:
    store = OverrideStore(engine)
    forever = Override("gate-1", OverrideField.DETECT, False, "lee", set_at=NOON)
    muted = Override(ALL_CAMERAS, OverrideField.MUTED, True, "lee", set_at=NOON)
    for word in (forever, muted, OFF):
        await store.put(word)

    assert await store.newest() == [muted, OFF]
    assert await store.current(NOON) == [muted, OFF]
    assert await store.current(NOON + timedelta(minutes=30)) == [muted], "the older word does not come back"
    assert await store.history() == [OFF, muted, forever]


async def test_what_is_taken_back_holds_no_more_and_stays_in_the_history(engine: AsyncEngine) -> None:
    store = OverrideStore(engine)
    await store.put(OFF)
    await store.clear("gate-1", OverrideField.DETECT, "lee", "done")

    assert await store.current(NOON) == []
    assert [(one.value, one.set_by, one.reason) for one in await store.history("gate-1")] == [
        (None, "lee", "done"),
        (False, "kim", "점검"),
    ]
    assert await store.history("gate-2") == []


async def test_passwords_do_not_get_into_what_everybody_reads(engine: AsyncEngine) -> None:
    store = OverrideStore(engine)
    await store.put(
        Override("gate-1", OverrideField.DETECT, False, "kim", "rtsp://kim:S3cret@cam/1\nis down" + "x" * 999)
    )

    (word,) = await store.newest()
    assert "S3cret" not in word.reason
    assert "\n" not in word.reason
    assert len(word.reason) == 200


async def test_a_word_of_a_newer_release_is_left_to_it(engine: AsyncEngine) -> None:
    values = {"camera_id": "gate-1", "field": "colour", "value": True, "reason": "", "set_by": "kim", "set_at": NOON}
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.execute(insert(overrides), values)
        await connection.commit()

    assert await OverrideStore(engine).newest() == []


async def test_the_migration_goes_up_and_down_with_data_in_the_tables(
    empty_site: SiteSettings, make_event: MakeEvent
) -> None:
    migrate(empty_site)
    engine = create_engine(empty_site)
    try:
        events, store = EventStore(engine), OverrideStore(engine)
        await events.record("gate-1", 1, [make_event(1)])
        await store.put(OFF)
        assert await store.newest() == [OFF]

        migrate_down(empty_site, "0001")
        assert schema_revision(empty_site) == "0001"
        migrate(empty_site)

        assert await store.newest() == []
        assert [item.event for item in (await events.list(EventFilter())).items] == [make_event(1)]
    finally:
        await engine.dispose()
