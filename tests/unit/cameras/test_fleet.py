"""The fleet of camera actors, with actors that live, hang and die as told."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from cluster.safety.episodes import SavedEpisode
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.cameras import Assignment, CameraSettings
from deployments.cameras.camera_actors import ActorSilentError, CameraHandle
from deployments.cameras.fleet import Desired, Fleet

ZONE = {"zone_id": "z", "polygon": [[0, 0], [1, 0], [1, 1]]}


def desired(camera_id: str = "a", revision: int = 1, **changes: object) -> Desired:
    settings = CameraSettings.model_validate({"camera_id": camera_id, "source": "x.mp4", "zones": [ZONE], **changes})
    return Desired(settings, revision)


def saved_episode(event: SafetyEvent) -> SavedEpisode:
    """`event` as the next supervisor reads it from the database."""
    at = event.opened_at
    return SavedEpisode(
        event.event_id, event.revision, "", event.event_type, event.severity, event.state, "process", 5, 0, at, at, at
    )


class FakeActor:
    def __init__(self, camera_id: str) -> None:
        self.camera_id = camera_id
        self.revision, self.epoch = 1, 5
        self.status = CameraStatus.MONITORED
        self.silent = False
        self.applied: list[Assignment] = []
        self.ended = self.retired = False
        self.emptied = True
        self.speechless = False

    async def report(self, timeout_s: float) -> CameraReport:
        if self.silent:
            raise ActorSilentError("no answer within 2 s")
        since = datetime.now(UTC)
        return CameraReport(
            self.camera_id,
            "",
            self.status,
            since,
            revision=self.revision,
            epoch=self.epoch,
            speechless=self.speechless,
        )

    async def apply(self, assignment: Assignment, timeout_s: float) -> None:
        self.applied.append(assignment)
        self.revision = assignment.revision

    async def retire(self, timeout_s: float) -> bool:
        self.retired = True
        return self.emptied

    async def end(self, timeout_s: float) -> None:
        self.ended = True


class FakeActors:
    def __init__(self) -> None:
        self.actors: dict[str, FakeActor] = {}
        self.created: list[str] = []
        self.listed = True
        self.stillborn = False
        self.broken = ""

    async def running(self) -> Mapping[str, CameraHandle]:
        if not self.listed:
            raise ActorSilentError("Ray's control store does not answer")
        return {camera_id: actor for camera_id, actor in self.actors.items() if not actor.ended}

    async def create(self, camera_id: str) -> CameraHandle:
        if camera_id == self.broken:
            raise ZeroDivisionError("a fault in creating")
        self.created.append(camera_id)
        actor = FakeActor(camera_id)
        if self.stillborn:
            actor.silent = True
        else:
            self.actors[camera_id] = actor
        return actor


class Site:
    """A fleet with a hand-set clock, and what it told."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.actors = FakeActors()
        self.told: list[SafetyEvent] = []
        self.complete = True
        self.fleet = Fleet(self.actors, self.tell, clock=lambda: self.now_s)

    async def tell(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        self.told.extend(events)

    def round(self, *cameras: Desired, after_s: float = 2.0) -> None:
        self.now_s += after_s
        self.fleet.desire({camera.settings.camera_id: camera for camera in cameras}, complete=self.complete)
        asyncio.run(self.fleet.round())

    def status(self, camera_id: str = "a") -> CameraStatus:
        return {report.camera_id: report.status for report in self.fleet.reports()}[camera_id]


@pytest.fixture
def site() -> Site:
    return Site()


def test_starts_what_is_missing_and_nothing_twice(site: Site) -> None:
    site.round(desired("a"), desired("b"))
    site.round(desired("a"), desired("b"))

    assert sorted(site.actors.created) == ["a", "b"]
    assert site.status() is CameraStatus.MONITORED


def test_adopts_what_already_runs(site: Site) -> None:
    site.actors.actors["a"] = FakeActor("a")

    site.round(desired("a"))

    assert site.actors.created == []
    assert site.status() is CameraStatus.MONITORED


def test_ends_what_should_not_run(site: Site) -> None:
    site.actors.actors["old"] = FakeActor("old")

    site.round(desired("a"))

    assert site.actors.actors["old"].ended


def test_a_disabled_camera_has_no_actor_and_says_disabled(site: Site) -> None:
    site.round(desired("a"))

    site.round(desired("a", enabled=False))

    assert site.actors.actors["a"].ended
    assert site.status() is CameraStatus.DISABLED


def test_a_changed_spec_is_applied_under_the_lease_of_the_actor(site: Site) -> None:
    site.round(desired("a", revision=1))

    site.round(desired("a", revision=2, detect_fps=2))

    (assignment,) = site.actors.actors["a"].applied
    assert (assignment.revision, assignment.epoch, assignment.camera.detect_fps) == (2, 5, 2)


def test_an_actor_that_still_waits_for_its_spec_is_not_told_one(site: Site) -> None:
    site.actors.actors["a"] = FakeActor("a")
    site.actors.actors["a"].epoch = 0

    site.round(desired("a", revision=2))

    assert site.actors.actors["a"].applied == []


def test_one_missed_heartbeat_is_forgiven(site: Site) -> None:
    site.round(desired("a"))
    site.actors.actors["a"].silent = True

    site.round(desired("a"))

    assert site.status() is CameraStatus.MONITORED
    assert site.told == []


def test_a_hung_actor_is_reported_unmonitored_and_told_once(site: Site) -> None:
    site.round(desired("a"))
    site.actors.actors["a"].silent = True

    for _ in range(6):
        site.round(desired("a"))

    assert site.status() is CameraStatus.UNMONITORED
    (event,) = site.told
    assert (event.event_type, event.severity, event.state) == (
        "CAMERA_UNMONITORED",
        Severity.CRITICAL,
        EpisodeState.OPEN,
    )


def test_the_outage_is_closed_when_the_actor_watches_again(site: Site) -> None:
    site.round(desired("a"))
    actor = site.actors.actors["a"]
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


def test_an_actor_that_never_comes_up_is_unmonitored(site: Site) -> None:
    site.round(desired("a"))
    never = FakeActors()
    never.actors["b"] = FakeActor("b")
    never.actors["b"].silent = True
    site.actors.actors["b"] = never.actors["b"]

    site.round(desired("a"), desired("b"))
    assert site.status("b") is CameraStatus.CONNECTING

    site.round(desired("a"), desired("b"), after_s=40)
    assert site.status("b") is CameraStatus.UNMONITORED


def test_a_control_store_that_is_away_blinds_nobody(site: Site) -> None:
    site.round(desired("a"))
    site.actors.listed = False

    for _ in range(10):
        site.round(desired("a"))

    assert site.status() is CameraStatus.MONITORED
    assert site.actors.created == ["a"]


def test_an_outage_that_an_earlier_supervisor_told_is_ended_by_this_one(site: Site) -> None:
    site.round(desired("a"))
    site.actors.actors["a"].silent = True
    for _ in range(6):
        site.round(desired("a"))
    (opened,) = site.told

    heir = Site()
    heir.fleet.inherit({"a": [saved_episode(opened)]})
    heir.actors.actors["a"] = FakeActor("a")
    for _ in range(3):
        heir.round(desired("a"))

    assert [(event.event_id, event.revision, event.state) for event in heir.told] == [
        (opened.event_id, 2, EpisodeState.CLOSED)
    ]


def test_an_outage_ends_when_the_camera_is_switched_off(site: Site) -> None:
    site.round(desired("a"))
    site.actors.actors["a"].silent = True
    for _ in range(6):
        site.round(desired("a"))

    site.round(desired("a", enabled=False))

    assert [event.state for event in site.told] == [EpisodeState.OPEN, EpisodeState.CLOSED]


def test_one_cameras_fault_does_not_keep_the_others_from_being_tended(site: Site) -> None:
    site.actors.broken = "a"

    with capture_logs() as logs:
        site.round(desired("a"), desired("b"))

    assert site.status("b") is CameraStatus.MONITORED
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["camera_not_tended"]


def test_nobody_is_ended_while_it_is_not_known_who_should_run(site: Site) -> None:
    site.actors.actors["other"] = FakeActor("other")
    site.complete = False

    site.round(desired("a"))

    assert not site.actors.actors["other"].ended
    assert site.status("other") is CameraStatus.MONITORED

    site.complete = True
    site.round(desired("a"))
    assert site.actors.actors["other"].ended
    assert [report.camera_id for report in site.fleet.reports()] == ["a"]


def test_a_camera_is_not_ended_before_its_outbox_is_empty(site: Site) -> None:
    site.round(desired("a"))
    actor = site.actors.actors["a"]
    actor.emptied = False

    site.round()
    assert (actor.retired, actor.ended) == (True, False)

    actor.emptied = True
    site.round()
    assert actor.ended


def test_a_camera_that_is_wanted_again_while_it_retires_gets_a_new_process(site: Site) -> None:
    site.round(desired("a"))
    old = site.actors.actors["a"]
    old.emptied = False
    site.round()

    for _ in range(2):
        site.round(desired("a"))

    assert old.ended
    assert site.actors.created == ["a", "a"]
    assert site.status() is CameraStatus.MONITORED


def test_an_outbox_that_never_empties_does_not_keep_a_camera_for_ever(site: Site) -> None:
    site.round(desired("a"))
    site.actors.actors["a"].emptied = False

    site.round()
    site.round(after_s=700)

    assert site.actors.actors["a"].ended


@pytest.mark.parametrize("why", ["cannot start", "cannot tell"])
def test_a_process_that_answers_and_does_not_work_is_told_by_the_supervisor(site: Site, why: str) -> None:
    site.round(desired("a"))
    actor = site.actors.actors["a"]
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


def test_an_actor_that_is_never_listed_is_unmonitored_too(site: Site) -> None:
    """Its constructor fails, again and again: it is created anew in every round."""
    site.actors.stillborn = True

    for _ in range(20):
        site.round(desired("a"))

    assert site.status() is CameraStatus.UNMONITORED
    assert len(site.told) == 1


def test_a_slow_round_of_the_supervisor_blinds_nobody(site: Site) -> None:
    site.round(desired("a"))
    site.now_s += 15
    assert site.status() is CameraStatus.MONITORED

    site.actors.actors["a"].silent = True
    site.round(desired("a"))
    assert site.told == []


def test_a_supervisor_whose_rounds_stopped_shows_nobody_as_watched(site: Site) -> None:
    site.round(desired("a"))

    site.now_s += 25

    assert site.status() is CameraStatus.UNMONITORED


def test_an_outage_told_twice_over_a_restart_is_ended_once_it_is_known(site: Site) -> None:
    site.round(desired("a"))
    site.actors.actors["a"].silent = True
    for _ in range(6):
        site.round(desired("a"))
    (opened,) = site.told

    heir = Site()
    heir.actors.actors["a"] = FakeActor("a")
    heir.actors.actors["a"].silent = True
    for _ in range(20):
        heir.round(desired("a"))
    heir.fleet.inherit({"a": [saved_episode(opened)], "gone": []})
    heir.round(desired("a"))

    assert [event.state for event in heir.told] == [EpisodeState.OPEN, EpisodeState.CLOSED]
    assert heir.told[1].event_id == opened.event_id
    assert heir.told[0].event_id != opened.event_id
