"""A person who lies on the ground."""

import pytest

from cluster.safety.events import Severity

OPENED, CLOSED = ("person:7", "open", 1), ("person:7", "closed", 2)
LIES, STANDS = (7, "fallen_person"), (7, "person")

CASES = {
    "stands": ([(5, [STANDS])], []),
    "lies": ([(5, [LIES])], [OPENED]),
    "falls": ([(2, [STANDS]), (2, [LIES])], [OPENED]),
    "one wrong look": ([(2, [STANDS]), (0.2, [LIES]), (5, [STANDS])], []),
    "a wrong look now and then": ([(1, [STANDS]), (0.2, [LIES])] * 20, []),
    "lies for less than a second": ([(2, [STANDS]), (0.8, [LIES]), (5, [STANDS])], []),
    "gets up": ([(2, [LIES]), (3, [STANDS])], [OPENED, CLOSED]),
    "the label flips": ([(2, [LIES]), *[(0.6, [STANDS]), (0.2, [LIES])] * 10], [OPENED]),
    "the label flips from the beginning": ([(0.2, [LIES]), (0.2, [STANDS])] * 20, [OPENED]),
    "is lost for a while": ([(2, [LIES]), (4, []), (2, [LIES])], [OPENED]),
    "is lost": ([(2, [LIES]), (6, [])], [OPENED, CLOSED]),
    "is renumbered": ([(2, [LIES]), (2, [(9, "fallen_person")])], [OPENED]),
    "is renumbered as it falls": ([(2, [STANDS]), (2, [(9, "fallen_person")])], [("person:9", "open", 1)]),
    "falls again at once": ([(2, [LIES]), (3, [STANDS]), (2, [LIES])], [OPENED, CLOSED, ("person:7", "open", 3)]),
}


@pytest.mark.parametrize(("script", "expected"), CASES.values(), ids=CASES.keys())
def test_a_person_on_the_ground(stage, make_person, steps_of, script, expected):
    scene = stage()
    for seconds, people in script:
        scene.looks(seconds, *(make_person(number, 0.5, label) for number, label in people))

    assert steps_of(scene.told) == expected
    assert {(event.event_type, event.zone_id) for event in scene.told} <= {("PERSON_FALLEN", "")}
    assert all(event.severity is Severity.CRITICAL for event in scene.told)


def test_two_people_fall(stage, make_person):
    scene = stage()
    scene.looks(3, make_person(7, 0.2, "fallen_person"), make_person(8, 0.8, "fallen_person"))

    assert [event.subject for event in scene.told] == ["person:7", "person:8"]


def test_who_falls_in_a_danger_zone_is_told_as_both(stage, zone, make_person):
    scene = stage(zone())
    scene.looks(3, make_person(7, 0.5, "fallen_person"))

    assert scene.types() == ["DANGER_ZONE_INTRUSION", "PERSON_FALLEN"]


def test_a_switched_off_rule_tells_nothing_and_closes_what_is_open(stage, make_person, steps_of):
    scene = stage(fallen=False)
    scene.looks(3, make_person(7, 0.5, "fallen_person"))
    assert scene.told == []

    scene.apply(fallen=True)
    scene.looks(3, make_person(7, 0.5, "fallen_person"))
    scene.apply(fallen=False)
    assert steps_of(scene.told) == [OPENED, CLOSED]
    assert scene.told[-1].detail["reason"] == "rule switched off"


def test_who_still_lies_after_a_restart_is_told_once(stage, make_person, steps_of):
    scene = stage()
    scene.looks(3, make_person(7, 0.5, "fallen_person"))
    scene.restart()
    scene.looks(3, make_person(1, 0.9, "person"), make_person(2, 0.5, "fallen_person"))

    assert steps_of(scene.told) == [OPENED, ("person:7", "open", 2)]
