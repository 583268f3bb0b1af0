"""`make soak` in its short form: a few random kills, and a minute in which every camera breaks off again and again.

No slope of memory is judged here: within a minute the allocators of Python and OpenCV still settle.
"""

import random
from typing import Any

import pytest
from counterparts.ray_nodes import wait_for
from performance.soak import kills, steady
from performance.soak_growth import Growth, verdict

pytestmark = pytest.mark.timeout(600)

KILLS = 2
MINUTES = 0.75
SETTLE_S = 10.0


def test_random_kills_leave_the_events_as_they_would_be_undisturbed(simulated: Any) -> None:
    assert kills(simulated, KILLS, random.Random(3), print) == []  # noqa: S311 - no secret


def test_cameras_that_break_off_again_and_again_keep_no_descriptor_and_no_thread(simulated: Any) -> None:
    before, growth = {report.pid: report.reconnects for report in simulated.reports().values()}, Growth()

    steady(simulated, MINUTES, growth, print, reconnect_s=10.0)

    found = verdict(growth, settle_s=SETTLE_S)
    ours = [row for row in found["processes"] if row["lived"] and row["role"].startswith(("camera", "detector"))]
    after = {report.pid: report.reconnects for report in simulated.reports().values()}
    assert {pid: count - before[pid] >= 3 for pid, count in after.items()} == dict.fromkeys(before, True)
    assert len(ours) == 5, "two cameras, supervisor, recorder, detector"
    assert [row for row in ours if {"descriptors", "threads"} & set(row["grew"])] == []
    wait_for("everything is as it was", lambda: simulated.reports() and not simulated.detectors()[0].error)
