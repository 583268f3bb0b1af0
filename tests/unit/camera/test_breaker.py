"""When frames are kept from a detector, and when they go to it again."""

from itertools import pairwise

import pytest

from cluster.camera.breaker import LONGEST_PAUSE_S, OPENS_AFTER, Breaker, BreakerState


class Bench:
    def __init__(self, jitter: float = 0.0) -> None:
        self.now_s = 100.0
        self.breaker = Breaker(lambda: self.now_s, lambda: jitter)

    def fail(self, takes_s: float = 1.0, times: int = 1) -> None:
        for _ in range(times):
            called_s = self.now_s
            self.now_s += takes_s
            self.breaker.failed("no answer within 2 s", called_s)

    def pause_s(self) -> float:
        """How long it lets nothing through; the frame that it lets through then is on its way."""
        began_s = self.now_s
        while not self.breaker.allows():
            self.now_s += 0.01
        return self.now_s - began_s


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_stays_closed_for_a_few_failures_and_forgets_them_with_an_answer(bench: Bench) -> None:
    for _ in range(5):
        bench.fail(times=OPENS_AFTER - 1)
        bench.breaker.succeeded()

    assert bench.breaker.state is BreakerState.CLOSED


def test_a_burst_of_refusals_within_a_moment_is_a_replica_being_replaced(bench: Bench) -> None:
    bench.fail(takes_s=0.01, times=20)
    assert bench.breaker.allows()

    bench.fail(takes_s=2.0)

    assert not bench.breaker.allows()


def test_opens_with_the_reason_after_a_row_of_failures(bench: Bench) -> None:
    bench.fail(times=OPENS_AFTER)

    assert bench.breaker.state is BreakerState.OPEN
    assert bench.breaker.reason == "no answer within 2 s"
    assert not bench.breaker.allows()


def test_lets_one_frame_through_after_a_pause_and_closes_with_its_answer(bench: Bench) -> None:
    bench.fail(times=OPENS_AFTER)
    bench.pause_s()
    assert bench.breaker.state is BreakerState.HALF_OPEN

    bench.breaker.succeeded()

    assert (bench.breaker.state, bench.breaker.reason) == (BreakerState.CLOSED, "")


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_pauses_grow_from_one_second_to_ten(jitter: float) -> None:
    bench = Bench(jitter)
    bench.fail(times=OPENS_AFTER)
    pauses = []
    for _ in range(6):
        pauses.append(bench.pause_s())
        bench.fail()

    assert all(0.99 <= pause <= LONGEST_PAUSE_S + 0.02 for pause in pauses)
    assert all(after >= before - 0.02 for before, after in pairwise(pauses))
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_S * (1 - jitter / 2), abs=0.02)


def test_begins_with_the_short_pause_again_after_it_was_closed(bench: Bench) -> None:
    bench.fail(times=OPENS_AFTER)
    first = bench.pause_s()
    bench.fail(times=3)
    bench.pause_s()
    bench.breaker.succeeded()

    bench.fail(times=OPENS_AFTER)

    assert bench.pause_s() == pytest.approx(first, abs=0.02)
