"""Whole numbers of the desktop client, and generations of the ingress, on both databases."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.generations import GenerationStore
from cluster.storage.whole_numbers import NumberKind, WholeNumberStore

pytestmark = pytest.mark.anyio
NAMES = [f"gate-{number}" for number in range(20)]


async def test_a_number_stands_for_its_name_and_kind_for_ever(engine: AsyncEngine) -> None:
    store = WholeNumberStore(engine)
    cameras = await store.numbers(NumberKind.CAMERA, ["gate-1", "gate-2", "gate-1"])
    zones = await store.numbers(NumberKind.ZONE, ["gate-1"])

    assert await store.numbers(NumberKind.CAMERA, ["gate-2", "gate-1"]) == cameras
    assert 0 < cameras["gate-1"].number < cameras["gate-2"].number < zones["gate-1"].number
    assert await store.named(NumberKind.CAMERA, cameras["gate-1"].number) == cameras["gate-1"]
    assert await store.named(NumberKind.EVENT, cameras["gate-1"].number) is None
    assert await store.named(NumberKind.CAMERA, 999_999) is None
    assert await store.numbers(NumberKind.EVENT, []) == {}


async def test_replicas_that_give_numbers_at_once_give_the_same(database_site: SiteSettings) -> None:
    engines = [create_engine(database_site) for _ in range(3)]
    try:
        asked = [
            WholeNumberStore(engine).numbers(NumberKind.EVENT, NAMES[::step]) for engine in engines for step in (1, -1)
        ]
        answers = await asyncio.gather(*asked)
    finally:
        for engine in engines:
            await engine.dispose()

    assert all(answer == answers[0] for answer in answers)
    assert len({one.number for one in answers[0].values()}) == len(NAMES)


async def test_replicas_of_a_release_are_one_generation_and_the_next_release_is_the_next(
    database_site: SiteSettings,
) -> None:
    engines = [create_engine(database_site) for _ in range(3)]
    stores = [GenerationStore(engine) for engine in engines]
    try:
        assert await stores[0].present() == 0
        assert await asyncio.gather(*(store.begin("r1") for store in stores)) == [1, 1, 1]
        assert await asyncio.gather(*(store.begin("r2") for store in stores)) == [2, 2, 2]
        assert await stores[1].begin("r1") == 3, "a release that comes back is a rollout too"
        assert [await store.present() for store in stores] == [3, 3, 3]
    finally:
        for engine in engines:
            await engine.dispose()
