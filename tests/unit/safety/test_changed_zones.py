"""Zones and rules that change while somebody stands in them."""

import pytest

from cluster.safety.zones import ZoneKind

OPENED = ("person:7", "open", 1)
CLOSED = ("person:7", "closed", 2)


def test_an_untouched_zone_keeps_its_episode(stage, zone, make_person, steps_of):
    scene = stage(zone(), zone("other", 0.8, 0.9))
    scene.looks(1, make_person(7, 0.5))
    scene.apply(zone(), zone("third", 0.0, 0.1))
    scene.looks(2, make_person(7, 0.5))

    assert steps_of(scene.told) == [OPENED]


def test_a_removed_zone_closes_its_episodes(stage, zone, make_person, steps_of):
    scene = stage(zone(dwell_s=1.0, require=("helmet",), must_contain=("safety_cone",)))
    scene.looks(5, make_person(7, 0.5))
    closed = scene.apply()

    assert len(closed) == 4
    assert {event.detail["reason"] for event in closed} == {"zone removed"}
    assert scene.rules.occupied_zones() == frozenset()
    assert scene.looks(3, make_person(7, 0.5)) == []


@pytest.mark.parametrize(("left", "steps"), [(0.4, [OPENED]), (0.6, [OPENED, CLOSED])])
def test_a_changed_polygon_keeps_who_is_still_inside(stage, zone, make_person, steps_of, left, steps):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    scene.apply(zone("z", left, 0.9))
    scene.looks(3, make_person(7, 0.5))

    assert steps_of(scene.told) == steps


def test_a_changed_kind_closes_one_event_and_opens_the_other_at_once(stage, zone, make_person):
    scene = stage(zone(kind=ZoneKind.WARNING))
    scene.looks(1, make_person(7, 0.5))
    scene.apply(zone(kind=ZoneKind.DANGER))
    scene.look(make_person(7, 0.5))

    assert [(event.event_type, event.state.value) for event in scene.told] == [
        ("WARNING_ZONE_INTRUSION", "open"),
        ("WARNING_ZONE_INTRUSION", "closed"),
        ("DANGER_ZONE_INTRUSION", "open"),
    ]


@pytest.mark.parametrize("field", ["dwell_s", "require", "must_contain"])
def test_a_rule_that_is_switched_off_closes_its_episodes(stage, zone, make_person, field):
    values = {"dwell_s": 1.0, "require": ("helmet",), "must_contain": ("safety_cone",), "objects": ("person",)}
    scene = stage(zone(**values))
    scene.looks(5, make_person(7, 0.5))
    (closed,) = scene.apply(zone(**(values | {field: None if field == "dwell_s" else ()})))

    assert closed.detail["reason"] == "rule switched off"
    assert scene.looks(5, make_person(7, 0.5)) == []


def test_a_polygon_that_grows_takes_in_who_stands_there(stage, zone, make_person):
    scene = stage(zone("z", 0.6, 0.7))
    scene.looks(1, make_person(7, 0.3))
    scene.apply(zone("z", 0.1, 0.7))
    scene.looks(1, make_person(7, 0.3))

    assert scene.types() == ["DANGER_ZONE_INTRUSION"]


def test_changed_debounces_hold_at_once(stage, zone, make_person, steps_of):
    scene = stage(zone(exit_debounce_s=30.0))
    scene.looks(1, make_person(7, 0.5))
    scene.apply(zone(exit_debounce_s=0.5))
    scene.looks(1, make_person(7, 0.1))

    assert steps_of(scene.told) == [OPENED, CLOSED]


def test_equipment_that_is_required_again_is_counted_anew(stage, zone, make_person):
    values = {"objects": (), "entrances": True}
    scene = stage(zone(require=("helmet",), **values))
    scene.looks(2.6, make_person(7, 0.5))
    scene.apply(zone(**values))
    scene.apply(zone(require=("helmet",), **values))
    scene.looks(1, make_person(7, 0.5))

    assert scene.types() == ["PERSON_ENTRANCE"]


def test_entrances_that_are_switched_off_tell_no_exit(stage, zone, make_person):
    scene = stage(zone(entrances=True, require=("vest",), objects=()))
    scene.looks(1, make_person(7, 0.5))
    scene.apply(zone(require=("vest",), objects=()))
    scene.looks(2, make_person(7, 0.1))

    assert scene.types() == ["PERSON_ENTRANCE"]
