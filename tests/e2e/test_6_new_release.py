"""A new release of the code of the cameras: their processes are replaced one at a time, in the middle of an episode."""

import time
from typing import Any

import pytest
from counterparts.ray_nodes import wait_for
from counterparts.visits import UNDISTURBED, Visit

pytestmark = pytest.mark.timeout(600)

LIMIT_S = 120.0
"""Ends a broken test; no figure of the product."""


def test_a_new_release_replaces_the_cameras_one_at_a_time_and_no_episode_ends(simulated: Any) -> None:
    visit, before = Visit(simulated), simulated.reports()
    visit.come()
    opened = {name: visit.open_ids(name) for name in simulated.camera_ids}
    most_away = 0

    def replaced() -> bool:
        nonlocal most_away
        reports = simulated.reports().values()
        most_away = max(most_away, sum(report.status != "MONITORED" for report in reports))
        return bool(reports) and all(report.release == simulated.release for report in reports)

    simulated.release += "x"
    deployed_s = time.monotonic()
    simulated.deploy()
    wait_for("every camera runs the new release", replaced, LIMIT_S)
    print(f"replaced after {time.monotonic() - deployed_s:.1f} s, at most {most_away} away at once")
    simulated.wait_until_watched()
    for name in simulated.camera_ids:
        print(f"{name}: longest gap between frames {simulated.scene.longest_pause_s(name, deployed_s):.2f} s")
    still_open = {name: visit.open_ids(name) for name in simulated.camera_ids}
    visit.leave()

    assert {name: report.pid == before[name].pid for name, report in simulated.reports().items()} == dict.fromkeys(
        simulated.camera_ids, False
    )
    assert most_away <= 1
    assert still_open == opened
    assert visit.told() == dict.fromkeys(simulated.camera_ids, UNDISTURBED)
