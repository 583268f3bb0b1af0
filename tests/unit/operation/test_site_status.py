import io
import json
from typing import Any

import pytest
from rich.console import Console

from cluster.operation.site_status import SiteStatus, read_status, tables
from cluster.safety.errors import SiteUnhealthy

_CAMERA = {
    "camera_id": "gate-1",
    "name": "1번 출입구",
    "status": "MONITORED",
    "capture_fps": 10.02,
    "detect_fps": 4.96,
    "inference_age_s": 0.21,
    "reason": "",
}
_APPLICATIONS = {
    "detector": {
        "status": "RUNNING",
        "deployments": {
            "Detector": {
                "status": "HEALTHY",
                "message": "",
                "target_num_replicas": 2,
                "replicas": [{"state": "RUNNING"}, {"state": "STARTING"}],
            }
        },
    }
}
_NODE = {
    "hostname": "edge",
    "ip": "10.0.0.1",
    "cpu": 12.5,
    "cpus": [2, 2],
    "mem": [8 * 1024**3, 6 * 1024**3, 25.0, 2 * 1024**3],
    "gpus": [],
    "raylet": {"state": "ALIVE", "isHeadNode": True},
}


class FakeSite:
    def __init__(self, health: str = "ok", **camera: Any) -> None:
        self._health, self._camera = health, {**_CAMERA, **camera}

    def health(self) -> dict[str, Any]:
        if not self._health:
            raise SiteUnhealthy("GET /health: refused")
        return {"status": self._health}

    def cameras(self) -> list[dict[str, Any]]:
        return [self._camera]


class FakeCluster:
    def __init__(self, **node: Any) -> None:
        self._node = {**_NODE, **node}

    def applications(self) -> dict[str, Any]:
        return _APPLICATIONS

    def nodes(self) -> list[dict[str, Any]]:
        return [self._node]


class NoCluster:
    def applications(self) -> dict[str, Any]:
        raise SiteUnhealthy("cannot read the applications: refused")

    def nodes(self) -> list[dict[str, Any]]:
        raise AssertionError("not asked after the first failure")


def _status(site: FakeSite | None = None, cluster: Any = None) -> SiteStatus:
    return read_status("http://page/", "http://ray/", site or FakeSite(), cluster or FakeCluster())


def _shown(status: SiteStatus) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(tables(status))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_site_that_is_well_has_no_problems() -> None:
    assert _status().problems == []


def test_the_table_shows_cameras_replicas_and_nodes() -> None:
    shown = _shown(_status())

    for expected in ("gate-1", "1번 출입구", "MONITORED", "10.0", "5.0", "0.2 s ago"):
        assert expected in shown
    for expected in ("Detector", "HEALTHY", "1 of 2", "edge 10.0.0.1", "ALIVE", "2.0 of 8.0 GiB"):
        assert expected in shown


def test_a_camera_without_an_inference_says_never() -> None:
    assert "never" in _shown(_status(FakeSite(inference_age_s=None)))


@pytest.mark.parametrize(
    ("site", "cluster", "problem"),
    [
        (
            FakeSite("degraded", status="UNMONITORED", reason="refused rtsp://u:S3cret@cam"),
            None,
            "camera gate-1 UNMONITORED: refused rtsp://***@cam",
        ),
        (FakeSite("degraded"), None, "health is degraded"),
        (FakeSite(""), None, "GET /health: refused"),
        (None, FakeCluster(raylet={"state": "DEAD"}), "node 10.0.0.1 is DEAD"),
        (None, NoCluster(), "cannot read the applications: refused"),
    ],
)
def test_what_is_not_well_is_a_problem_and_the_rest_is_still_told(
    site: FakeSite | None, cluster: Any, problem: str
) -> None:
    status = _status(site, cluster)

    assert problem in status.problems
    assert f"! {problem}" in _shown(status)


def test_the_status_is_json() -> None:
    assert json.loads(json.dumps(_status().as_json()))["cameras"][0]["camera_id"] == "gate-1"
