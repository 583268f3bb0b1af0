"""How far desktop clients were told, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.storage.desktop_positions import DesktopPosition, DesktopPositionStore

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_each_client_has_its_newest_position_for_a_day(engine: AsyncEngine) -> None:
    store = DesktopPositionStore(engine)
    first, second = DesktopPosition(7, NOON), DesktopPosition(2**40, NOON + timedelta(hours=1))
    await store.keep("pc-1", first)
    await store.keep("pc-2", first)
    await store.keep("pc-1", second)

    assert [await store.get(name) for name in ("pc-1", "pc-2", "pc-3")] == [second, first, None]

    await store.keep("pc-3", DesktopPosition(9, NOON + timedelta(days=1)))
    assert [await store.get(name) for name in ("pc-1", "pc-2")] == [second, None]
