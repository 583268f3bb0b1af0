"""The picture for a message: waited for, but not for long, and never in the way."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from counterparts.events import safety_event

from cluster.notifications.snapshots import Snapshots
from cluster.safety.errors import DatabaseUnavailable, SnapshotsUnavailable

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Kept:
    """As the event store keeps it."""

    snapshot_state: str = "pending"
    snapshot_name: str | None = None
    event: Any = field(default_factory=safety_event)


class World:
    """An event store with scripted answers (the last one holds), a picture store, a clock that each look moves."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.now_s = list(answers), 0.0
        self.missing: Exception | None = None
        self.hangs = False

    async def get(self, name: str) -> Any:
        if name.endswith(".jpg"):
            if self.hangs:
                await asyncio.Event().wait()
            if self.missing is not None:
                raise self.missing
            return b"jpeg"
        self.now_s += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def snapshots(self) -> Snapshots:
        return Snapshots(self, self, lambda: self.now_s)


PATIENCE_S = 20
PENDING = Kept()
STORED = replace(PENDING, snapshot_state="stored", snapshot_name="one.jpg")


@pytest.mark.parametrize(
    ("kept", "answers", "wait_s", "picture"),
    [
        (STORED, [None], 0, b"jpeg"),
        (PENDING, [PENDING, STORED], 5, b"jpeg"),
        (PENDING, [DatabaseUnavailable("away"), STORED], 5, b"jpeg"),
        (PENDING, [PENDING], 3, None),
        (PENDING, [STORED], 0, None),
        (PENDING, [STORED], -1, None),
        (PENDING, [None], 5, None),
        (PENDING, [replace(PENDING, snapshot_state="lost")], 5, None),
        (replace(PENDING, snapshot_state="none"), [STORED], 5, None),
    ],
)
async def test_a_message_gets_the_picture_that_comes_in_time(
    kept: Kept, answers: list[Any], wait_s: float, picture: bytes | None
) -> None:
    assert await World(*answers).snapshots().of(kept, wait_s) == picture


@pytest.mark.parametrize("error", [SnapshotsUnavailable("away"), KeyError("one.jpg")])
async def test_a_picture_that_cannot_be_read_stops_nobody(error: Exception) -> None:
    world = World(None)
    world.missing = error

    assert await world.snapshots().of(STORED, 5) is None


async def test_a_store_that_hangs_holds_up_nobody() -> None:
    world = World(None)
    world.hangs = True

    async with asyncio.timeout(PATIENCE_S):
        assert await world.snapshots().of(STORED, -60) is None


async def test_a_process_that_stops_waits_no_longer() -> None:
    world = World(PENDING)
    snapshots = world.snapshots()
    snapshots.hurry()

    assert await snapshots.of(PENDING, 1000) is None
    assert world.now_s == 0
