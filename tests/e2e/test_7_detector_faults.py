"""A detector that answers wrongly is found out; one that answers too late degrades its cameras, and they come back.

How long it took is printed (pytest -rP); only generous limits end a broken test.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from counterparts.ray_nodes import wait_for
from counterparts.scene_server import painted, people_in
from counterparts.simulated_site import AT_THE_PRESS, walk

pytestmark = pytest.mark.timeout(600)

PEOPLE = ((0.1, 0.2, 0.3, 0.9), (0.6, 0.3, 0.8, 0.8))


@pytest.fixture(autouse=True)
def _answers_well_again(simulated: Any) -> Iterator[None]:
    yield
    simulated.switches.set()
    simulated.model = "stub"
    simulated.deploy()
    wait_for("the cameras come back by themselves", lambda: _sees(simulated), limit_s=90)
    simulated.wait_until_watched()


def test_a_model_that_went_bad_is_found_out_and_replaced_in_the_same_process(simulated: Any) -> None:
    before = simulated.replicas("detector#Detector")
    assert _sees(simulated)

    simulated.switches.set(answer="noise")
    since_s = time.monotonic()
    wait_for("a good model again", lambda: _sees(simulated))
    print(f"a model that answers noise was replaced after {time.monotonic() - since_s:.1f} s")

    assert simulated.replicas("detector#Detector") == before
    simulated.wait_until_watched()


def test_a_detector_that_finds_nothing_whatever_it_loads_is_not_called_watching(simulated: Any) -> None:
    simulated.switches.set(answer="nothing", also_new=True)
    since_s = time.monotonic()
    wait_for("it is said", lambda: _statuses(simulated) == {"DEGRADED"})
    print(f"a detector that finds nothing was found out after {time.monotonic() - since_s:.1f} s")

    (detector,) = simulated.detectors()
    assert detector.error
    assert not detector.ready
    wait_for("it is told", lambda: _told_degraded(simulated) == set(simulated.camera_ids))


def test_a_model_that_finds_nothing_is_refused_and_the_old_one_serves(simulated: Any) -> None:
    simulated.model = "noise"
    simulated.deploy()
    wait_for("the refusal", lambda: any("noise" in found.error for found in simulated.detectors()))

    assert {found.model for found in simulated.detectors()} == {"stub"}
    assert _sees(simulated)
    assert _statuses(simulated) == {"MONITORED"}


def test_a_detector_that_answers_too_late_degrades_cameras_that_come_back_by_themselves(simulated: Any) -> None:
    before, actors = datetime.now(UTC), simulated.camera_actors()
    simulated.switches.set(delay_s=3.0)
    since_s = time.monotonic()
    wait_for("the cameras say so", lambda: _statuses(simulated) == {"DEGRADED"})
    print(f"late answers degraded the cameras after {time.monotonic() - since_s:.1f} s")
    degraded = simulated.reports().values()
    wait_for("it is told", lambda: _told_degraded(simulated) == set(simulated.camera_ids))

    simulated.switches.set()
    since_s = time.monotonic()
    simulated.wait_until_watched()
    print(f"they came back after {time.monotonic() - since_s:.1f} s")

    assert all(report.frame_age_s < 5 for report in degraded), "frames go on while detection is late"
    assert simulated.camera_actors() == actors
    wait_for("it is told", lambda: not _told_degraded(simulated))
    walk(simulated, AT_THE_PRESS)
    wait_for("an alarm", lambda: len(_alarms(simulated, before)) == len(simulated.camera_ids))
    simulated.empty()


def _sees(site: Any) -> bool:
    """Whether the detector finds just those who are there."""
    found = site.ask(painted(PEOPLE, 3, (320, 192)))
    return found is not None and len(found) == len(PEOPLE) == len(people_in(painted(PEOPLE, 3, (320, 192))))


def _statuses(site: Any) -> set[str]:
    return {report.status.value for report in site.reports().values()}


def _told_degraded(site: Any) -> set[str]:
    """Cameras of which CAMERA_DEGRADED is open: a new one, or one of a moment ago that goes on."""
    return {row.camera_id for row in site.events() if row.event_type == "CAMERA_DEGRADED" and row.state != "closed"}


def _alarms(site: Any, since: datetime) -> list[Any]:
    return [row for row in site.events(since) if row.event_type == "DANGER_ZONE_INTRUSION" and row.state != "closed"]
