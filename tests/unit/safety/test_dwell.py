"""Somebody stays in a zone for longer than allowed: an episode of its own."""

import pytest

from cluster.safety.events import Severity
from cluster.safety.zones import ZoneKind

OPENED, CLOSED = ("person:7", "open", 1), ("person:7", "closed", 2)
OUT, IN = (7, 0.1), (7, 0.5)

CASES = {
    "stays for less": ([(2.8, [IN]), (3, [OUT])], []),
    "stays": ([(5, [IN])], [OPENED]),
    "stays and leaves": ([(5, [IN]), (2, [OUT])], [OPENED, CLOSED]),
    "a step outside does not start the time again": ([(2, [IN]), (0.6, [OUT]), (1.6, [IN])], [OPENED]),
    "time outside is not counted": ([(2, [IN]), (0.8, [OUT]), (0.6, [IN])], []),
    "a detector gap counts as staying": ([(2, [IN]), (1, []), (0.4, [IN])], [OPENED]),
    "an id switch goes on": ([(2, [IN]), (1.4, [(9, 0.5)])], [OPENED]),
    "two people": ([(4, [IN, (8, 0.4)])], [OPENED, ("person:8", "open", 1)]),
    "comes back within the cooldown": (
        [(4, [IN]), (2, [OUT]), (1, [IN])],
        [OPENED, CLOSED, ("person:7", "open", 3)],
    ),
    "comes back after the cooldown": ([(4, [IN]), (8, [OUT]), (2, [IN])], [OPENED, CLOSED]),
}


@pytest.mark.parametrize(("script", "expected"), CASES.values(), ids=CASES.keys())
def test_dwell(stage, zone, make_person, steps_of, script, expected):
    scene = stage(zone(kind=ZoneKind.WARNING, dwell_s=3.0))
    for seconds, people in script:
        scene.looks(seconds, *(make_person(number, x) for number, x in people))

    told = scene.of("ZONE_DWELL")
    assert steps_of(told) == expected
    assert all(event.severity is Severity.WARNING for event in told)


def test_dwell_is_told_beside_the_intrusion(stage, zone, make_person):
    scene = stage(zone(dwell_s=3.0))
    scene.looks(5, make_person(7, 0.5))

    assert scene.types() == ["DANGER_ZONE_INTRUSION", "ZONE_DWELL"]
    assert len({event.event_id for event in scene.told}) == 2


def test_without_dwell_s_nobody_stays_too_long(stage, zone, make_person):
    scene = stage(zone())
    scene.looks(300, make_person(7, 0.5), every_s=1.0)

    assert scene.of("ZONE_DWELL") == []
