"""Two supervisors never fight."""

import asyncio

import pytest

from cluster.camera.orders import Orders
from cluster.safety.errors import SupervisorSuperseded
from deployments.cameras.camera_actors import ActorSilentError
from deployments.cameras.term import Term


class FakeStore:
    def __init__(self, epoch: int = 0) -> None:
        self.epoch, self.away = epoch, False

    async def read(self) -> int:
        if self.away:
            raise ActorSilentError("Ray's control store does not answer")
        return self.epoch

    async def write(self, epoch: int) -> None:
        if self.away:
            raise ActorSilentError("Ray's control store does not answer")
        self.epoch = epoch


@pytest.mark.parametrize(("last", "expected"), [(0, 1000), (999, 1000), (1000, 1001), (5000, 5001)])
def test_an_epoch_is_one_more_than_the_last_or_the_seconds(last: int, expected: int) -> None:
    term = Term(FakeStore(last), wall=lambda: 1000.7)
    assert asyncio.run(term.begin()) == expected


def test_without_its_store_the_clock_carries_the_epoch_over() -> None:
    store = FakeStore(7)
    store.away = True
    term = Term(store, wall=lambda: 1000.0)

    assert asyncio.run(term.begin()) == 1000
    asyncio.run(term.check())


def test_the_older_of_two_learns_that_it_was_followed() -> None:
    store = FakeStore()
    older, newer = Term(store, wall=lambda: 1000.0), Term(store, wall=lambda: 1000.0)
    asyncio.run(older.begin())
    asyncio.run(newer.begin())

    asyncio.run(newer.check())
    with pytest.raises(SupervisorSuperseded, match="of epoch 1000 was followed by 1001"):
        asyncio.run(older.check())


def test_an_actor_refuses_the_orders_of_an_older_supervisor() -> None:
    orders = Orders()
    orders.take(5)
    orders.take(7)
    orders.take(7)
    with pytest.raises(SupervisorSuperseded):
        orders.take(6)
