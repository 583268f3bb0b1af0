"""People who enter and leave: moments, each told once, always in pairs."""

import pytest

from cluster.safety.events import EpisodeState, Severity

IN_7, OUT_7 = ("PERSON_ENTRANCE", "person:7"), ("PERSON_EXIT", "person:7")
IN_8, OUT_8 = ("PERSON_ENTRANCE", "person:8"), ("PERSON_EXIT", "person:8")
OUT, IN, EDGE_IN, EDGE_OUT = (7, 0.1), (7, 0.5), (7, 0.305), (7, 0.295)

CASES = {
    "passes by": ([(3, [OUT])], []),
    "touches the zone for one look": ([(1, [OUT]), (0.2, [IN]), (3, [OUT])], []),
    "enters": ([(1, [OUT]), (3, [IN])], [IN_7]),
    "enters and leaves": ([(1, [OUT]), (1, [IN]), (2, [OUT])], [IN_7, OUT_7]),
    "flickers at the edge": ([(1, [IN]), *[(0.2, [EDGE_OUT]), (0.2, [EDGE_IN])] * 10], [IN_7]),
    "is renumbered": ([(1, [IN]), (2, [(9, 0.51)])], [IN_7]),
    "is renumbered and leaves": ([(1, [IN]), (1, [(9, 0.4)]), (2, [(9, 0.2)])], [IN_7, OUT_7]),
    "is missed for a moment": ([(1, [IN]), (1.6, []), (1, [IN])], [IN_7]),
    "vanishes": ([(1, [IN]), (3, [])], [IN_7, OUT_7]),
    "goes and comes, again and again": ([(1, [IN]), (2, [OUT])] * 3, [IN_7, OUT_7] * 3),
    "two people, one leaves": ([(1, [IN, (8, 0.6)]), (2, [IN, (8, 0.9)])], [IN_7, IN_8, OUT_8]),
    "a vehicle": ([], []),
}


@pytest.mark.parametrize(("script", "expected"), CASES.values(), ids=CASES.keys())
def test_entrances_and_exits(stage, zone, make_person, script, expected):
    scene = stage(zone(entrances=True, objects=()))
    scene.looks(1, make_person(30, 0.5, "vehicle"))
    for seconds, people in script:
        scene.looks(seconds, *(make_person(number, x) for number, x in people))

    assert [(event.event_type, event.subject) for event in scene.told] == expected
    assert len({event.event_id for event in scene.told}) == len(expected)
    assert {event.revision for event in scene.told} <= {1}
    assert {event.state for event in scene.told} <= {EpisodeState.CLOSED}
    assert {event.severity for event in scene.told} <= {Severity.INFO}
    assert scene.rules.occupied_zones() == frozenset()


@pytest.mark.parametrize(("x", "reason"), [(0.1, "left"), (None, "lost from sight")])
def test_an_exit_says_whether_it_was_seen(stage, zone, make_person, x, reason):
    scene = stage(zone(entrances=True))
    scene.looks(1, make_person(7, 0.5))
    scene.looks(3, *([] if x is None else [make_person(7, x)]))

    entrance, exit_ = scene.of("PERSON_ENTRANCE")[0], scene.of("PERSON_EXIT")[0]
    assert exit_.detail["reason"] == reason
    assert exit_.detail["entrance_id"] == entrance.event_id


def test_who_was_inside_when_the_actor_died_leaves_without_entering_again(stage, zone, make_person):
    scene = stage(zone(entrances=True))
    scene.looks(1, make_person(7, 0.5))
    scene.restart(zone(entrances=True))
    scene.looks(1, make_person(1, 0.6))
    scene.looks(2, make_person(1, 0.1))

    assert [kind for kind in scene.types() if kind.startswith("PERSON")] == ["PERSON_ENTRANCE", "PERSON_EXIT"]
