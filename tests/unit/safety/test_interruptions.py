"""What nobody watched: blind times, gaps between looks, slow detectors and odd clocks."""

import pytest

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
    assert scene.told == []

    scene.looks(1, make_person(7, 0.5))
    assert scene.types() == ["DANGER_ZONE_INTRUSION"]


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
