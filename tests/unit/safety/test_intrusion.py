"""Somebody in a zone: enter, leave, flicker, id switch, detector gap, two people, two zones, cooldown."""

import pytest

from cluster.safety.events import Severity
from cluster.safety.zones import ZoneKind

OPENED = ("person:7", "open", 1)
CLOSED = ("person:7", "closed", 2)

# A script is a list of (seconds, people), each person (track id, x); the zone reaches from 0.3 to 0.7.
OUT, IN, EDGE_IN, EDGE_OUT = (7, 0.1), (7, 0.5), (7, 0.305), (7, 0.295)
FLICKER = [(0.2, [EDGE_IN]), (0.2, [EDGE_OUT])]

CASES = {
    "nobody": ([(5, [])], []),
    "somebody outside": ([(5, [OUT])], []),
    "one look inside is no presence": ([(1, [OUT]), (0.2, [IN]), (5, [OUT])], []),
    "inside for less than the debounce": ([(1, [OUT]), (0.4, [IN]), (5, [OUT])], []),
    "enters": ([(1, [OUT]), (0.6, [IN])], [OPENED]),
    "appears inside": ([(0.6, [IN])], [OPENED]),
    "enters and stays": ([(1, [OUT]), (60, [IN])], [OPENED]),
    "steps outside for less than the debounce": ([(1, [IN]), (0.8, [OUT]), (3, [IN])], [OPENED]),
    "leaves": ([(1, [IN]), (1.2, [OUT])], [OPENED, CLOSED]),
    "vanishes for less than the grace": ([(1, [IN]), (1.8, []), (5, [IN])], [OPENED]),
    "vanishes": ([(1, [IN]), (2.4, [])], [OPENED, CLOSED]),
    "steps outside and is hidden there for less than the grace": (
        [(1, [IN]), (0.4, [OUT]), (1.2, []), (1, [IN])],
        [OPENED],
    ),
    "vanishes twice for a moment": ([(1, [IN]), (1.6, []), (0.2, [IN]), (1.6, []), (1, [IN])], [OPENED]),
    "flickers at the edge": ([(1, [EDGE_IN]), *FLICKER * 20, (1, [EDGE_IN])], [OPENED]),
    "comes flickering over the edge": ([(1, [OUT]), *FLICKER * 10, (1, [IN])], [OPENED]),
    "is missed at every other look while it comes": ([(0.2, [IN]), (0.2, [])] * 6, [OPENED]),
    "gets a new number": ([(1, [IN]), (3, [(9, 0.51)])], [OPENED]),
    # The name is the number of the look that confirmed it.
    "gets a new number at every look": (
        [(0.2, [(number, 0.5)]) for number in range(5, 30)],
        [OPENED],
    ),
    "gets a new number after a gap": ([(1, [IN]), (1.4, []), (3, [(9, 0.54)])], [OPENED]),
    "gets its old number back": ([(1, [IN]), (1, [(9, 0.5)]), (1, [IN])], [OPENED]),
    "somebody else comes far away": (
        [(1, [(7, 0.32)]), (1.4, []), (2, [(9, 0.68)])],
        [OPENED, ("person:9", "open", 1), CLOSED],
    ),
    "two people": ([(1, [IN, (8, 0.4)])], [OPENED, ("person:8", "open", 1)]),
    "two people cross": (
        [(1, [(7, 0.35), (8, 0.65)]), (1, [(7, 0.48), (8, 0.52)]), (1, [(7, 0.65), (8, 0.35)])],
        [OPENED, ("person:8", "open", 1)],
    ),
    "two people cross and one is hidden and renumbered": (
        [(1, [(7, 0.4), (8, 0.6)]), (0.6, [(7, 0.5)]), (2, [(7, 0.56), (12, 0.45)])],
        [OPENED, ("person:8", "open", 1)],
    ),
    "two people are both renumbered": (
        [(1, [(7, 0.4), (8, 0.6)]), (0.6, []), (2, [(20, 0.61), (21, 0.39)])],
        [OPENED, ("person:8", "open", 1)],
    ),
    "one of two leaves": (
        [(1, [(7, 0.4), (8, 0.6)]), (2, [OUT, (8, 0.6)])],
        [OPENED, ("person:8", "open", 1), CLOSED],
    ),
    "comes back within the cooldown": (
        [(1, [IN]), (2, [OUT]), (2, [IN]), (2, [OUT])],
        [OPENED, CLOSED, ("person:7", "open", 3), ("person:7", "closed", 4)],
    ),
    "is seen again on the same spot within the cooldown": (
        [(1, [IN]), (3, []), (1, [(9, 0.5)])],
        [OPENED, CLOSED, ("person:7", "open", 3)],
    ),
    "comes back after the cooldown": ([(1, [IN]), (7, [OUT]), (2, [IN])], [OPENED, CLOSED, OPENED]),
    "another person within the cooldown": (
        [(1, [IN]), (2, [OUT]), (1, [OUT, (8, 0.6)])],
        [OPENED, CLOSED, ("person:8", "open", 1)],
    ),
}


@pytest.mark.parametrize(("script", "expected"), CASES.values(), ids=CASES.keys())
def test_intrusion_of_a_danger_zone(stage, zone, make_person, steps_of, script, expected):
    scene = stage(zone())

    for seconds, people in script:
        scene.looks(seconds, *(make_person(number, x) for number, x in people))

    assert steps_of(scene.told) == expected
    assert {event.event_type for event in scene.told} <= {"DANGER_ZONE_INTRUSION"}
    assert all(event.severity is Severity.CRITICAL for event in scene.told)


def test_each_return_within_the_cooldown_keeps_the_event_and_counts(stage, zone, make_person):
    scene = stage(zone())
    for x in (0.5, 0.1, 0.5):
        scene.looks(2, make_person(7, x))

    opened, closed, reopened = scene.told
    assert opened.event_id == closed.event_id == reopened.event_id
    assert reopened.detail["reopened"] == 1
    assert closed.detail["reason"] == "left"


def test_an_event_tells_the_frame_that_caused_it(stage, zone, make_person):
    scene = stage(zone(name="Press 4"))
    scene.looks(0.4, make_person(7, 0.5))
    (event,) = scene.look(make_person(7, 0.5), make_person(8, 0.1))

    assert event.correlation_id == "cam-1-3"
    assert (event.opened_at, event.updated_at, event.model_digest) == (scene.wall, scene.wall, "digest")
    assert [seen.track_id for seen in event.objects] == [7, 8]
    assert event.detail["zone_name"] == "Press 4"
    assert event.detail["since"] < event.opened_at.isoformat()


def test_who_vanished_left_when_last_seen(stage, zone, make_person):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    last_seen = scene.wall
    scene.looks(3)

    assert scene.told[-1].closed_at == last_seen < scene.told[-1].updated_at
    assert scene.told[-1].detail["reason"] == "lost from sight"


def test_without_a_debounce_one_look_is_enough(stage, zone, make_person, steps_of):
    scene = stage(zone(enter_debounce_s=0.0, exit_debounce_s=0.0))

    assert steps_of(scene.look(make_person(7, 0.5))) == [OPENED]
    assert steps_of(scene.look(make_person(7, 0.1))) == [CLOSED]


def test_a_warning_zone_escalates_under_the_same_event(stage, zone, make_person, steps_of):
    scene = stage(zone(kind=ZoneKind.WARNING, escalate_after_s=5.0))
    scene.looks(10, make_person(7, 0.5))
    scene.looks(2, make_person(7, 0.1))

    assert steps_of(scene.told) == [OPENED, ("person:7", "escalated", 2), ("person:7", "closed", 3)]
    assert [event.severity for event in scene.told] == [Severity.WARNING, Severity.CRITICAL, Severity.CRITICAL]
    assert len({event.event_id for event in scene.told}) == 1
    assert scene.told[1].detail["inside_s"] == 5.0


def test_an_id_switch_does_not_delay_the_escalation(stage, zone, make_person, steps_of):
    scene = stage(zone(kind=ZoneKind.WARNING, escalate_after_s=5.0))
    scene.looks(3, make_person(7, 0.5))
    scene.looks(0.6)
    scene.looks(1.8, make_person(9, 0.5))

    assert steps_of(scene.told) == [OPENED, ("person:7", "escalated", 2)]


def test_an_escalated_event_that_reopens_is_escalated(stage, zone, make_person, steps_of):
    scene = stage(zone(kind=ZoneKind.WARNING, escalate_after_s=1.0))
    for x in (0.5, 0.1, 0.5):
        scene.looks(2, make_person(7, x))

    assert steps_of(scene.told)[-1] == ("person:7", "escalated", 4)
    assert scene.told[-1].severity is Severity.CRITICAL


def test_two_zones_tell_their_own_events(stage, zone, make_person):
    scene = stage(zone("a", 0.2, 0.6), zone("b", 0.4, 0.8, kind=ZoneKind.WARNING))
    scene.looks(1, make_person(7, 0.3))
    scene.looks(1, make_person(7, 0.5))
    scene.looks(2, make_person(7, 0.7))

    assert [(event.zone_id, event.state.value) for event in scene.told] == [
        ("a", "open"),
        ("b", "open"),
        ("a", "closed"),
    ]
    assert scene.rules.occupied_zones() == {"b"}


@pytest.mark.parametrize(
    ("label", "objects", "told"),
    [
        ("person", ("person",), True),
        ("fallen_person", ("person",), True),
        ("vehicle", ("person",), False),
        ("vehicle", ("person", "vehicle"), True),
        ("person", ("vehicle",), False),
        ("person", (), False),
    ],
)
def test_only_the_objects_of_the_zone_intrude(stage, zone, make_person, label, objects, told):
    scene = stage(zone(objects=objects), fallen=False)
    scene.looks(2, make_person(7, 0.5, label))

    assert (scene.types() == ["DANGER_ZONE_INTRUSION"]) is told


def test_who_falls_in_the_zone_is_still_the_same_person(stage, zone, make_person, steps_of):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    scene.looks(1, make_person(9, 0.5, "fallen_person"))

    assert steps_of(scene.of("DANGER_ZONE_INTRUSION")) == [OPENED]


def test_who_stepped_outside_and_vanished_gets_the_longer_time(stage, zone, make_person, steps_of):
    scene = stage(zone(gap_grace_s=0.0, exit_debounce_s=2.0))
    scene.looks(1, make_person(7, 0.5))
    scene.looks(0.4, make_person(7, 0.1))
    scene.looks(1)
    scene.looks(1, make_person(7, 0.5))

    assert steps_of(scene.told) == [OPENED]


def test_a_vehicle_does_not_take_the_number_of_a_person(stage, zone, make_person, steps_of):
    scene = stage(zone(objects=("person", "vehicle")))
    scene.looks(1, make_person(7, 0.5))
    scene.looks(1, make_person(9, 0.5, "vehicle"))

    assert steps_of(scene.told) == [OPENED, ("vehicle:9", "open", 1)]


def test_a_runner_with_a_new_number_at_every_look_is_told(stage, zone, make_person):
    scene = stage(zone("z", 0.0, 1.0))
    for number in range(5):
        scene.look(make_person(number, 0.1 + 0.18 * number, height=0.2), after_s=0.5)

    assert "DANGER_ZONE_INTRUSION" in scene.types()
