"""The fleet of camera actors, with actors that live, hang and die as told."""

import pytest
from counterparts.camera_fleet import FleetSite, desired
from structlog.testing import capture_logs

from cluster.safety.episodes import SavedEpisode
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.status import CameraStatus


def told_outage(site: FleetSite) -> SafetyEvent:
    """Camera a ran and hangs: the one event that was told about it."""
    site.round(desired("a"))
    site.actor("a").silent = True
    for _ in range(6):
        site.round(desired("a"))
    (opened,) = site.told
    return opened


def saved_episode(event: SafetyEvent) -> SavedEpisode:
    """`event` as the next supervisor reads it from the database."""
    at = event.opened_at
    return SavedEpisode(
        event.event_id, event.revision, "", event.event_type, event.severity, event.state, "process", 5, 0, at, at, at
    )


@pytest.fixture
def site() -> FleetSite:
    return FleetSite()


def test_starts_what_is_missing_and_nothing_twice(site: FleetSite) -> None:
    site.round(desired("a"), desired("b"))
    site.round(desired("a"), desired("b"))

    assert sorted(site.actors.created) == ["a", "b"]
    assert site.status() is CameraStatus.MONITORED


def test_adopts_what_already_runs(site: FleetSite) -> None:
    site.actors.add("a")

    site.round(desired("a"))

    assert site.actors.created == []
    assert site.status() is CameraStatus.MONITORED


def test_ends_what_should_not_run(site: FleetSite) -> None:
    site.actors.add("old")

    site.round(desired("a"))

    assert site.actor("old").ended


def test_a_disabled_camera_has_no_actor_and_says_disabled(site: FleetSite) -> None:
    site.round(desired("a"))

    site.round(desired("a", enabled=False))

    assert site.actor("a").ended
    assert site.status() is CameraStatus.DISABLED


def test_a_changed_spec_is_applied_under_the_lease_of_the_actor(site: FleetSite) -> None:
    site.round(desired("a", revision=1))

    site.round(desired("a", revision=2, detect_fps=2))

    (assignment,) = site.actor("a").applied
    assert (assignment.revision, assignment.epoch, assignment.camera.detect_fps) == (2, 5, 2)


def test_an_actor_that_still_waits_for_its_spec_is_not_told_one(site: FleetSite) -> None:
    site.actors.add("a")
    site.actor("a").epoch = 0

    site.round(desired("a", revision=2))

    assert site.actor("a").applied == []


def test_one_missed_heartbeat_is_forgiven(site: FleetSite) -> None:
    site.round(desired("a"))
    site.actor("a").silent = True

    site.round(desired("a"))

    assert site.status() is CameraStatus.MONITORED
    assert site.told == []


def test_a_hung_actor_is_reported_unmonitored_and_told_once(site: FleetSite) -> None:
    site.round(desired("a"))
    site.actor("a").silent = True

    for _ in range(6):
        site.round(desired("a"))

    assert site.status() is CameraStatus.UNMONITORED
    (event,) = site.told
    assert (event.event_type, event.severity, event.state) == (
        "CAMERA_UNMONITORED",
        Severity.CRITICAL,
        EpisodeState.OPEN,
    )


def test_the_outage_is_closed_when_the_actor_watches_again(site: FleetSite) -> None:
    site.round(desired("a"))
    actor = site.actor("a")
    actor.silent = True
    for _ in range(6):
        site.round(desired("a"))

    actor.silent, actor.status = False, CameraStatus.CONNECTING
    site.round(desired("a"))
    assert [event.state for event in site.told] == [EpisodeState.OPEN]

    actor.status = CameraStatus.MONITORED
    for _ in range(10):
        site.round(desired("a"))

    assert [event.state for event in site.told] == [EpisodeState.OPEN, EpisodeState.CLOSED]
    assert len({event.event_id for event in site.told}) == 1


def test_an_actor_that_never_comes_up_is_unmonitored(site: FleetSite) -> None:
    site.round(desired("a"))
    site.actors.add("b", silent=True)

    site.round(desired("a"), desired("b"))
    assert site.status("b") is CameraStatus.CONNECTING

    site.round(desired("a"), desired("b"), after_s=40)
    assert site.status("b") is CameraStatus.UNMONITORED


def test_a_control_store_that_is_away_blinds_nobody(site: FleetSite) -> None:
    site.round(desired("a"))
    site.actors.listed = False

    for _ in range(10):
        site.round(desired("a"))

    assert site.status() is CameraStatus.MONITORED
    assert site.actors.created == ["a"]


def test_an_outage_that_an_earlier_supervisor_told_is_ended_by_this_one(site: FleetSite) -> None:
    opened = told_outage(site)

    heir = FleetSite()
    heir.fleet.inherit({"a": [saved_episode(opened)]})
    heir.actors.add("a")
    for _ in range(3):
        heir.round(desired("a"))

    assert [(event.event_id, event.revision, event.state) for event in heir.told] == [
        (opened.event_id, 2, EpisodeState.CLOSED)
    ]


def test_an_outage_ends_when_the_camera_is_switched_off(site: FleetSite) -> None:
    site.round(desired("a"))
    site.actor("a").silent = True
    for _ in range(6):
        site.round(desired("a"))

    site.round(desired("a", enabled=False))

    assert [event.state for event in site.told] == [EpisodeState.OPEN, EpisodeState.CLOSED]


def test_one_cameras_fault_does_not_keep_the_others_from_being_tended(site: FleetSite) -> None:
    site.actors.broken = "a"

    with capture_logs() as logs:
        site.round(desired("a"), desired("b"))

    assert site.status("b") is CameraStatus.MONITORED
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["camera_not_tended"]


def test_nobody_is_ended_while_it_is_not_known_who_should_run(site: FleetSite) -> None:
    site.actors.add("other")
    site.complete = False

    site.round(desired("a"))

    assert not site.actor("other").ended
    assert site.status("other") is CameraStatus.MONITORED

    site.complete = True
    site.round(desired("a"))
    assert site.actor("other").ended
    assert [report.camera_id for report in site.fleet.reports()] == ["a"]


def test_a_camera_is_not_ended_before_its_outbox_is_empty(site: FleetSite) -> None:
    site.round(desired("a"))
    actor = site.actor("a")
    actor.emptied = False

    site.round()
    assert (actor.retired, actor.ended) == (True, False)

    actor.emptied = True
    site.round()
    assert actor.ended


def test_a_camera_that_is_wanted_again_while_it_retires_gets_a_new_process(site: FleetSite) -> None:
    site.round(desired("a"))
    old = site.actor("a")
    old.emptied = False
    site.round()

    for _ in range(2):
        site.round(desired("a"))

    assert old.ended
    assert site.actors.created == ["a", "a"]
    assert site.status() is CameraStatus.MONITORED


def test_an_outbox_that_never_empties_does_not_keep_a_camera_for_ever(site: FleetSite) -> None:
    site.round(desired("a"))
    site.actor("a").emptied = False

    site.round()
    site.round(after_s=700)

    assert site.actor("a").ended


@pytest.mark.parametrize("why", ["cannot start", "cannot tell"])
def test_a_process_that_answers_and_does_not_work_is_told_by_the_supervisor(site: FleetSite, why: str) -> None:
    site.round(desired("a"))
    actor = site.actor("a")
    if why == "cannot start":
        actor.status, actor.epoch = CameraStatus.CONNECTING, 0
    else:
        actor.status, actor.speechless = CameraStatus.UNMONITORED, True

    for _ in range(5):
        site.round(desired("a"))
    assert site.told == []

    for _ in range(15):
        site.round(desired("a"))
    assert site.status() is CameraStatus.UNMONITORED
    assert [(event.event_type, event.subject) for event in site.told] == [("CAMERA_UNMONITORED", "process")]


def test_an_actor_that_is_never_listed_is_unmonitored_too(site: FleetSite) -> None:
    """Its constructor fails, again and again: it is created anew in every round."""
    site.actors.stillborn = True

    for _ in range(20):
        site.round(desired("a"))

    assert site.status() is CameraStatus.UNMONITORED
    assert len(site.told) == 1


def test_a_slow_round_of_the_supervisor_blinds_nobody(site: FleetSite) -> None:
    site.round(desired("a"))
    site.now_s += 15
    assert site.status() is CameraStatus.MONITORED

    site.actor("a").silent = True
    site.round(desired("a"))
    assert site.told == []


def test_a_supervisor_whose_rounds_stopped_shows_nobody_as_watched(site: FleetSite) -> None:
    site.round(desired("a"))

    site.now_s += 25

    assert site.status() is CameraStatus.UNMONITORED


def test_an_outage_told_twice_over_a_restart_is_ended_once_it_is_known(site: FleetSite) -> None:
    opened = told_outage(site)

    heir = FleetSite()
    heir.actors.add("a")
    heir.actor("a").silent = True
    for _ in range(20):
        heir.round(desired("a"))
    heir.fleet.inherit({"a": [saved_episode(opened)], "gone": []})
    heir.round(desired("a"))

    assert [event.state for event in heir.told] == [EpisodeState.OPEN, EpisodeState.CLOSED]
    assert heir.told[1].event_id == opened.event_id
    assert heir.told[0].event_id != opened.event_id


def test_who_speaks_for_a_camera_is_known_only_when_the_configuration_is(site: FleetSite) -> None:
    site.actors.add("b", emptied=False)
    site.round(desired("a"), desired("c", enabled=False))
    assert site.fleet.spoken_for() == {"a", "b"}

    site.complete = False
    site.round(desired("a"))
    assert site.fleet.spoken_for() is None
