"""The Detector in a real one-node Ray: called by value from an actor and a driver, swapped, and made once."""

import asyncio
import os
import shutil
import signal
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
import yaml
from ray import serve
from ray.serve.config import ProxyLocation
from ray.serve.exceptions import RayServeException
from ray.serve.schema import ApplicationStatus, LoggingConfig, ServeDeploySchema

from cluster.camera.demo_scene import photograph
from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError
from cluster.safety.frames import Image
from cluster.safety.status import DetectorReport
from cluster.settings.load import load_models
from cluster.settings.models import DetectorSettings
from deployments.detector.detector import DetectorDeployment
from deployments.detector.last_good import Candidate
from deployments.detector.model import YoloModel
from deployments.detector.shelf import Model, ModelShelf
from deployments.detector.ultralytics_quiet import quieten
from deployments.detector.weights import sha256_of, verified

PATIENCE_S = 240
pytestmark = pytest.mark.timeout(600)  # starts a Ray, two replicas with torch, and an export
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this file
GOOD = {"model": "fall-s", "confidence": 0.4, "image_size": 320}
NOISE = {**GOOD, "model": "noise", "runtime": "torch"}  # no export of weights that are refused


@ray.remote(num_cpus=0)
class FakeCamera:
    """A plain actor with a handle, as a camera is one."""

    def __init__(self) -> None:
        self._handle = serve.get_deployment_handle("Detector", "detector").options(_by_reference=False)

    async def ask(self, image: Image, times: int = 1) -> list[Detections]:
        calls = [self._handle.detect.remote(image) for _ in range(times)]
        return [await asyncio.wait_for(call, PATIENCE_S) for call in calls]


class TurningModel:
    """The real model, until a file appears: then its network is one of noise, behind the back of everybody. Once."""

    def __init__(self, model: YoloModel, noise: YoloModel, switch: Path) -> None:
        self._model, self._noise, self._switch = model, noise, switch
        self.name, self.digest, self.image_size = model.name, model.digest, model.image_size
        self.runtime, self.device, self.batches = model.runtime, model.device, model.batches
        self.lanes, self.has_canary = model.lanes, model.has_canary

    def detect_all(self, images: list[Image]) -> list[Detections]:
        self._turn()
        return self._model.detect_all(images)

    def detect_beside(self, image: Image, lane: int) -> Detections:
        self._turn()
        return self._model.detect_beside(image, lane)

    def adopt(self, settings: DetectorSettings) -> None:
        self._model.adopt(settings)

    def canary_fault(self, lane: int | None = None) -> str:
        self._turn()
        return self._model.canary_fault(lane)

    def _turn(self) -> None:
        if self._switch.exists():
            self._switch.unlink()
            self._model._backend = self._noise._backend


class TurningShelf(ModelShelf):
    """Models that are good when they are loaded."""

    def __init__(self, models_file: Path, switch: Path) -> None:
        super().__init__(str(models_file), lambda: 2)
        self._switch = switch

    def load(self, candidate: Candidate) -> Model:
        model: Any = super().load(candidate)
        noise = self.candidate(DetectorSettings.model_validate(NOISE))
        assert noise.entry is not None
        return TurningModel(model, YoloModel.load(noise.settings, noise.entry), self._switch)


def write_models(folder: Path) -> Path:
    """A models file with the real weights and with noise behind the same classes."""
    quieten()
    import torch
    from ultralytics.models import YOLO

    good = load_models().named("fall-s")
    yolo: Any = YOLO(str(verified(good)))
    torch.manual_seed(7)
    for weights in yolo.model.parameters():
        torch.nn.init.normal_(weights.data, std=0.05)
    yolo.save(str(file := folder / "noise.pt"))
    noise = good.model_copy(update={"name": "noise", "weights": str(file), "sha256": sha256_of(file)})
    (models := folder / "models.yaml").write_text(
        yaml.safe_dump({"models": [entry.model_dump(mode="json") for entry in (good, noise)]})
    )
    return models


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
            write_models(folder)
            deploy(GOOD, folder)
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


def deploy(user_config: dict[str, Any], folder: Path, *, replicas: int = 2) -> None:
    """The same path as `serve deploy`."""
    application = {
        "name": "detector",
        "route_prefix": None,
        "import_path": "deployments.detector.app:build",
        "args": {"release": "test", "models": str(folder / "models.yaml")},
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


def log_lines(folder: Path, event: str) -> list[str]:
    """What all workers of the node have logged of `event`."""
    return [
        line
        for log in (folder / "ray").glob("session_2*/logs/worker-*.out")
        for line in log.read_text(errors="replace").splitlines()
        if event in line
    ]


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
    started = log_lines(node, "openvino_export_started")

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


def test_another_threshold_is_taken_by_the_same_process_and_loads_nothing(node: Path, camera: Any) -> None:
    before, loaded = {report.pid for report in reports()}, len(log_lines(node, "model_loading"))

    deploy({**GOOD, "confidence": 0.95}, node)
    until(lambda: len(ray.get(camera.ask.remote(picture()), timeout=PATIENCE_S)[0]) == 0)

    deploy(GOOD, node)
    until(lambda: len(ray.get(camera.ask.remote(picture()), timeout=PATIENCE_S)[0]) == 2)
    assert {report.pid for report in reports()} == before
    assert len(log_lines(node, "model_loading")) == loaded


def test_weights_of_noise_are_refused_and_the_old_model_serves_also_in_replicas_that_start_later(
    node: Path, camera: Any
) -> None:
    before = {report.pid for report in reports()}

    deploy(NOISE, node)
    until(lambda: both(lambda report: "model noise was refused" in report.error))
    assert {(report.model, report.fallback, report.pid in before) for report in reports()} == {("fall-s", True, True)}
    assert len(ray.get(camera.ask.remote(picture()), timeout=PATIENCE_S)[0]) == 2

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: replaced(before) and both(lambda report: report.ready))
    assert {(report.model, report.fallback) for report in reports()} == {("fall-s", True)}
    assert all("model noise was refused" in report.error for report in reports())
    assert len(ray.get(camera.ask.remote(picture()), timeout=PATIENCE_S)[0]) == 2


def replaced(before: set[int]) -> bool:
    """Whether two other processes answer; a call that meets one that was killed fails."""
    try:
        pids = {report.pid for report in reports()}
    except (ray.exceptions.RayError, RayServeException, TimeoutError):
        return False
    return len(pids) == 2 and not pids & before


def test_a_good_model_replaces_the_one_in_service_in_the_same_processes(node: Path) -> None:
    before = {report.pid for report in reports()}

    deploy({**GOOD, "image_size": 192}, node)
    until(lambda: both(lambda report: (report.image_size, report.error, report.fallback) == (192, "", False)))

    assert {report.pid for report in reports()} == before
    until(lambda: both(lambda report: report.canary_age_s is not None))


def test_a_network_that_turns_to_noise_is_found_out_and_replaced_by_good_weights(node: Path) -> None:
    switch = node / "noise-now"
    turning: Any = DetectorDeployment.options(
        user_config={**GOOD, "canary_every_s": 1}, ray_actor_options={"num_cpus": 1}
    )
    handle: Any = serve.run(
        turning.bind(models="", shelf=TurningShelf(node / "models.yaml", switch)), name="turning", route_prefix=None
    )

    def report() -> DetectorReport:
        told: DetectorReport = handle.report.remote().result(timeout_s=PATIENCE_S)
        return told

    until(lambda: report().canary_age_s is not None)
    pid = report().pid
    switch.touch()
    until(lambda: report().ready and "was loaded anew" in report().error)

    assert "model fall-s answers wrongly: it finds" in report().error
    until(lambda: report().canary_age_s is not None)
    assert len(handle.detect.remote(picture()).result(timeout_s=PATIENCE_S)) == 2
    assert (report().pid, report().model, report().fallback) == (pid, "fall-s", False)
    assert len(log_lines(node, "detector_answers_wrongly")) == 1
