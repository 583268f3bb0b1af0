"""What another process of the camera left open, and in which form it is handed on."""

import json

import pytest

from cluster.safety.episodes import SavedEpisode
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import ZoneKind

OPENED = ("person:7", "open", 1)
CLOSED = ("person:7", "closed", 2)


@pytest.mark.parametrize(("number", "x"), [(1, 0.5), (7, 0.68), (2, 0.33)])
def test_after_a_restart_the_episode_goes_on_and_is_told_once(stage, zone, make_person, steps_of, number, x):
    scene = stage(zone())
    scene.looks(2, make_person(7, 0.5))
    scene.restart(zone())
    assert steps_of(scene.look(make_person(number, x), after_s=8)) == [("person:7", "open", 2)]

    scene.looks(3, make_person(number, x))
    scene.looks(2, make_person(number, 0.1))
    assert [step[1:] for step in steps_of(scene.told)] == [("open", 1), ("open", 2), ("closed", 3)]
    assert len({event.event_id for event in scene.told}) == 1
    assert scene.told[1].detail["resumed"] is True
    assert (scene.told[0].epoch, scene.told[1].epoch) == (1, 2)
    assert scene.told[0].opened_at == scene.told[2].opened_at


def test_after_a_restart_an_empty_zone_closes_what_was_open(stage, zone, make_person, steps_of):
    scene = stage(zone())
    scene.looks(2, make_person(7, 0.5))
    last_seen = scene.wall
    scene.restart(zone())
    scene.look(after_s=60)
    scene.looks(1.8)
    assert steps_of(scene.told) == [OPENED]

    scene.looks(1)
    assert steps_of(scene.told) == [OPENED, CLOSED]
    assert scene.told[-1].detail["reason"] == "ended while not watched"
    assert scene.told[-1].closed_at == last_seen


def test_after_a_restart_who_walks_in_under_an_old_number_is_somebody_else(stage, zone, make_person, steps_of):
    scene = stage(zone())
    scene.looks(2, make_person(7, 0.5))
    scene.restart(zone())
    scene.looks(1, make_person(3, 0.5), make_person(7, 0.1))
    scene.looks(1, make_person(3, 0.5), make_person(7, 0.6))

    assert steps_of(scene.told) == [OPENED, ("person:7", "open", 2), ("person:7#2", "open", 1)]


def test_after_a_restart_all_rules_of_a_stay_go_on(stage, zone, make_person):
    values = {"kind": ZoneKind.WARNING, "escalate_after_s": 4.0, "dwell_s": 3.0, "require": ("helmet",)}
    scene = stage(zone(**values))
    scene.looks(6, make_person(7, 0.5))
    opened = {event.event_id for event in scene.told}
    scene.restart(zone(**values))
    scene.looks(6, make_person(1, 0.5))

    assert len(opened) == 3
    assert {event.event_id for event in scene.told} == opened
    last = {event.event_type: event for event in scene.told}
    assert last["WARNING_ZONE_INTRUSION"].state.value == "escalated"
    assert last["PPE_HELMET_MISSING"].subject == "helmet@person:7"


@pytest.mark.parametrize("gone", [{"kind": ZoneKind.WARNING}, None], ids=["rule gone", "zone gone"])
def test_after_a_restart_what_is_not_asked_for_is_closed(stage, zone, make_person, open_events, gone):
    scene = stage(zone())
    scene.looks(2, make_person(7, 0.5))
    scene.restart(*([] if gone is None else [zone(**gone)]))
    scene.looks(2)

    assert open_events(scene.told) == {}
    assert scene.told[-1].detail["reason"] == ("zone removed" if gone is None else "rule switched off")


def test_a_restart_under_the_same_epoch_repeats_no_event_id(stage, zone, make_person):
    scene = stage(zone())
    scene.looks(1, make_person(1, 0.5))
    scene.looks(8, make_person(1, 0.1))
    scene.rules = CameraRules("cam", 1, [zone()])
    scene.looks(1, make_person(1, 0.5))

    assert len({event.event_id for event in scene.told if event.revision == 1}) == 2


def test_a_saved_episode_survives_json(stage, zone, make_person):
    scene = stage(zone(entrances=True, dwell_s=1.0))
    scene.looks(2, make_person(7, 0.5))
    saved = scene.rules.open_episodes()

    assert {one.event_type for one in saved} == {"DANGER_ZONE_INTRUSION", "ZONE_DWELL", "PERSON_ENTRANCE"}
    assert [SavedEpisode.from_dict(json.loads(json.dumps(one.to_dict()))) for one in saved] == saved


@pytest.mark.parametrize(
    "fault", [{"revision": None, "extra": 1}, {"state": "ajar"}, {"opened_at": "yesterday"}, {"box": [1, 2]}]
)
def test_a_damaged_saved_episode_is_refused(stage, zone, make_person, fault):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    values = scene.rules.open_episodes()[0].to_dict()

    with pytest.raises(ValueError):  # noqa: PT011
        SavedEpisode.from_dict(values | fault)


def test_an_escalated_event_is_not_escalated_twice_after_a_restart(stage, zone, make_person, steps_of):
    values = {"kind": ZoneKind.WARNING, "escalate_after_s": 1.0}
    scene = stage(zone(**values))
    scene.looks(2, make_person(7, 0.5))
    scene.restart(zone(**values))
    scene.looks(2, make_person(1, 0.5))
    scene.looks(2, make_person(1, 0.1))
    scene.looks(2, make_person(1, 0.5))

    assert [step[1] for step in steps_of(scene.told)] == ["open", "escalated", "escalated", "closed", "escalated"]
