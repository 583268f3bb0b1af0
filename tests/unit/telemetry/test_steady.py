"""Gauges that stand until they are changed."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.telemetry.steady import Refresher, SteadyGauge


class Gauge:
    def __init__(self) -> None:
        self.said: list[tuple[float, dict[str, str]]] = []
        self.again = threading.Event()

    def set(self, value: float, tags: dict[str, str]) -> None:
        self.said.append((value, tags))
        if len(self.said) > 1:
            self.again.set()


@pytest.fixture
def refresher() -> Iterator[Refresher]:
    refresher = Refresher(every_s=0.01)
    yield refresher
    refresher.stop()


def test_what_was_set_once_is_set_again_and_again(refresher: Refresher) -> None:
    gauge: Any = Gauge()

    SteadyGauge(gauge, refresher).set(3, {"gpu": "0"})

    assert gauge.again.wait(10)
    assert gauge.said[:2] == [(3, {"gpu": "0"})] * 2


def test_the_newest_value_stands() -> None:
    gauge: Any = Gauge()
    refresher = Refresher(every_s=3600)
    steady = SteadyGauge(gauge, refresher)
    steady.set(3)
    steady.set(4)

    refresher.refresh()
    refresher.stop()

    assert gauge.said == [(3, {}), (4, {}), (4, {})]


def test_what_is_forgotten_is_not_set_again() -> None:
    gauge: Any = Gauge()
    refresher = Refresher(every_s=3600)
    steady = SteadyGauge(gauge, refresher)
    steady.set(3, {"gpu": "0"})
    steady.set(5, {"gpu": "1"})

    steady.forget({"gpu": "0"})
    steady.forget({"gpu": "7"})
    refresher.refresh()
    refresher.stop()

    assert gauge.said[2:] == [(5, {"gpu": "1"})]
