"""The supervisor's side of the metrics hub."""

import asyncio

from deployments.cameras.camera_actors import ActorSilentError
from deployments.cameras.hub_keeper import HUNG_AFTER_ROUNDS, HubKeeper


class FakeHubs:
    """One hub under its name, as `HubActors` and `HubHandle`."""

    def __init__(self, running: str = "", fresh: str = "2") -> None:
        self.running, self.fresh = running, fresh
        self.silent = self.hangs = False
        self.made = self.ended = 0

    async def get(self) -> "FakeHubs":
        if self.silent:
            raise ActorSilentError("Ray's control store does not answer")
        if not self.running:
            self.running, self.made = self.fresh, self.made + 1
        return self

    async def release(self, timeout_s: float) -> str:
        if self.hangs:
            raise ActorSilentError("no answer")
        return self.running

    async def end(self) -> None:
        self.running, self.ended = "", self.ended + 1
        self.hangs = False


def rounds(hubs: FakeHubs, count: int) -> None:
    async def tend() -> None:
        keeper = HubKeeper(hubs, "2")
        for _ in range(count):
            keeper.tend()
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})  # type: ignore[arg-type]

    asyncio.run(tend())


def test_one_is_made_and_left_alone() -> None:
    hubs = FakeHubs()

    rounds(hubs, 3)

    assert (hubs.running, hubs.made, hubs.ended) == ("2", 1, 0)


def test_one_of_another_release_is_replaced() -> None:
    hubs = FakeHubs(running="1")

    rounds(hubs, 2)

    assert (hubs.running, hubs.made, hubs.ended) == ("2", 1, 1)


def test_a_control_store_that_does_not_answer_is_asked_again() -> None:
    hubs = FakeHubs()
    hubs.silent = True
    rounds(hubs, 2)
    hubs.silent = False

    rounds(hubs, 1)

    assert hubs.made == 1


def test_one_that_hangs_is_replaced_and_not_before_it_has_had_time_to_load() -> None:
    hubs = FakeHubs(running="2")
    hubs.hangs = True

    rounds(hubs, HUNG_AFTER_ROUNDS - 1)
    assert hubs.ended == 0
    rounds(hubs, HUNG_AFTER_ROUNDS + 1)

    assert (hubs.running, hubs.made, hubs.ended) == ("2", 1, 1)


def test_a_control_store_that_does_not_answer_is_no_reason_to_end_the_hub() -> None:
    hubs = FakeHubs(running="2")
    hubs.silent = True

    rounds(hubs, 2 * HUNG_AFTER_ROUNDS)

    assert (hubs.made, hubs.ended) == (0, 0)
