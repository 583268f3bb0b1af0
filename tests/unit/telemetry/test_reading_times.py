"""When the hub reads the nodes."""

from itertools import pairwise

import pytest

from cluster.telemetry.reading_times import ReadingTimes

KEEP_S, TOOK_S = 5.0, 0.5


def readings(asks: list[float], until_s: float) -> list[float]:
    """The moments at which the nodes are read by themselves, when somebody asks at `asks`."""
    times, read, now_s = ReadingTimes(KEEP_S), [0.0], 0.0
    times.read(0.0, TOOK_S)
    while now_s < until_s:
        now_s = round(now_s + 0.1, 1)
        if now_s in asks:
            times.asked(now_s)
        if now_s >= times.due_s():
            read.append(now_s)
            times.read(now_s, TOOK_S)
    return read


@pytest.mark.parametrize("every_s", [10, 15, 30])
def test_who_asks_regularly_finds_what_was_read_a_moment_before(every_s: int) -> None:
    asks = [float(every_s * number) for number in range(1, 12)]

    read = readings(asks, asks[-1])

    for ask in asks[2:]:
        assert 0 < ask - max(moment for moment in read if moment <= ask) < 2
    assert len(read) <= len(asks) + 4


def test_who_asks_all_the_time_gets_what_is_not_too_old() -> None:
    asks = [round(1 + number * 0.5, 1) for number in range(80)]

    read = readings(asks, asks[-1])

    pauses = [later - before for before, later in pairwise(read)]
    assert max(pauses) + TOOK_S <= KEEP_S
    assert min(pauses) >= 0.8 * KEEP_S - 0.11


def test_while_nobody_asks_they_are_read_now_and_then() -> None:
    assert readings([], 100.0) == [0.0, 30.0, 60.0, 90.0]


def test_who_does_not_come_again_is_not_waited_for() -> None:
    read = readings([10.0, 25.0, 40.0], 200.0)

    assert len([moment for moment in read if moment > 60.0]) <= 5
