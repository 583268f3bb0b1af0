"""What one process does with its camera: works, stands by, begins again."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.camera.actor_names import actor_name, parse_actor_name, successor_name
from cluster.camera.keeper import Assigned, CameraKeeper, NotWantedError, SupervisorAwayError
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.site import SiteSettings

SITE = SiteSettings(name="test")


def assigned(epoch: int = 7, release: str = "r1", **changes: Any) -> Assigned:
    camera = CameraSettings(camera_id="a", source="x.mp4", **changes)
    return Assignment(camera=camera, revision=1, epoch=epoch, release=release), SITE


class FakeCamera:
    def __init__(self, assignment: Assignment) -> None:
        self.assignment, self.started, self.stopped = assignment, False, False
        self.stops_within_s = 0.0
        self.fails, self.applies = "", True
        self.held = 0

    def start(self) -> None:
        if self.fails:
            raise OSError(self.fails)
        self.started = True

    def stop(self, timeout_s: float) -> bool:
        self.stopped, self.stops_within_s = True, timeout_s
        return True

    def retire(self, timeout_s: float) -> bool:
        return True

    def apply(self, assignment: Assignment) -> bool:
        return self.applies

    def unwritten(self) -> int:
        return self.held

    def report(self) -> CameraReport:
        return CameraReport("a", "", CameraStatus.MONITORED, datetime.now(UTC), epoch=self.assignment.epoch)

    def picture(self, *_: Any) -> None:
        return None


class Process:
    """A keeper whose supervisor gives `answers`, one after the other; the last one for ever."""

    def __init__(self, *answers: Assigned | Exception | None) -> None:
        self.answers = list(answers)
        self.made: list[FakeCamera] = []
        self.fails = ""
        self.keeper = CameraKeeper("a", self._ask, self._make)

    def _ask(self) -> Assigned | None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _make(self, assignment: Assignment, site: SiteSettings) -> FakeCamera:
        camera = FakeCamera(assignment)
        camera.fails = self.fails
        self.made.append(camera)
        return camera

    @property
    def epochs(self) -> list[int]:
        return [camera.assignment.epoch for camera in self.made]


def test_a_process_that_owns_the_camera_begins_by_itself() -> None:
    process = Process(assigned(7))
    process.keeper.ask_and_begin()

    report = process.keeper.report()
    assert (process.made[0].started, report.epoch, report.release, report.standby) == (True, 7, "r1", False)


def test_a_process_that_does_not_own_the_camera_opens_nothing_until_it_is_told() -> None:
    process = Process(None)
    process.keeper.ask_and_begin()
    assert (process.made, process.keeper.report().standby) == ([], True)

    process.keeper.begin(*assigned(9))
    assert (process.epochs, process.keeper.report().standby) == ([9], False)


def test_a_supervisor_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.camera.keeper._ASK_AGAIN_S", 0.0)
    process = Process(SupervisorAwayError("TimeoutError"), ValueError("odd"), assigned(7))
    process.keeper.ask_and_begin()
    assert process.epochs == [7]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SupervisorAwayError("TimeoutError"), "does not answer: TimeoutError"),
        (NotWantedError("a"), "does not want this camera"),
        (ValueError("odd"), "cannot start: ValueError: odd"),
    ],
)
def test_what_a_process_waits_for_is_said_as_it_is(
    answer: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.camera.keeper._ASK_AGAIN_S", 0.0)
    reasons: list[str] = []

    def ask() -> Assigned | None:
        reasons.append(keeper.report().reason)
        if len(reasons) == 1:
            raise answer
        return None

    keeper = CameraKeeper("a", ask, lambda assignment, _: FakeCamera(assignment))
    keeper.ask_and_begin()

    assert said in reasons[1]


def test_one_that_works_is_not_begun_again() -> None:
    process = Process(assigned(7))
    process.keeper.ask_and_begin()
    process.keeper.begin(*assigned(9))
    assert process.epochs == [7]


def test_what_keeps_it_from_beginning_is_raised_and_it_stands_by() -> None:
    process = Process(None)
    process.keeper.ask_and_begin()
    process.fails = "disk"

    with pytest.raises(OSError, match="disk"):
        process.keeper.begin(*assigned(9))

    report = process.keeper.report()
    assert (process.made[0].stopped, report.standby, "disk" in report.reason) == (True, True, True)


@pytest.mark.parametrize("end", [lambda keeper: keeper.stop(1.0), lambda keeper: keeper.retire(1.0)])
def test_one_that_stopped_or_retired_stands_by_and_can_begin_again(end: Callable[[CameraKeeper], bool]) -> None:
    process = Process(assigned(7))
    process.keeper.ask_and_begin()

    assert end(process.keeper)
    assert process.keeper.report().standby

    process.keeper.begin(*assigned(9))
    report = process.keeper.report()
    assert (process.made[0].stopped, report.epoch, report.standby) == (True, 9, False)


def test_the_release_is_that_of_the_first_assignment_because_code_does_not_change_in_a_process() -> None:
    process = Process(assigned(7, "r1"))
    process.keeper.ask_and_begin()
    process.keeper.stop(1.0)
    process.keeper.begin(*assigned(9, "r2"))
    assert process.keeper.report().release == "r1"


def test_a_change_of_the_picture_begins_a_new_lease() -> None:
    process = Process(assigned(7), assigned(8))
    process.keeper.ask_and_begin()
    process.made[0].applies = False

    process.keeper.apply(assigned(7)[0])

    assert (process.epochs, process.made[0].stopped) == ([7, 8], True)


def test_a_change_of_the_picture_does_not_wait_for_the_database_because_nobody_watches_meanwhile() -> None:
    process = Process(assigned(7), assigned(8))
    process.keeper.ask_and_begin()
    process.made[0].applies = False

    process.keeper.apply(assigned(7)[0])

    assert 0 < process.made[0].stops_within_s < 2.0, "the gap that a handover may have"


def test_a_change_waits_while_events_are_in_memory_only_because_they_would_die_with_the_camera() -> None:
    process = Process(assigned(7), assigned(8))
    process.keeper.ask_and_begin()
    camera = process.made[0]
    camera.applies, camera.held = False, 2

    process.keeper.apply(assigned(7)[0])
    assert (process.epochs, camera.stopped, process.keeper.report().epoch) == ([7], False, 7), "it watches on"

    camera.held = 0
    process.keeper.apply(assigned(7)[0])  # the next round says it again
    assert (process.epochs, camera.stopped) == ([7, 8], True)


@pytest.mark.parametrize(("held", "long_enough_to_send"), [(0, False), (2, True)])
def test_one_that_retired_and_is_wanted_again_sends_what_is_on_no_disk(held: int, long_enough_to_send: bool) -> None:
    process = Process(assigned(7))
    process.keeper.ask_and_begin()
    process.made[0].held = held
    process.keeper.retire(1.0)

    process.keeper.begin(*assigned(9))

    assert process.epochs == [7, 9]
    assert (process.made[0].stops_within_s > 5.0) is long_enough_to_send


def test_an_answer_that_comes_after_the_stop_starts_nothing() -> None:
    asked, stopped = threading.Event(), threading.Event()

    def ask() -> Assigned | None:
        asked.set()
        assert stopped.wait(10)
        return assigned(7)

    made: list[FakeCamera] = []
    keeper = CameraKeeper("a", ask, lambda assignment, _: made.append(FakeCamera(assignment)) or made[-1])
    asking = threading.Thread(target=keeper.ask_and_begin)
    asking.start()
    assert asked.wait(10)
    keeper.stop(1.0)
    stopped.set()
    asking.join(10)

    assert not asking.is_alive()
    assert (made, keeper.report().standby) == ([], True)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("camera:gate-1", ("gate-1", 0)),
        ("camera:gate-1~12", ("gate-1", 12)),
        ("camera:", None),
        ("camera:gate-1~x", None),
        ("node-agent:abc", None),
    ],
)
def test_names_of_actors(name: str, parsed: tuple[str, int] | None) -> None:
    assert parse_actor_name(name) == parsed
    if parsed is not None:
        assert actor_name(*parsed) == name
        assert successor_name(name) == actor_name(parsed[0], parsed[1] + 1)
    else:
        with pytest.raises(ValueError, match="camera actor"):
            successor_name(name)
