"""What the database shows open, read for the owner that comes, on both databases."""

import asyncio
from typing import Any

import pytest
from counterparts.databases import MakeEvent
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.events import EpisodeState
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.storage.events import EventStore
from deployments.cameras.left_open import LeftOpen

pytestmark = pytest.mark.anyio

PRESS = Zone("press", ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)), entrances=True)
GATE = CameraSettings(camera_id="gate-1", source="rtsp://cam/1", zones=(PRESS,))
CLOSED = EpisodeState.CLOSED


async def test_a_new_owner_gets_what_is_open_and_not_what_the_supervisor_told(
    engine: AsyncEngine, make_event: MakeEvent
) -> None:
    store = EventStore(engine)
    blind: dict[str, Any] = {"event_type": "CAMERA_UNMONITORED", "zone_id": ""}
    entered: dict[str, Any] = {"event_type": "PERSON_ENTRANCE", "state": CLOSED}
    left: dict[str, Any] = {"event_type": "PERSON_EXIT", "state": CLOSED, "detail": {"entrance_id": "event-006"}}
    await store.record(
        "gate-1",
        1,
        [
            make_event(1),
            make_event(2, state=CLOSED),
            make_event(3, revision=2, state=EpisodeState.ESCALATED),
            make_event(4, subject="picture", **blind),
            make_event(5, subject="process", **blind),
            make_event(6, **entered),
            make_event(7, subject="person:8", **entered),
            make_event(8, **left),
        ],
    )
    await store.record("dock-1", 1, [make_event(9, camera_id="dock-1")])

    found = await LeftOpen(store, within_s=30).of(GATE)
    assert found is not None

    assert [(one["event_id"], one["revision"], one["state"]) for one in found] == [
        ("event-001", 1, "open"),
        ("event-003", 2, "escalated"),
        ("event-004", 1, "open"),
        ("event-007", 1, "closed"),
    ]
    assert found[0]["box"] == [0.25, 0.5, 0.5, 1.0]
    outages = await LeftOpen(store).outages()
    assert [(camera_id, [one.event_id for one in saved]) for camera_id, saved in outages.items()] == [
        ("gate-1", ["event-005"])
    ]


class AwayEvents:
    """A database that is away, or that hangs."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def open_events(self, camera_id: str) -> Any:
        if self._hangs:
            await asyncio.Event().wait()
        raise DatabaseUnavailable("away")

    async def list(self, filter: Any, cursor: str | None = None, limit: int = 100) -> Any:
        raise AssertionError("not asked")


class UnreadableEvents(AwayEvents):
    """A row of another release."""

    async def open_events(self, camera_id: str) -> Any:
        raise ValueError("'paused' is not a valid EpisodeState")


async def test_a_row_that_cannot_be_read_keeps_no_camera_from_watching() -> None:
    with capture_logs() as logs:
        assert await LeftOpen(UnreadableEvents(hangs=False)).of(GATE) is None

    assert [line["event"] for line in logs] == ["open_episodes_unknown"]


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_camera_does_not_wait_for_a_database_that_is_away(hangs: bool) -> None:
    with capture_logs() as logs:
        assert await LeftOpen(AwayEvents(hangs=hangs), within_s=0.05).of(GATE) is None

    assert [line["event"] for line in logs] == ["open_episodes_unknown"]
