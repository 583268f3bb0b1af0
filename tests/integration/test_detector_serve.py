"""The Detector in a real one-node Ray: called by value from an actor and a driver, swapped, and made once."""

import asyncio
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import ray
from ray import serve
from ray.serve.config import ProxyLocation
from ray.serve.schema import ApplicationStatus, LoggingConfig, ServeDeploySchema

from cluster.camera.demo_scene import photograph
from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError
from cluster.safety.frames import Image
from cluster.safety.status import DetectorReport

PATIENCE_S = 240
pytestmark = pytest.mark.timeout(600)  # starts a Ray, two replicas with torch, and an export
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this file
GOOD = {"model": "fall-s", "confidence": 0.4, "image_size": 320}


@ray.remote(num_cpus=0)
class FakeCamera:
    """A plain actor with a handle, as a camera is one."""

    def __init__(self) -> None:
        self._handle = serve.get_deployment_handle("Detector", "detector").options(_by_reference=False)

    async def ask(self, image: Image, times: int = 1) -> list[Detections]:
        calls = [self._handle.detect.remote(image) for _ in range(times)]
        return [await asyncio.wait_for(call, PATIENCE_S) for call in calls]


@pytest.fixture(scope="module")
def node() -> Iterator[Path]:
    """A Ray of this test's own, with two replicas that started together: own folder, own ports, own cache."""
    folder = Path(tempfile.mkdtemp(prefix="sy-det-", dir="/tmp"))  # a short path: sockets lie in it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAFE_YOLO_CACHE", str(folder / "cache"))
        ray.init(
            "local",
            num_cpus=4,
            include_dashboard=False,
            log_to_driver=False,
            namespace="safe-yolo-test",
            _temp_dir=str(folder / "ray"),
        )
        try:
            serve.start(proxy_location=ProxyLocation.Disabled, logging_config=LoggingConfig(enable_access_log=False))
            deploy(GOOD)
            until(lambda: both(lambda report: report.ready))
            yield folder
        finally:
            serve.shutdown()
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


def until(condition: Callable[[], bool]) -> None:
    deadline_s, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline_s, f"it did not come to that: {serve.status()}"
        pause.wait(0.2)


def both(wanted: Callable[[DetectorReport], bool]) -> bool:
    return [wanted(report) for report in reports()] == [True, True]


def deploy(user_config: dict[str, Any], *, replicas: int = 2) -> None:
    """The same path as `serve deploy`."""
    application = {
        "name": "detector",
        "route_prefix": None,
        "import_path": "deployments.detector.app:build",
        "args": {"release": "test"},
        "deployments": [
            {
                "name": "Detector",
                "num_replicas": replicas,
                "max_ongoing_requests": 64,
                "ray_actor_options": {"num_cpus": 1},
                "user_config": user_config,
            }
        ],
    }
    client: Any = serve.context._get_global_client()
    # Not `_blocking`: it gives up after 60 s, and a busy machine takes longer to start two replicas.
    client.deploy_apps(ServeDeploySchema.model_validate({"applications": [application]}))
    until(lambda: [app.status for app in serve.status().applications.values()] == [ApplicationStatus.RUNNING])


def reports() -> list[DetectorReport]:
    handle: Any = serve.get_deployment_handle("Detector", "detector")
    return list(handle.broadcast("report").results(timeout_s=PATIENCE_S))


def picture() -> Image:
    return np.asarray(cv2.resize(photograph("zidane.jpg"), (320, 180), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.fixture(scope="module")
def camera(node: Path) -> Any:
    return FakeCamera.remote()


def test_two_replicas_that_start_together_make_one_export(node: Path) -> None:
    made = [path for path in (node / "cache" / "openvino").iterdir() if path.is_dir()]
    started = [
        line
        for log in (node / "ray").glob("session_2*/logs/worker-*.out")
        for line in log.read_text(errors="replace").splitlines()
        if "openvino_export_started" in line
    ]

    assert len(reports()) == 2
    assert {(report.runtime, report.device, report.error) for report in reports()} == {("openvino", "cpu", "")}
    assert len(made) == len(started) == 1


def test_an_actor_gets_detections_for_a_frame_by_value(camera: Any) -> None:
    found = ray.get(camera.ask.remote(picture(), 6), timeout=PATIENCE_S)

    assert [detections.labels for detections in found] == [("person", "person")] * 6
    assert found[0].image_size == 320


def test_a_driver_gets_detections_for_the_largest_frame_that_a_message_takes(node: Path) -> None:
    handle: Any = serve.get_deployment_handle("Detector", "detector").options(_by_reference=False)
    largest = np.full((1152, 1152, 3), 90, np.uint8)

    assert len(handle.detect.remote(largest).result(timeout_s=PATIENCE_S)) == 0


def test_an_error_arrives_as_ours(camera: Any) -> None:
    handle: Any = serve.get_deployment_handle("Detector", "detector").options(_by_reference=False)

    with pytest.raises(DetectorError) as raised:
        handle.detect.remote(picture()[..., 0]).result(timeout_s=PATIENCE_S)
    with pytest.raises(DetectorError, match="expected a picture"):
        ray.get(camera.ask.remote(picture()[..., 0]), timeout=PATIENCE_S)

    assert raised.value.reason == "expected a picture (h, w, 3) uint8, got uint8 (180, 320)"


def test_a_refused_model_leaves_the_old_one_in_service_and_a_good_one_replaces_it(camera: Any) -> None:
    before = {report.pid for report in reports()}

    deploy({**GOOD, "model": "yolo99"})
    until(lambda: both(lambda report: "yolo99" in report.error))
    assert {report.model for report in reports()} == {"fall-s"}
    assert len(ray.get(camera.ask.remote(picture()), timeout=PATIENCE_S)[0]) == 2

    deploy({**GOOD, "confidence": 0.95, "image_size": 192})
    until(lambda: both(lambda report: (report.image_size, report.error) == (192, "")))
    assert len(ray.get(camera.ask.remote(picture()), timeout=PATIENCE_S)[0]) == 0
    assert {report.pid for report in reports()} == before
