"""What nobody watched, what another process left open, and a configuration that changes."""

import json

import pytest

from cluster.safety.episodes import SavedEpisode
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import ZoneKind

OPENED = ("person:7", "open", 1)
CLOSED = ("person:7", "closed", 2)


@pytest.mark.parametrize("blind", [True, False], ids=["told to be blind", "a gap between looks"])
@pytest.mark.parametrize("gap_s", [2.5, 10.0, 600.0])
def test_an_open_intrusion_outlasts_a_gap(stage, zone, make_person, steps_of, blind, gap_s):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    if blind:
        scene.blind()
    scene.look(after_s=gap_s)
    scene.looks(1.6)
    assert steps_of(scene.told) == [OPENED]

    scene.looks(2)
    assert steps_of(scene.told) == [OPENED, CLOSED]
    assert scene.told[-1].detail["reason"] == "ended while not watched"


@pytest.mark.parametrize(("number", "x"), [(7, 0.5), (7, 0.65), (9, 0.5), (9, 0.68)])
def test_whoever_is_inside_after_a_blind_time_continues_the_episode(stage, zone, make_person, steps_of, number, x):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.32))
    scene.blind(60)
    scene.looks(0.6)
    scene.looks(3, make_person(number, x))

    assert steps_of(scene.told) == [OPENED]


def test_a_second_person_after_a_blind_time_is_told(stage, zone, make_person, steps_of):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.35))
    scene.blind(60)
    scene.looks(3, make_person(9, 0.4), make_person(10, 0.6))

    assert steps_of(scene.told) == [OPENED, ("person:10", "open", 1)]


def test_a_debounce_starts_again_after_a_blind_time(stage, zone, make_person):
    scene = stage(zone(enter_debounce_s=1.0))
    scene.looks(1, make_person(7, 0.5))
    scene.blind(5)
    scene.looks(1, make_person(7, 0.5))
    assert scene.told == []

    scene.looks(0.2, make_person(7, 0.5))
    assert scene.types() == ["DANGER_ZONE_INTRUSION"]


def test_a_gap_earns_neither_presence_nor_escalation(stage, zone, make_person):
    scene = stage(zone(kind=ZoneKind.WARNING, enter_debounce_s=1.0, escalate_after_s=10.0, dwell_s=10.0))
    scene.looks(0.4, make_person(7, 0.5))
    scene.look(make_person(7, 0.5), after_s=60)
    assert scene.told == []

    scene.looks(2, make_person(7, 0.5))
    scene.look(make_person(7, 0.5), after_s=60)
    assert scene.types() == ["WARNING_ZONE_INTRUSION"]


@pytest.mark.parametrize("every_s", [1.0, 3.0, 10.0, 25.0, 100.0])
def test_a_slow_detector_loses_no_alarm(stage, zone, make_person, every_s):
    scene = stage(zone())
    for _ in range(4):
        scene.look(make_person(7, 0.5), after_s=every_s)

    assert scene.types() == ["DANGER_ZONE_INTRUSION"]


@pytest.mark.parametrize("every_s", [1.0, 3.0, 10.0, 25.0])
def test_a_slow_detector_leaves_no_alarm_open_for_ever(stage, zone, make_person, open_events, every_s):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    for _ in range(6):
        scene.look(after_s=every_s)

    assert open_events(scene.told) == {}


def test_times_that_run_backwards_count_for_nothing(stage, zone, make_person):
    scene = stage(zone())
    for _ in range(10):
        scene.look(make_person(7, 0.5), after_s=0.2)
        scene.look(make_person(7, 0.5), after_s=-0.2)

    assert len(scene.told) <= 1


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


def test_one_slow_look_without_somebody_is_not_his_end(stage, zone, make_person, steps_of):
    scene = stage(zone())
    for _ in range(5):
        scene.look(make_person(7, 0.5), after_s=3.0)
    scene.look(after_s=3.0)
    scene.look(make_person(7, 0.5), after_s=3.0)

    assert steps_of(scene.told) == [OPENED]


def test_absence_is_counted_anew_after_a_blind_time(stage, zone, make_person, steps_of):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    scene.looks(1.8)
    scene.blind(30)
    scene.looks(1.8)

    assert steps_of(scene.told) == [OPENED]


def test_a_vehicle_does_not_continue_the_episode_of_a_person(stage, zone, make_person, steps_of):
    scene = stage(zone(objects=("person", "vehicle")))
    scene.looks(1, make_person(7, 0.5))
    scene.blind(30)
    scene.looks(1, make_person(9, 0.5, "vehicle"))

    assert steps_of(scene.told) == [OPENED, ("vehicle:9", "open", 1)]


def test_blind_time_is_not_observed_however_short(stage, zone):
    scene = stage(zone(must_contain=("safety_cone",)))
    scene.looks(1)
    scene.blind(1.6)
    scene.looks(3)
    assert scene.told == []

    scene.looks(0.2)
    assert scene.types() == ["SAFETY_CONE_MISSING"]


def test_looks_before_a_blind_time_make_no_rhythm(stage, zone, make_person, steps_of):
    scene = stage(zone())
    for _ in range(5):
        scene.look(make_person(7, 0.5), after_s=3.0)
    scene.blind(30)
    scene.look(after_s=3.0)
    scene.look(after_s=3.0)
    scene.look(after_s=3.0)

    assert steps_of(scene.told) == [OPENED]


def test_who_lies_outlasts_a_blind_time(stage, make_person, steps_of):
    scene = stage()
    scene.looks(2, make_person(7, 0.5, "fallen_person"))
    scene.looks(4)
    scene.blind(60)
    scene.looks(4)

    assert steps_of(scene.told) == [OPENED]


def test_somebody_unseen_before_a_blind_time_keeps_his_event_after_it(stage, zone, make_person, steps_of):
    scene = stage(zone(gap_grace_s=1.0, cooldown_s=0.0))
    scene.looks(1, make_person(7, 0.5))
    scene.looks(0.8)
    scene.blind(60)
    scene.looks(0.8)
    scene.looks(1, make_person(9, 0.5))

    assert steps_of(scene.told) == [OPENED]


def test_an_escalated_event_is_not_escalated_twice_after_a_restart(stage, zone, make_person, steps_of):
    values = {"kind": ZoneKind.WARNING, "escalate_after_s": 1.0}
    scene = stage(zone(**values))
    scene.looks(2, make_person(7, 0.5))
    scene.restart(zone(**values))
    scene.looks(2, make_person(1, 0.5))
    scene.looks(2, make_person(1, 0.1))
    scene.looks(2, make_person(1, 0.5))

    assert [step[1] for step in steps_of(scene.told)] == ["open", "escalated", "escalated", "closed", "escalated"]


def test_a_clock_that_was_set_back_gives_no_end_before_the_beginning(stage, zone, make_person, monkeypatch):
    scene = stage(zone())
    scene.looks(1, make_person(7, 0.5))
    monkeypatch.setattr(type(scene), "wall", property(lambda one: scene.told[0].opened_at.replace(year=2020)))
    scene.looks(1, make_person(7, 0.5))
    scene.looks(3)

    assert scene.told[-1].closed_at == scene.told[0].opened_at


def test_two_who_enter_at_once_have_two_event_ids_and_a_clock_that_stands_still_repeats_none(
    stage, zone, make_person, monkeypatch
):
    scene = stage(zone(cooldown_s=0.0))
    start = scene.wall
    monkeypatch.setattr(type(scene), "wall", property(lambda one: start))
    for _ in range(3):
        scene.looks(2, make_person(7, 0.5), make_person(8, 0.6))
        scene.looks(3, make_person(7, 0.1), make_person(8, 0.1))

    assert len({event.event_id for event in scene.told if event.revision == 1}) == 6
    assert [event.revision for event in scene.told].count(1) == 6


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
