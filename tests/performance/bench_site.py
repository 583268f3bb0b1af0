"""A Ray of the bench's own with the application `detector`, stubs beside it, and real camera actors."""

import os
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from cluster.operation import haproxy, ray_economy

PATIENCE_S = 180.0
HERE = Path(__file__).resolve().parent
ZONE = {"zone_id": "press", "kind": "danger", "polygon": [[0.35, 0.3], [0.65, 0.3], [0.65, 1.0], [0.35, 1.0]]}


class Site:
    """What `running` gives: cameras by index, the Detector's configuration, and the processes by what they are."""

    def __init__(self, folder: Path, cameras: list[dict[str, Any]], detector: dict[str, Any]) -> None:
        self.folder, self._cameras, self._detector = folder, cameras, detector
        self._deployed: tuple[dict[str, Any], ...] = ()
        self.actors: list[Any] = []

    def deploy(self, **user_config: Any) -> None:
        """The same path as `serve deploy`; then waits until a replica serves with this configuration."""
        if user_config:
            self._detector["deployments"][0]["user_config"] = user_config
        arguments = {"cameras": self._cameras, "data_dir": str(self.folder / "data")}
        cameras = {"name": "cameras", "route_prefix": None, "import_path": "bench_worker:build_cameras"}
        self.deploy_only(self._detector, {**cameras, "args": arguments})
        if user_config:
            self.wait_for_detector(user_config["image_size"])

    def deploy_only(self, *applications: dict[str, Any]) -> None:
        """These and no others; waits until they run."""
        from ray import serve
        from ray.serve.schema import ServeDeploySchema

        self._deployed = applications
        client: Any = serve.context._get_global_client()
        schema = {
            "applications": list(applications),
            "logging_config": {"encoding": "JSON", "enable_access_log": False},
        }
        client.deploy_apps(ServeDeploySchema.model_validate(schema))
        try:
            until(lambda: all(app.status == "RUNNING" for app in serve.status().applications.values()), "RUNNING")
        except TimeoutError as error:
            raise TimeoutError(f"the applications do not run: {serve.status().applications}") from error

    def deploy_also(self, application: dict[str, Any]) -> None:
        """Beside those that run; waits until it runs."""
        self.deploy_only(*self._deployed, application)

    def wait_for_detector(self, image_size: int) -> None:
        """Until every replica serves a model of `image_size`; TimeoutError says what they say."""
        try:
            until(lambda: {r.image_size for r in self._detectors() if r.ready} == {image_size}, "the detector")
        except TimeoutError as error:
            raise TimeoutError(
                f"the detector does not serve: {[report.error for report in self._detectors()]}"
            ) from error

    def start_cameras(self, upto: int, actor: Any = None, **options: Any) -> None:
        """The first `upto` cameras, one actor each, as the supervisor makes them; `actor`: another class for them."""
        import ray
        from bench_worker import BenchCamera

        actor_class = ray.remote(num_cpus=0.1, max_restarts=-1)(actor or BenchCamera)
        for camera in self._cameras[len(self.actors) : upto]:
            name = f"camera:{camera['camera_id']}"
            self.actors.append(
                actor_class.options(name=name, namespace="cameras").remote(camera["camera_id"], **options)
            )
        until(lambda: all(report.capture_fps >= 0 and report.epoch for report in self.reports()), "cameras that run")

    def reports(self) -> list[Any]:
        return self.all("report")

    def all(self, method: str, *arguments: Any) -> list[Any]:
        """`method` of every camera."""
        import ray

        return list(ray.get([getattr(a, method).remote(*arguments) for a in self.actors], timeout=PATIENCE_S))

    def demand(self) -> None:
        """Every camera gives its next frame whenever its pipeline asks."""
        self.all("pace", "demand")

    def in_turn(self, period_s: float) -> None:
        """Every camera gives a frame each `period_s`, one after the other at even distances."""
        import ray

        first_s = time.monotonic() + 0.5
        share_s = period_s / len(self.actors)
        calls = [a.pace.remote("rate", first_s + i * share_s, period_s) for i, a in enumerate(self.actors)]
        ray.get(calls, timeout=PATIENCE_S)

    def window(self, seconds: float, *, settle_s: float = 3.0) -> tuple[float, float]:
        """Waits out a stretch of `seconds` and returns its beginning and end (monotonic)."""
        pause(settle_s)
        start_s = time.monotonic()
        pause(seconds)
        return start_s, time.monotonic()

    def frames(self, window: tuple[float, float]) -> list[tuple[float, float]]:
        return [frame for frames in self.all("frames", *window) for frame in frames]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far of each kind of process, without this one."""
        sums: dict[str, float] = defaultdict(float)
        for process in psutil.Process().children(recursive=True):
            try:
                times = process.cpu_times()
                sums[_kind(process)] += times.user + times.system
            except psutil.Error:
                continue
        return dict(sums)

    def pids(self, kind: str) -> list[int]:
        return [p.pid for p in psutil.Process().children(recursive=True) if _kind(p) == kind]

    def _detectors(self) -> list[Any]:
        from ray import serve

        handle: Any = serve.get_deployment_handle("Detector", "detector")
        return list(handle.broadcast("report").results(timeout_s=PATIENCE_S))


@contextmanager
def running(
    cameras: list[dict[str, Any]], detector: dict[str, Any], *, cpus: int = 8, http_port: int = 0
) -> Iterator[Site]:
    """A site that is gone afterwards; no camera runs yet. One at a time in a process. `http_port` 0: no HTTP."""
    import ray
    from ray import serve
    from ray.serve.config import ProxyLocation
    from ray.serve.schema import LoggingConfig

    folder = Path(tempfile.mkdtemp(prefix="sy", dir="/tmp"))
    # As `safe-yolo up` starts it.
    os.environ |= ray_economy.environment()
    (folder / "proxy").mkdir()
    os.environ |= haproxy.environment(folder / "proxy")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": f"{HERE}:{HERE.parents[1]}"}
    ray.init(
        "local",
        num_cpus=cpus,
        include_dashboard=False,
        log_to_driver=False,
        namespace="cameras",
        object_store_memory=256 * 1024 * 1024,
        _temp_dir=str(folder / "ray"),
    )
    try:
        _rest_log_monitor()
        serve.start(
            proxy_location=ProxyLocation.HeadOnly if http_port else ProxyLocation.Disabled,
            http_options={"port": http_port} if http_port else None,
            logging_config=LoggingConfig(enable_access_log=False),
        )
        yield Site(folder, cameras, detector)
    finally:
        serve.shutdown()
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _rest_log_monitor() -> None:
    """`safe-yolo up` starts Ray without it (`ray_economy`), and `ray.init` cannot: here it stands still."""
    for process in psutil.Process().children(recursive=True):
        if _kind(process) == "log monitor":
            process.suspend()


def camera(number: int, source: Path | str, **other: Any) -> dict[str, Any]:
    """A camera of the bench: gate off, frames never too old, the demo's zone."""
    values = {
        "camera_id": f"cam-{number}",
        "source": str(source),
        "loop": True,
        "detect_fps": 60,
        "motion_gate": False,
        "max_frame_age_s": 60,
        "detector_deadline_s": 30,
        "degraded_after_s": 120,
        "unmonitored_after_s": 120,
        "read_timeout_s": 120,
        "zones": [ZONE],
    }
    return values | other


def real_detector(image_size: int) -> dict[str, Any]:
    """The product's Detector, one replica on all cores."""
    deployment = {
        "name": "Detector",
        "num_replicas": 1,
        "max_ongoing_requests": 64,
        "ray_actor_options": {"num_cpus": 1},
        "user_config": {"model": "fall-s", "confidence": 0.4, "image_size": image_size},
    }
    return _application("deployments.detector.app:build", {"release": "bench"}, [deployment])


def stub_detector(image_size: int) -> dict[str, Any]:
    return _application("bench_worker:build_stub_detector", {"image_size": image_size}, [])


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"waited {PATIENCE_S:g} s for {what}")
        pause(0.2)


def _application(import_path: str, args: dict[str, Any], deployments: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "detector",
        "route_prefix": None,
        "import_path": import_path,
        "args": args,
        "deployments": deployments,
    }


def _kind(process: psutil.Process) -> str:
    """What a process of Ray is, by its command line."""
    line = " ".join(process.cmdline())
    for word, kind in _KINDS:
        if word in line:
            return kind
    return "other"


_KINDS = (
    ("ray::BenchCamera", "camera"),
    ("ServeReplica:detector", "detector"),
    ("ServeReplica:cameras", "stubs"),
    ("ServeController", "serve controller"),
    ("gcs_server", "gcs"),
    ("dashboard/agent.py", "dashboard agent"),
    ("runtime_env/agent", "runtime env agent"),
    ("raylet/raylet", "raylet"),
    ("log_monitor", "log monitor"),
    ("monitor.py", "monitor"),
    ("ray::IDLE", "idle workers"),
)
