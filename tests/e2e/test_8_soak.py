"""`make soak` in its short form: a few random kills, and a minute in which every camera breaks off again and again.

No slope of memory is judged here: within a minute the allocators of Python and OpenCV still settle. Pools of threads
fill as they are first used; what each break-off leaves behind would be more than that.
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
BREAKS = 4
A_POOL_FILLS = 2
"""Threads or descriptors that a process may still add: fewer than one for each break-off."""


def test_random_kills_leave_the_events_as_they_would_be_undisturbed(simulated: Any) -> None:
    assert kills(simulated, KILLS, random.Random(3), print) == []  # noqa: S311 - no secret


def test_cameras_that_break_off_again_and_again_keep_no_descriptor_and_no_thread(simulated: Any) -> None:
    before, growth = simulated.reports(), Growth()

    steady(simulated, MINUTES, growth, print, reconnect_s=60 * MINUTES / (BREAKS + 1))

    found = verdict(growth, settle_s=SETTLE_S)
    ours = [row for row in found["processes"] if row["lived"] and row["role"].startswith(("camera", "detector"))]
    for name, after in simulated.reports().items():
        assert after.pid == before[name].pid
        assert after.reconnects - before[name].reconnects >= BREAKS - 1
    assert len(ours) == 6, "two cameras, supervisor, recorder, notifier, detector"
    held = [(row["role"], what, row[what]) for row in ours for what in ("descriptors", "threads")]
    assert [each for each in held if each[2][1] - each[2][0] > A_POOL_FILLS] == []
    wait_for("everything is as it was", lambda: simulated.reports() and not simulated.detectors()[0].error)
