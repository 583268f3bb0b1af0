"""What runs inside the Ray of the part `telemetry`: cameras and a Detector whose telemetry can be switched off."""

import itertools
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import ray
import structlog
from bench_worker import BenchCamera
from ray import serve

from cluster.settings.load import MODELS_FILE
from cluster.telemetry import metrics
from cluster.telemetry.gpus import NvmlGpus
from cluster.telemetry.instruments import DECLARED, Kind
from cluster.telemetry.node_readings import NodeReadings
from cluster.telemetry.processes import memory_by_role
from deployments.detector.detector import Detector
from deployments.ingress.application import create_app
from deployments.ingress.cluster_directory import RayLiveMetrics
from deployments.ingress.metrics_hub import RayMetricsPages
from deployments.ingress.services import Services

_WRITES = {Kind.COUNTER: "inc", Kind.GAUGE: "set", Kind.HISTOGRAM: "observe"}
_WRITES_EVERY_S = 2.0
_VALUES = {
    "status": ("CONNECTING", "MONITORED", "DEGRADED", "UNMONITORED", "DISABLED"),
    "reason": ("late", "breaker", "detector", "error"),
    "error": ("unreachable", "unauthorized", "not_found", "unreadable", "stalled", "ended"),
    "severity": ("INFO", "WARNING", "CRITICAL"),
    "type": ("DANGER_ZONE_INTRUSION", "WARNING_ZONE_INTRUSION", "ZONE_DWELL", "PERSON_FALLEN", "CAMERA_UNMONITORED"),
    "stage": ("outbox", "row"),
}


def instruments() -> dict[str, Any]:
    """Ray's metrics by the name that they are declared under."""
    return {each.info["name"]: each for each in vars(metrics).values() if hasattr(each, "info")}


class Switch:
    """Turns everything that this process logs and counts off, and on again."""

    def __init__(self, instead: Callable[..., None] | None = None) -> None:
        """`instead`: what goes on to be told of each frame while it is off, for the bench."""
        self._instead = {"frame_processing_seconds": instead} if instead is not None else {}
        self._logs: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}

    def turn(self, *, on: bool) -> None:
        if on == (not self._logs):
            return
        if on:
            structlog.configure(**self._logs)
            self._logs = {}
        else:
            self._logs = structlog.get_config()
            structlog.configure(wrapper_class=_Silent)
        for name, instrument in instruments().items():
            write = _WRITES[DECLARED[name].kind]
            if not on:
                self._kept[name] = getattr(instrument, write)
            setattr(instrument, write, self._kept.pop(name) if on else self._instead.get(name, _nothing))


class _Silent(structlog.BoundLoggerBase):
    """Logs nothing."""

    def _nothing(self, *_: Any, **__: Any) -> None: ...

    debug = info = warning = error = critical = exception = log = msg = _nothing


def _nothing(*_: Any, **__: Any) -> None:
    """Telemetry is off."""


class BenchCameraSwitched(BenchCamera):
    """The bench's camera, with a switch; the bench counts its frames in either case."""

    def __init__(self, camera_id: str, **options: Any) -> None:
        super().__init__(camera_id, **options)
        self._switch = Switch(self._note)

    def _note(self, value: float, _: dict[str, str] | None = None) -> None:
        self._frames.append((time.monotonic(), value))

    async def telemetry(self, on: bool) -> None:
        self._switch.turn(on=on)


class BenchDetector(Detector):
    """The product's Detector, with a switch."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._switch = Switch()

    async def telemetry(self, on: bool) -> None:
        self._switch.turn(on=on)


def build_detector(_: dict[str, Any]) -> Any:
    """Application `detector` of the bench."""
    return serve.deployment(BenchDetector, name="Detector").bind(models=MODELS_FILE)


class Readings:
    """What a NodeAgent reads of its node, in a process of its own."""

    def __init__(self) -> None:
        readings = NodeReadings("bench", NvmlGpus(), lambda: memory_by_role(os.getppid()))
        threading.Thread(target=readings.run, daemon=True).start()

    def ready(self) -> None: ...


class Cameras:
    """Writes every metric, for some cameras and with all values of the other labels, again and again."""

    def write(self, camera_ids: list[str]) -> None:
        self._write(camera_ids)
        threading.Thread(target=self._write_on, args=(camera_ids,), daemon=True).start()

    def _write_on(self, camera_ids: list[str]) -> None:
        while True:
            time.sleep(_WRITES_EVERY_S)
            self._write(camera_ids)

    def _write(self, camera_ids: list[str]) -> None:
        for name, instrument in instruments().items():
            metric = DECLARED[name]
            choices = [camera_ids if key == "camera_id" else _VALUES.get(key, (f"{key}-1",)) for key in metric.labels]
            for values in itertools.product(*choices):
                tags = dict(zip(metric.labels, values, strict=True))
                getattr(instrument, _WRITES[metric.kind])(1.5, tags)


@serve.deployment(name="Ingress", num_replicas=2, ray_actor_options={"num_cpus": 0})
@serve.ingress()
class BenchIngress:
    """The product's routes; what is not `/metrics` is not there."""

    def __init__(self) -> None:
        absent: Any = None
        services = Services(
            *(absent,) * 4,
            RayLiveMetrics(),
            RayMetricsPages(),
            messages=absent,
            notifications=absent,
            links=absent,
            audit=absent,
        )
        self._starlette = create_app(services, hosts=("*",), echo_request_id=False)

    def __serve_build_asgi_app__(self) -> Any:
        return self._starlette


def build_ingress(_: dict[str, Any]) -> Any:
    """Application `ingress` of the bench."""
    return BenchIngress.bind()


def start_hub() -> Any:
    """The product's hub, as the supervisor makes it."""
    from cluster.telemetry.hub import HUB_NAME, HUB_NAMESPACE, MetricsHub

    hub_class = ray.remote(num_cpus=0)(MetricsHub)
    hub = hub_class.options(name=HUB_NAME, namespace=HUB_NAMESPACE, lifetime="detached").remote("bench")
    ray.get(hub.release.remote(), timeout=60)
    return hub
