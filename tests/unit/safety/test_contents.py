"""Objects that must be in a zone and are not."""

import pytest

from cluster.safety.events import Severity
from cluster.safety.tracks import Track
from cluster.safety.zones import Zone

OPENED, CLOSED = ("fire_extinguisher", "open", 1), ("fire_extinguisher", "closed", 2)
THERE = Track(50, "fire_extinguisher", 0.7, (0.48, 0.6, 0.52, 0.7))
ELSEWHERE = Track(50, "fire_extinguisher", 0.7, (0.1, 0.6, 0.14, 0.7))
SOMEBODY = Track(7, "person", 0.9, (0.4, 0.4, 0.6, 0.8))

CASES = {
    "is there": ([(10, [THERE])], []),
    "never was": ([(5, [])], [OPENED]),
    "was never looked for long enough": ([(2.8, [])], []),
    "is taken": ([(2, [THERE]), (4, [])], [OPENED]),
    "is moved out of the zone": ([(2, [THERE]), (4, [ELSEWHERE])], [OPENED]),
    "is hidden for a moment": ([(2, [THERE]), (2.6, [SOMEBODY]), (2, [THERE, SOMEBODY])], []),
    "flickers": ([(0.2, [THERE]), (1, [])] * 10, []),
    "is brought back": ([(4, []), (2, [THERE])], [OPENED, CLOSED]),
    "shows for one look": ([(4, []), (0.2, [THERE]), (4, [])], [OPENED]),
    "is taken again at once": ([(4, []), (2, [THERE]), (4, [])], [OPENED, CLOSED, ("fire_extinguisher", "open", 3)]),
    "is taken again much later": ([(4, []), (20, [THERE]), (4, [])], [OPENED, CLOSED, OPENED]),
    "is replaced by another one": ([(2, [THERE]), (4, [Track(51, *("fire_extinguisher", 0.7, THERE.box))])], []),
}


@pytest.mark.parametrize(("script", "expected"), CASES.values(), ids=CASES.keys())
def test_a_missing_object(stage, zone, steps_of, script, expected):
    scene = stage(zone(must_contain=("fire_extinguisher",), objects=()))
    for seconds, tracks in script:
        scene.looks(seconds, *tracks)

    assert steps_of(scene.told) == expected
    assert {event.event_type for event in scene.told} <= {"FIRE_EXTINGUISHER_MISSING"}
    assert all(event.severity is Severity.WARNING for event in scene.told)


def test_what_hangs_over_the_lower_edge_is_there(stage):
    wall = Zone("w", ((0.3, 0.3), (0.7, 0.3), (0.7, 0.6), (0.3, 0.6)), must_contain=("fire_extinguisher",), objects=())
    scene = stage(wall)
    scene.looks(6, Track(50, "fire_extinguisher", 0.7, (0.48, 0.5, 0.52, 0.65)))

    assert scene.told == []


def test_an_object_that_is_back_after_a_restart_is_only_closed(stage, zone, steps_of):
    values = {"must_contain": ("fire_extinguisher",), "objects": ()}
    scene = stage(zone(**values))
    scene.looks(5)
    scene.restart(zone(**values))
    scene.looks(3, THERE)

    assert steps_of(scene.told) == [OPENED, CLOSED]


def test_two_zones_miss_their_own(stage, zone):
    left, right = zone("a", 0.0, 0.5), zone("b", 0.5001, 1.0)
    scene = stage(*(type(one)(one.zone_id, one.polygon, must_contain=("safety_cone",)) for one in (left, right)))
    scene.looks(5, Track(50, "safety_cone", 0.7, (0.2, 0.6, 0.24, 0.7)))

    assert [(event.zone_id, event.event_type) for event in scene.told] == [("b", "SAFETY_CONE_MISSING")]


@pytest.mark.parametrize(("knows", "told"), [(frozenset({"fire_extinguisher"}), 1), (frozenset({"person"}), 0)])
def test_what_the_model_does_not_know_is_not_judged(stage, zone, knows, told):
    scene = stage(zone(must_contain=("fire_extinguisher",)), knows=knows)
    scene.looks(6)

    assert len(scene.told) == told


def test_time_that_nobody_watched_is_no_absence(stage, zone):
    scene = stage(zone(must_contain=("fire_extinguisher",)))
    scene.looks(1, THERE)
    scene.looks(1)
    scene.look(after_s=20)
    scene.blind(60)
    scene.looks(2)

    assert scene.told == []


def test_a_missing_object_is_taken_up_after_a_restart(stage, zone, steps_of):
    values = {"must_contain": ("fire_extinguisher",), "objects": ()}
    scene = stage(zone(**values))
    scene.looks(5)
    scene.restart(zone(**values))
    scene.looks(5)
    scene.looks(3, THERE)

    assert [step[1:] for step in steps_of(scene.told)] == [("open", 1), ("open", 2), ("closed", 3)]
    assert len({event.event_id for event in scene.told}) == 1


def test_one_slow_look_without_it_is_no_absence(stage, zone):
    scene = stage(zone(must_contain=("fire_extinguisher",), objects=()))
    for _ in range(5):
        scene.look(THERE, after_s=4.0)
    scene.look(after_s=4.0)

    assert scene.told == []
