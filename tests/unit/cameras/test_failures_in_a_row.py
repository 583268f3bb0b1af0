"""Failures in a row, seen by several replicas."""

import asyncio

from cluster.safety.errors import DatabaseUnavailable
from deployments.cameras.failures_in_a_row import FailuresInARow


class Gauge:
    def __init__(self) -> None:
        self.said: list[float] = []

    def set(self, value: float) -> None:
        self.said.append(value)


class Store:
    """Answers from the question number `answers_from` on."""

    def __init__(self, answers_from: int = 1) -> None:
        self.answers_from, self.asked = answers_from, 0
        self.answered = asyncio.Event()

    async def ping(self) -> None:
        self.asked += 1
        if self.asked < self.answers_from:
            raise DatabaseUnavailable("connection refused")
        self.answered.set()


def test_they_are_counted_until_one_succeeds() -> None:
    gauge = Gauge()

    async def calls() -> None:
        failures = FailuresInARow(gauge, Store().ping)
        failures.failed()
        failures.failed()
        failures.succeeded()
        failures.succeeded()

    asyncio.run(calls())

    assert gauge.said == [0, 1, 2, 0]


def test_a_replica_that_nobody_calls_any_more_asks_itself_until_the_store_answers() -> None:
    gauge = Gauge()

    async def calls() -> int:
        store = Store(answers_from=3)
        failures = FailuresInARow(gauge, store.ping, quiet_s=0.01)
        failures.failed()
        await asyncio.wait_for(store.answered.wait(), 10)
        await asyncio.sleep(0)
        return failures.count

    assert asyncio.run(calls()) == 0
    assert gauge.said == [0, 1, 0]


def test_while_it_is_called_nothing_but_a_success_ends_the_count() -> None:
    async def calls() -> tuple[int, int]:
        store = Store()
        failures = FailuresInARow(Gauge(), store.ping, quiet_s=0.05)
        for _ in range(20):
            failures.failed()
            await asyncio.sleep(0.01)
        return failures.count, store.asked

    assert asyncio.run(calls()) == (20, 0)
