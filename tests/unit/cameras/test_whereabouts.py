"""Where the agents of the nodes are told that cameras are."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cluster.camera.places import CameraPlace
from cluster.safety.status import CameraReport, CameraStatus
from deployments.cameras.watched import Watched
from deployments.cameras.whereabouts import places_of

REPORT = CameraReport(
    "gate-1", "", CameraStatus.MONITORED, datetime(2026, 3, 1, tzinfo=UTC), epoch=9, node_id="a", open_events=("e1",)
)


@pytest.mark.parametrize(
    ("report", "missed", "nodes", "expected"),
    [
        (REPORT, 0, {"a", "b"}, CameraPlace("a", 9, frozenset({"e1"}))),
        (REPORT, 1, {"a", "b"}, CameraPlace("a")),
        (replace(REPORT, standby=True), 0, {"a"}, CameraPlace("a")),
        (REPORT, 0, {"b"}, CameraPlace("")),
        (None, 0, {"a"}, CameraPlace("")),
    ],
    ids=["answers", "is silent", "stands by", "its node is gone", "never answered"],
)
def test_only_a_camera_that_answers_says_what_it_goes_on_with(
    report: CameraReport | None, missed: int, nodes: set[str], expected: CameraPlace
) -> None:
    watched = Watched(created_s=0.0, missed=missed, report=report)

    places = places_of(["gate-1", "dock-1"], {"gate-1": watched}, nodes, complete=True)

    assert places.cameras == {"gate-1": expected, "dock-1": CameraPlace("")}
    assert places.complete
