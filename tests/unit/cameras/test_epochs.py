"""Leases that rise, whatever the database and the clock do."""

import asyncio
from typing import Any

import pytest

from cluster.safety.errors import DatabaseUnavailable, LeaseLost
from deployments.cameras.epochs import Epochs


class Rows:
    """The lease of one camera."""

    def __init__(self, epoch: int = 0, *, away: bool = False) -> None:
        self.epoch, self.away = epoch, away

    async def take(self, camera_id: str, epoch: int) -> None:
        if self.away:
            raise DatabaseUnavailable("database: away")
        if epoch < self.epoch:
            raise LeaseLost(camera_id, epoch, self.epoch)
        self.epoch = epoch


def taken(rows: Any, count: int = 1, clock: float = 1000.0) -> list[int]:
    epochs = Epochs(rows, lambda: clock)

    async def take() -> list[int]:
        return [await epochs.next("gate-1") for _ in range(count)]

    found = asyncio.run(take())
    assert epochs.last("gate-1") == found[-1]
    return found


def test_where_somebody_has_a_newer_lease_a_higher_one_is_stored_before_the_new_owner_begins() -> None:
    rows = Rows(5000)

    assert taken(rows) == [5001]
    assert rows.epoch == 5001


@pytest.mark.parametrize("rows", [Rows(), Rows(away=True)], ids=["stored", "database away"])
def test_each_is_higher_than_the_last(rows: Rows) -> None:
    assert taken(rows, 3) == [1000, 1001, 1002]


def test_a_race_that_is_never_won_keeps_no_camera_from_watching() -> None:
    class Racing:
        async def take(self, camera_id: str, epoch: int) -> None:
            raise LeaseLost(camera_id, epoch, epoch + 1)

    assert taken(Racing(), 2) == sorted(set(taken(Racing(), 2)))
