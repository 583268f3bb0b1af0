"""SIGKILL to every kind of process, in the middle of open episodes: the events are those of an undisturbed run.

How long it took is printed (pytest -rP); only generous limits end a broken test.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from counterparts.ray_nodes import wait_for
from counterparts.simulated_site import walk
from counterparts.visits import UNDISTURBED, Visit

pytestmark = pytest.mark.timeout(600)


def test_an_undisturbed_visit_is_told_so(simulated: Any) -> None:
    visit = Visit(simulated)

    visit.come()
    visit.leave()

    assert visit.told() == dict.fromkeys(simulated.camera_ids, UNDISTURBED)
    assert visit.of_the_cameras() == []


@pytest.mark.parametrize(
    ("deployment", "then"),
    [
        ("cameras#Recorder", "everybody leaves meanwhile"),
        ("cameras#CameraSupervisor", "everybody leaves meanwhile"),
        ("detector#Detector", "everybody leaves meanwhile"),
        ("detector#Detector", "everybody stays"),
    ],
)
def test_a_killed_replica_loses_and_doubles_nothing(simulated: Any, deployment: str, then: str) -> None:
    visit = Visit(simulated)
    actors = simulated.camera_actors()
    visit.come()
    (pid,) = simulated.replicas(deployment)

    killed_s = time.monotonic()
    simulated.kill(pid)
    if then == "everybody leaves meanwhile":
        walk(simulated)
    wait_for("another replica", lambda: _answers(simulated, deployment, pid))
    print(f"{deployment} works again after {time.monotonic() - killed_s:.1f} s")
    visit.leave()

    assert visit.told() == dict.fromkeys(simulated.camera_ids, UNDISTURBED)
    assert simulated.camera_actors() == actors
    # A detector that is away for long is said to be; that nobody watches is never said.
    assert {event.event_type for event in visit.of_the_cameras()} <= {"CAMERA_DEGRADED"}


def test_a_killed_camera_tells_an_episode_that_outlasts_the_outage_once(simulated: Any) -> None:
    visit = Visit(simulated)
    visit.come()
    before, opened = simulated.reports()["gate-1"], visit.open_ids("gate-1")

    again_s = _kill_camera(simulated, before)
    print(f"frames again after {again_s:.1f} s")
    wait_for("every episode is taken up", lambda: visit.revised(opened) or None)
    still_open = visit.open_ids("gate-1")
    visit.leave()

    assert still_open == opened
    assert visit.told() == dict.fromkeys(simulated.camera_ids, UNDISTURBED)
    assert simulated.reports()["gate-1"].pid != before.pid


def test_a_killed_camera_ends_what_was_over_when_it_came_back(simulated: Any) -> None:
    visit = Visit(simulated)
    visit.come()
    before, opened = simulated.reports()["gate-1"], visit.open_ids("gate-1")

    again_s = _kill_camera(simulated, before, meanwhile=lambda: walk(simulated))
    print(f"frames again after {again_s:.1f} s")
    visit.leave()

    assert visit.told() == dict.fromkeys(simulated.camera_ids, UNDISTURBED)
    assert opened <= {event.event_id for event in visit.events("gate-1")}


def _answers(site: Any, deployment: str, dead: int) -> bool:
    """Whether another replica does the work of the `dead` one, as far as it can be seen from outside."""
    living = [pid for pid in site.replicas(deployment) if pid != dead]
    reports = site.reports() if living else {}
    looked = [report.inference_age_s for report in reports.values()]
    return bool(looked) and all(age_s is not None and age_s < 2 for age_s in looked)


def _kill_camera(site: Any, before: Any, meanwhile: Callable[[], None] = lambda: None) -> float:
    """Seconds from the death of the camera's process to a frame that the next one has looked at."""
    killed_s = time.monotonic()
    site.kill(before.pid)
    meanwhile()

    def frames_again() -> bool:
        report = site.reports().get(before.camera_id)
        return report is not None and report.epoch > before.epoch and report.status == "MONITORED"

    wait_for("frames of the next process", frames_again)
    return time.monotonic() - killed_s
