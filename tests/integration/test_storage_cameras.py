"""Leases and API-made cameras, on both databases."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import structlog
from counterparts.leases import epochs
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.errors import CameraChanged, LeaseLost
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.settings.source_secrets import is_sealed
from cluster.storage.cameras import CameraStore, StoredCamera
from cluster.storage.leases import LeaseStore
from cluster.storage.overrides import Override, OverrideField, OverrideStore
from cluster.storage.sealing import Seal
from cluster.storage.tables import cameras

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRESS = Zone("press", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)), dwell_s=30.0, require=("helmet",))
GATE = CameraSettings(camera_id="gate-1", name="출입구", source="rtsp://${USER}@cam/1", zones=(PRESS,))
DOCK = CameraSettings(camera_id="dock-1", source="usb:0", privacy_masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),))


async def test_a_lease_only_rises(engine: AsyncEngine) -> None:
    leases = LeaseStore(engine)
    await leases.take("gate-1", 2)
    await leases.take("gate-1", 2)
    await leases.take("dock-1", 1)
    await leases.take("gate-1", 7)

    with pytest.raises(LeaseLost, match="epoch 3 was followed by 7"):
        await leases.take("gate-1", 3)

    assert await epochs(engine) == {"gate-1": 7, "dock-1": 1}


async def test_a_camera_comes_back_as_it_was_put(engine: AsyncEngine) -> None:
    store = CameraStore(engine)

    assert await store.put(GATE) == 1
    assert await store.put(DOCK) == 1

    assert await store.all() == [StoredCamera(DOCK, 1), StoredCamera(GATE, 1)]


async def test_the_revision_grows_over_changes_and_deletion(engine: AsyncEngine) -> None:
    store = CameraStore(engine)
    await store.put(GATE)
    renamed = GATE.model_copy(update={"name": "Gate"})

    assert await store.put(renamed) == 2
    assert await store.delete("gate-1") is True
    assert await store.delete("gate-1") is False
    assert await store.delete("nobody") is False
    assert await store.all() == []

    assert await store.put(GATE) == 4
    assert await store.all() == [StoredCamera(GATE, 4)]


async def test_a_camera_that_cannot_be_read_does_not_stop_the_others(engine: AsyncEngine) -> None:
    store = CameraStore(engine)
    await store.put(GATE)
    await store.put(DOCK)
    broken = {"camera_id": "gate-1", "source": "rtsp://me:secret@cam/1", "of_a_newer_release": 1}
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        await connection.execute(update(cameras).where(cameras.c.camera_id == "gate-1").values(settings=broken))
        await connection.commit()

    with structlog.testing.capture_logs() as logs:
        found = await store.all()

    assert found == [StoredCamera(DOCK, 1)]
    assert [(line["event"], line["camera_id"], line["key"]) for line in logs] == [
        ("stored_camera_unreadable", "gate-1", "of_a_newer_release")
    ]
    assert "secret" not in str(logs)


async def test_a_change_of_another_revision_is_refused_and_changes_nothing(engine: AsyncEngine) -> None:
    store = CameraStore(engine)
    assert await store.put(GATE, expected=0) == 1
    renamed = GATE.model_copy(update={"name": "Gate"})

    with pytest.raises(CameraChanged, match="revision 1, not 0"):
        await store.put(renamed, expected=0)
    with pytest.raises(CameraChanged, match="revision 1, not 7"):
        await store.put(renamed, expected=7)
    with pytest.raises(CameraChanged, match="revision 1, not 7"):
        await store.delete("gate-1", expected=7)

    assert await store.get("gate-1") == StoredCamera(GATE, 1)
    assert await store.put(renamed, expected=1) == 2
    assert await store.delete("gate-1", expected=2) is True
    assert await store.delete("gate-1", expected=2) is False
    assert await store.get("gate-1") is None
    with pytest.raises(CameraChanged, match="not there any more"):
        await store.put(GATE, expected=3)
    assert await store.put(GATE, expected=0) == 4


async def test_of_many_who_change_the_same_revision_one_wins(engine: AsyncEngine) -> None:
    store = CameraStore(engine)
    await store.put(GATE)
    names = [f"name {number}" for number in range(5)]

    done = await asyncio.gather(
        *(store.put(GATE.model_copy(update={"name": name}), expected=1) for name in names), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in done) == ["CameraChanged"] * 4 + ["int"]
    winner = names[next(index for index, one in enumerate(done) if one == 2)]
    found = await store.get("gate-1")
    assert found is not None
    assert (found.settings.name, found.revision) == (winner, 2)


async def test_a_password_lies_encrypted_in_the_table_and_comes_back(engine: AsyncEngine) -> None:
    settings = CameraSettings(camera_id="gate-1", source="rtsp://me:Geheim1@cam/1")
    await CameraStore(engine, Seal(b"k" * 32)).put(settings)

    async with engine.connect() as connection:
        row = (await connection.execute(select(cameras.c.settings))).scalar_one()
    without_key = await CameraStore(engine).get("gate-1")

    assert "Geheim1" not in str(row)
    assert await CameraStore(engine, Seal(b"k" * 32)).get("gate-1") == StoredCamera(settings, 1)
    assert without_key is not None
    assert is_sealed(without_key.settings.source)


@pytest.mark.parametrize("how", ["ended with the camera", "said of a camera that was gone"])
async def test_a_camera_of_a_former_name_is_not_switched_off_by_former_words(engine: AsyncEngine, how: str) -> None:
    store, words = CameraStore(engine), OverrideStore(engine)
    off = Override("gate-1", OverrideField.ENABLED, False, "kim", "rebuilding")
    blind = replace(off, field=OverrideField.DETECT)
    kept = [replace(off, camera_id=name) for name in ("*", "gate-2")]
    await store.put(GATE, 0, "lee")
    for word in (off, blind, *kept) if how == "ended with the camera" else kept:
        await words.put(word)
    assert await store.put(GATE.model_copy(update={"name": "Gate"}), None) == 2, "a change ends no word"
    assert len(await words.current(NOON)) == (4 if how == "ended with the camera" else 2)
    await store.delete("gate-1", 2, "lee")
    if how == "said of a camera that was gone":  # by who had looked a moment before
        await words.put(off)
        assert len(await words.current(NOON)) == 3
        await store.put(GATE, 0, "park")

    assert await words.current(NOON) == kept
    ended = [one for one in await words.history("gate-1") if one.value is None]
    who = ("lee", "the camera was deleted") if how == "ended with the camera" else ("park", "the camera was made anew")
    assert {(one.set_by, one.reason) for one in ended} == {who}
    assert {one.field for one in ended} == ({off.field, blind.field} if who[0] == "lee" else {off.field})
