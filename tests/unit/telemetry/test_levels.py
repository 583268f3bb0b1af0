"""Gauges of many processes become one number."""

import pytest

from cluster.telemetry.export import Series
from cluster.telemetry.instruments import Declared, Kind, Merge
from cluster.telemetry.levels import Levels

STALE_S = 20.0


def series(merge: Merge, writer: str, sample: str = "depth") -> Series:
    return Series(Declared("depth", Kind.GAUGE, "Depth.", merge=merge), sample, writer)


@pytest.mark.parametrize(("merge", "merged"), [(Merge.SUM, 8.0), (Merge.LARGEST, 5.0), (Merge.LAST, 3.0)])
def test_each_metric_says_how_its_processes_become_one(merge: Merge, merged: float) -> None:
    levels = Levels(STALE_S)

    levels.read("a", {series(merge, "old"): 5.0}, 0.0)
    levels.read("b", {series(merge, "new"): 3.0}, 0.0)

    assert levels.merged(0.0) == {"depth": merged}


def test_the_last_word_is_that_of_who_began_last_and_not_of_who_was_read_last() -> None:
    levels = Levels(STALE_S)
    levels.read("a", {series(Merge.LAST, "old"): 5.0}, 0.0)
    levels.read("b", {series(Merge.LAST, "new"): 3.0}, 0.0)

    levels.read("a", {series(Merge.LAST, "old"): 6.0}, 5.0)

    assert levels.merged(5.0) == {"depth": 3.0}


def test_what_a_node_does_not_show_any_more_is_forgotten() -> None:
    levels = Levels(STALE_S)
    levels.read("a", {series(Merge.SUM, "one"): 5.0, series(Merge.SUM, "two"): 2.0}, 0.0)

    levels.read("a", {series(Merge.SUM, "two"): 2.0}, 5.0)

    assert levels.merged(5.0) == {"depth": 2.0}


@pytest.mark.parametrize(("after_s", "merged"), [(STALE_S, {"depth": 5.0}), (STALE_S + 1, {})])
def test_a_silent_node_is_believed_for_a_while(after_s: float, merged: dict[str, float]) -> None:
    levels = Levels(STALE_S)
    levels.read("a", {series(Merge.SUM, "one"): 5.0}, 0.0)

    assert levels.merged(after_s) == merged


def test_a_node_that_is_gone_says_nothing_at_once() -> None:
    levels = Levels(STALE_S)
    levels.read("a", {series(Merge.SUM, "one"): 5.0}, 0.0)

    levels.keep_only({"b"})

    assert levels.merged(0.0) == {}
