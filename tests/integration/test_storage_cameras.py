"""Leases and API-made cameras, on both databases."""

import pytest
import structlog
from counterparts.leases import epochs
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.safety.errors import LeaseLost
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.storage.cameras import CameraStore, StoredCamera
from cluster.storage.leases import LeaseStore
from cluster.storage.tables import cameras

pytestmark = pytest.mark.anyio

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
