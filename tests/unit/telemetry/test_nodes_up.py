"""Nodes that answer, that do not, and that are gone."""

from cluster.telemetry.nodes_up import GONE_S, NodesUp


def test_a_node_that_is_gone_is_down_until_it_is_back_or_nobody_asks_any_more() -> None:
    up = NodesUp()

    assert up.levels({"1": "hall-1", "2": "hall-2"}, {"2"}, 0.0) == {"hall-1": 1.0, "hall-2": 0.0}
    assert up.levels({"1": "hall-1"}, (), GONE_S) == {"hall-1": 1.0, "hall-2": 0.0}
    assert up.levels({"1": "hall-1", "9": "hall-2"}, (), GONE_S) == {"hall-1": 1.0, "hall-2": 1.0}
    assert up.levels({"1": "hall-1"}, (), 2 * GONE_S + 1) == {"hall-1": 1.0}


def test_two_nodes_of_one_name_are_told_apart() -> None:
    assert NodesUp().levels({"aaaaaaa": "x", "bbbbbbb": "x"}, {"aaaaaaa"}, 0.0) == {"x/aaaaaa": 0.0, "x/bbbbbb": 1.0}
