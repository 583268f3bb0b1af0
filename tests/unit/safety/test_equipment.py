"""People without the equipment that the zone requires."""

import pytest

from cluster.safety.equipment import worn_by_track
from cluster.safety.events import Severity
from cluster.safety.tracks import Track

OPENED, CLOSED = ("helmet@person:7", "open", 1), ("helmet@person:7", "closed", 2)


def piece(label: str, x: float, y: float, track_id: int = 100) -> Track:
    return Track(track_id, label, 0.8, (x - 0.02, y - 0.02, x + 0.02, y + 0.02))


HELMET = piece("helmet", 0.5, 0.42)
"""On the head of somebody who stands at x 0.5: his box reaches from 0.4 to 0.8."""

# (label, centre) of a piece, and whether a person with the box (0.4, 0.2, 0.6, 1.0) wears it.
WORN = [
    ("helmet", (0.5, 0.25), True),
    ("helmet", (0.5, 0.7), False),
    ("helmet", (0.7, 0.25), False),
    ("mask", (0.5, 0.3), True),
    ("mask", (0.5, 0.8), False),
    ("goggles", (0.48, 0.28), True),
    ("goggles", (0.5, 0.9), False),
    ("boots", (0.45, 0.97), True),
    ("boots", (0.45, 0.3), False),
    ("vest", (0.5, 0.5), True),
    ("vest", (0.1, 0.5), False),
    ("gloves", (0.41, 0.6), True),
    ("gloves", (0.59, 0.25), True),
]


@pytest.mark.parametrize(("label", "at", "worn"), WORN)
def test_equipment_is_worn_where_it_belongs(label, at, worn):
    someone = Track(7, "person", 0.9, (0.4, 0.2, 0.6, 1.0))

    assert (label in worn_by_track([someone, piece(label, *at)]).get(7, frozenset())) is worn


def test_who_lies_may_have_the_head_anywhere():
    someone = Track(7, "fallen_person", 0.9, (0.2, 0.7, 0.8, 0.9))

    assert worn_by_track([someone, piece("helmet", 0.75, 0.88)]) == {7: {"helmet"}}


def test_one_helmet_is_on_one_head():
    left, right = Track(7, "person", 0.9, (0.3, 0.2, 0.5, 1.0)), Track(8, "person", 0.9, (0.4, 0.2, 0.6, 1.0))

    assert worn_by_track([left, right, piece("helmet", 0.48, 0.24)]) == {8: {"helmet"}}
    both = [left, right, piece("helmet", 0.44, 0.24, 100), piece("helmet", 0.46, 0.24, 101)]
    assert worn_by_track(both) == {7: {"helmet"}, 8: {"helmet"}}


CASES = {
    "wears it": ([(6, 0.5, True)], []),
    "does not wear it": ([(6, 0.5, False)], [OPENED]),
    "does not wear it, for too short a time": ([(2.8, 0.5, False), (3, 0.1, False)], []),
    "is outside without it": ([(9, 0.1, False)], []),
    "is missed for a moment": ([(1, 0.5, True), (2.4, 0.5, False), (1, 0.5, True), (2.4, 0.5, False)], []),
    "puts it on": ([(4, 0.5, False), (2, 0.5, True)], [OPENED, CLOSED]),
    "shows it for one look": ([(4, 0.5, False), (0.2, 0.5, True), (3, 0.5, False)], [OPENED]),
    "leaves without it": ([(4, 0.5, False), (2, 0.1, False)], [OPENED, CLOSED]),
    "takes it off again at once": (
        [(4, 0.5, False), (2, 0.5, True), (4, 0.5, False)],
        [OPENED, CLOSED, ("helmet@person:7", "open", 3)],
    ),
    "takes it off again much later": ([(4, 0.5, False), (20, 0.5, True), (4, 0.5, False)], [OPENED, CLOSED, OPENED]),
    "comes back without it": (
        [(4, 0.5, False), (2, 0.1, False), (5, 0.5, False)],
        [OPENED, CLOSED, ("helmet@person:7", "open", 3)],
    ),
    "comes back with it": ([(4, 0.5, False), (2, 0.1, False), (5, 0.5, True)], [OPENED, CLOSED]),
}


@pytest.mark.parametrize(("script", "expected"), CASES.values(), ids=CASES.keys())
def test_a_person_without_a_helmet(stage, zone, make_person, steps_of, script, expected):
    scene = stage(zone(require=("helmet",), objects=()))
    for seconds, x, wears in script:
        scene.looks(seconds, make_person(7, x), *([HELMET] if wears else []))

    assert steps_of(scene.told) == expected
    assert {event.event_type for event in scene.told} <= {"PPE_HELMET_MISSING"}
    assert all(event.severity is Severity.WARNING for event in scene.told)
    assert all(event.detail["item"] == "helmet" for event in scene.told if event.state.value == "open")


def test_a_detector_gap_and_a_new_number_do_not_start_the_time_again(stage, zone, make_person, steps_of):
    scene = stage(zone(require=("helmet",), objects=()))
    scene.looks(2, make_person(7, 0.5))
    scene.looks(1)
    scene.looks(1.6, make_person(9, 0.5))

    assert steps_of(scene.told) == [OPENED]


def test_looks_from_before_an_aborted_return_do_not_count(stage, zone, make_person, steps_of):
    scene = stage(zone(require=("helmet",), objects=(), enter_debounce_s=4.0, cooldown_s=20.0))
    for seconds, x in [(5, 0.5), (2, 0.1), (2, 0.5), (2, 0.1)]:
        scene.looks(seconds, make_person(7, x))
    scene.look(make_person(7, 0.5))
    scene.looks(4, make_person(7, 0.5), HELMET)

    assert steps_of(scene.told) == [OPENED, CLOSED]


def test_two_people_and_two_items(stage, zone, make_person, steps_of):
    scene = stage(zone(require=("helmet", "vest"), objects=()))
    scene.looks(5, make_person(7, 0.5), make_person(8, 0.35), HELMET)

    assert sorted(event.subject for event in scene.told) == ["helmet@person:8", "vest@person:7", "vest@person:8"]


def test_two_zones_require_their_own(stage, zone, make_person):
    scene = stage(zone("a", require=("helmet",), objects=()), zone("b", require=("vest",), objects=()))
    scene.looks(5, make_person(7, 0.5))

    assert [(event.zone_id, event.event_type) for event in scene.told] == [
        ("a", "PPE_HELMET_MISSING"),
        ("b", "PPE_VEST_MISSING"),
    ]


@pytest.mark.parametrize(
    ("knows", "told"),
    [(None, 1), (frozenset({"person", "helmet"}), 1), (frozenset({"person"}), 0)],
)
def test_what_the_model_does_not_know_is_not_judged(stage, zone, make_person, knows, told):
    scene = stage(zone(require=("helmet",), objects=()), knows=knows)
    scene.looks(6, make_person(7, 0.5))

    assert len(scene.told) == told


def test_an_open_episode_ends_when_the_new_model_cannot_judge_it(stage, zone, make_person):
    scene = stage(zone(require=("helmet",), objects=()))
    scene.looks(6, make_person(7, 0.5))
    scene.rules.know(frozenset({"person"}))
    scene.looks(6, make_person(7, 0.5))

    assert [event.state.value for event in scene.told] == ["open", "closed"]
    assert scene.told[-1].detail["reason"] == "the model in service does not find it"


def test_time_in_which_the_person_is_not_seen_is_not_counted(stage, zone, make_person):
    scene = stage(zone(require=("helmet",), objects=(), gap_grace_s=5.0))
    for _ in range(6):
        scene.look(make_person(7, 0.5), after_s=1.0)
        scene.look(after_s=1.0)

    assert scene.told == []
