"""Which node a camera should be on."""

from collections import Counter
from typing import Any

import pytest
from counterparts.camera_fleet import FleetSite, desired, node

from cluster.settings.cameras import CameraSettings
from deployments.cameras.camera_actors import ClusterNode, Place
from deployments.cameras.placement import Cluster, Move, Seat


def seat(camera_id: str, node_id: str, *, fine: bool = True, **changes: Any) -> Seat:
    return Seat(CameraSettings(camera_id=camera_id, **{"source": "rtsp://cam/1", **changes}), node_id, fine)


def seats(**on: int) -> list[Seat]:
    """`n1=2` for two cameras on n1."""
    return [seat(f"{name}-{index}", name) for name, count in on.items() for index in range(count)]


def anybody(camera_id: str, reason: str) -> bool:
    return True


def move(nodes: list[ClusterNode], seats: list[Seat], *, quiet: bool = True, only: str = "") -> Move | None:
    cluster = Cluster(nodes, 0.1, only=only)
    return cluster.off_draining(seats, anybody) or (cluster.to_better(seats, anybody) if quiet else None)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ({"n1": 4}, Move("n1-0", Place("n2"), "balance")),
        ({"n1": 2}, Move("n1-0", Place("n2"), "balance")),
        ({"n1": 2, "n2": 1}, None),
        ({"n1": 1, "n2": 3}, Move("n2-0", Place("n1"), "balance")),
        ({}, None),
    ],
)
def test_cameras_move_until_the_nodes_differ_by_one(on: dict[str, int], expected: Move | None) -> None:
    assert move([node("n1"), node("n2")], seats(**on)) == expected


def test_moves_to_a_new_node_come_to_an_end() -> None:
    nodes, where = [node("n1"), node("n2"), node("n3")], seats(n1=10, n2=3)
    moves = 0
    while (one := move(nodes, where)) is not None:
        where = [seat(s.settings.camera_id, one.place.node_id) if s.settings.camera_id == one.camera_id else s
                 for s in where]  # fmt: skip
        moves += 1
        assert moves < 20

    counts = Counter(s.node_id for s in where)
    assert sorted(counts.values()) == [4, 4, 5]


@pytest.mark.parametrize(
    ("why", "nodes", "where"),
    [
        ("no room", [node("n1"), node("n2", free=0.05)], seats(n1=4)),
        ("draining", [node("n1"), node("n2", draining=True)], seats(n1=4)),
        ("a node without CPUs", [node("n1"), ClusterNode("n2", 0.0, 0.0)], seats(n1=4)),
        ("no picture", [node("n1"), node("n2")], [seat("a", "n1", fine=False), seat("b", "n1", fine=False)]),
        ("USB", [node("n1"), node("n2")], [seat("a", "n1", source="usb:0"), seat("b", "n1", source="/dev/video1")]),
        ("bound", [node("n1", host="h"), node("n2")], [seat("a", "n1", node="h"), seat("b", "n1", node="h")]),
    ],
)
def test_nobody_is_moved_for_balance_where_it_cannot_or_must_not_be(
    why: str, nodes: list[ClusterNode], where: list[Seat]
) -> None:
    assert move(nodes, where) is None, why


def test_an_unquiet_fleet_is_not_balanced() -> None:
    assert move([node("n1"), node("n2")], seats(n1=4), quiet=False) is None


def test_a_danger_zone_is_moved_last() -> None:
    zone = {"zone_id": "z", "kind": "danger", "polygon": [[0, 0], [1, 0], [1, 1]]}
    where = [seat("a", "n1", zones=[zone]), seat("b", "n1"), seat("c", "n1", zones=[zone])]

    one = move([node("n1"), node("n2")], where)

    assert one is not None
    assert one.camera_id == "b"


@pytest.mark.parametrize("fine", [True, False])
def test_a_draining_node_is_emptied_whatever_its_cameras_see_and_in_unquiet_times_too(fine: bool) -> None:
    nodes = [node("n1", draining=True), node("n2"), node("n3")]
    where = [seat("a", "n1", fine=fine), seat("b", "n2")]

    assert move(nodes, where, quiet=False) == Move("a", Place("n3"), "drain")


def test_those_that_see_leave_a_draining_node_first() -> None:
    where = [seat("a", "n1", fine=False), seat("b", "n1")]
    one = move([node("n1", draining=True), node("n2")], where, quiet=False)
    assert one is not None
    assert one.camera_id == "b"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ([seat("a", "n1", node="west"), seat("b", "n1", node="west")], Move("b", Place(host="west"), "host")),
        ([seat(name, "n1") for name in "abc"], Move("b", Place("n2"), "balance")),
    ],
    ids=["host", "balance"],
)
def test_who_may_not_be_moved_keeps_nobody_else_from_moving(where: list[Seat], expected: Move) -> None:
    cluster = Cluster([node("n1", host="east"), node("n2", host="west")], 0.1)

    assert cluster.to_better(where, lambda camera_id, reason: camera_id != "a") == expected


def test_what_hangs_on_a_draining_node_is_said() -> None:
    where = [seat("a", "n1", source="usb:0"), seat("b", "n1")]
    assert Cluster([node("n1", draining=True), node("n2")], 0.1).stranded(where) == ["a"]


def test_a_camera_whose_node_was_named_anew_goes_there() -> None:
    nodes = [node("n1", host="east"), node("n2", host="west")]
    assert move(nodes, [seat("a", "n1", node="west")]) == Move("a", Place(host="west"), "host")
    assert move(nodes, [seat("a", "n2", node="west")]) is None
    assert move(nodes, [seat("a", "n1", node="north")]) is None


def test_new_cameras_are_spread_by_count() -> None:
    site = FleetSite()
    site.nodes.nodes = [node("n1"), node("n2")]

    site.rounds(1, *(desired(f"c{index}") for index in range(6)))

    assert Counter(place.node_id for place in site.actors.places.values()) == {"n1": 3, "n2": 3}


def test_new_cameras_do_not_all_take_the_last_room() -> None:
    site = FleetSite()
    site.nodes.nodes = [node("n1", free=0.15), node("n2", free=0.25)]

    site.rounds(1, *(desired(f"c{index}") for index in range(3)))

    assert Counter(place.node_id for place in site.actors.places.values()) == {"n1": 1, "n2": 2}


def test_a_camera_of_a_named_node_starts_there_and_nowhere_else() -> None:
    site = FleetSite()
    site.round(desired("a", node="east"))
    assert site.actors.places["camera:a"] == Place(host="east")


@pytest.mark.parametrize(
    ("nodes", "changes", "expected"),
    [
        ([node("n1", free=0.02)], {}, "the cluster has no room for it: needs 0.1 CPU, free are at most 0.02"),
        ([], {}, "the cluster has no room for it"),
        ([node("n1", host="west")], {"node": "east"}, "its node east is away"),
        ([node("n1", free=0.0, host="east"), node("n2")], {"node": "east"}, "on node east"),
        ([node("n1")], {}, ""),
    ],
)
def test_why_there_is_no_room_is_said_in_one_line(
    nodes: list[ClusterNode], changes: dict[str, Any], expected: str
) -> None:
    camera = CameraSettings(camera_id="a", source="rtsp://cam/1", **changes)
    said = Cluster(nodes, 0.1).why_no_room(camera)
    assert expected in said
    assert bool(said) == bool(expected)


def test_with_storage_on_one_disk_only_its_node_gets_cameras() -> None:
    nodes = [node("n1"), node("n2")]
    assert move(nodes, seats(n1=4), only="n1") is None
    place = Cluster(nodes, 0.1, only="n1").place_for(seats(n1=1)[0].settings, seats(n1=4), Counter())
    assert place == Place("n1")

    site = FleetSite(only_node="n1")
    site.nodes.nodes = nodes
    site.round(desired("a"))
    (fault,) = site.fleet.faults()
    assert "set database.url to PostgreSQL" in fault
