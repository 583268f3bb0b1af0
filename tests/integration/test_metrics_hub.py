"""The metrics hub on a real Ray: processes that count and die, two ingress replicas, and Prometheus' own checker."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import ray
from counterparts.metrics_page import values
from counterparts.missing import missing_counterpart
from counterparts.own_processes import started_here
from counterparts.waiting import wait_for
from ray import serve
from ray.serve.config import ProxyLocation
from ray.serve.schema import LoggingConfig

from cluster.settings.base import PROJECT_ROOT
from cluster.telemetry.cluster_metrics import KEEP_S
from deployments.cameras.ray_hub import RayHubs
from deployments.ingress.metrics_hub import RayMetricsPages

REPORT_S = 1.0
GATE = 'frames_processed_total{camera_id="gate-1"}'


class Camera:
    """Counts as a camera does, and says how many it has counted in this life."""

    def count(self, frames: int) -> int:
        from cluster.telemetry import metrics

        for _ in range(frames):
            metrics.frames_processed.inc(1, {"camera_id": "gate-1"})
            metrics.frame_processing.observe(0.04, {"camera_id": "gate-1"})
            # The process's number, by which the test knows that a report of this very life has arrived.
            metrics.frames_dropped.inc(1, {"camera_id": "gate-1", "reason": str(os.getpid())})
        return os.getpid()


class Site:
    """A Ray of its own, with the hub."""

    def pages(self) -> list[bytes]:
        """What each of the two replicas answers."""
        handle: Any = serve.get_deployment_handle("Pages", "ingress")
        return list(handle.broadcast("page").results(timeout_s=30))

    def exported(self, life: int) -> float:
        """What the node has heard of that life of the camera."""
        (node,) = ray.nodes()
        url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        text = httpx.get(url, trust_env=False, timeout=10).text
        heard = [
            line for line in text.splitlines() if line.startswith("ray_frames_dropped_total") and f'"{life}"' in line
        ]
        return sum(float(line.rpartition(" ")[2]) for line in heard)

    def value(self, sample: str) -> float:
        """As both replicas say it, whose answers are the same."""
        first, second = (values(page.decode()).get(sample, 0.0) for page in self.pages())
        return max(first, second)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="sy-mh-", dir="/tmp"))  # a short path: sockets lie in it
    patch = pytest.MonkeyPatch()
    path = filter(None, (str(Path(__file__).parents[1]), str(PROJECT_ROOT), os.environ.get("PYTHONPATH")))
    patch.setenv("PYTHONPATH", os.pathsep.join(path))  # of the workers, which import this file
    ray.init(
        "local", num_cpus=2, include_dashboard=False, log_to_driver=False, namespace="safe-yolo-test",
        _temp_dir=str(folder / "ray"), _system_config={"metrics_report_interval_ms": int(REPORT_S * 1000)},
    )  # fmt: skip
    try:
        serve.start(proxy_location=ProxyLocation.Disabled, logging_config=LoggingConfig(enable_access_log=False))
        pages = serve.deployment(RayMetricsPages, name="Pages", num_replicas=2, ray_actor_options={"num_cpus": 0})
        serve.run(pages.bind(), name="ingress", route_prefix=None)
        make_hub()
        yield Site()
    finally:
        serve.shutdown()
        ray.shutdown()
        patch.undo()
        shutil.rmtree(folder, ignore_errors=True)


def make_hub() -> None:
    import asyncio

    async def make() -> None:
        hub = await RayHubs("1").get()
        await hub.release(30.0)

    asyncio.run(make())


def test_a_camera_that_is_killed_five_times_keeps_its_counters(site: Site) -> None:
    actor: Any = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Camera).remote()
    counted, seen = 0, [site.value(GATE)]

    for _ in range(5):
        pid = ray.get(actor.count.remote(20), timeout=60)
        counted += 20
        wait_for("its report", lambda: note(seen, site.value(GATE)) >= 0 and site.exported(pid) == 20)  # noqa: B023
        os.kill(pid, signal.SIGKILL)
    ray.get(actor.count.remote(1), timeout=60)
    wait_for("the next life", lambda: note(seen, site.value(GATE)) > counted)

    assert seen == sorted(seen)
    assert seen[-1] == counted + 1
    page = values(site.pages()[0].decode())
    assert page['frame_processing_seconds_count{camera_id="gate-1"}'] == counted + 1
    assert page['frame_processing_seconds_bucket{camera_id="gate-1",le="0.05"}'] == counted + 1


def test_a_hub_that_is_killed_goes_on_where_it_was(site: Site) -> None:
    before = site.value(GATE)

    end_process("ray::MetricsHub")

    wait_for("the next hub", lambda: answer(site) is not None)
    assert site.value(GATE) == before


def test_gauges_stand_as_long_as_their_process(site: Site) -> None:
    class Replica:
        def connect(self, sockets: int) -> None:
            from cluster.telemetry import metrics

            metrics.websocket_connections.set(sockets)

    replicas: list[Any] = [ray.remote(num_cpus=0)(Replica).remote() for _ in range(2)]
    ray.get([replica.connect.remote(sockets) for replica, sockets in zip(replicas, (3, 4), strict=True)])
    wait_for("both", lambda: site.value("websocket_connections") == 7)

    ray.kill(replicas[0])

    wait_for("the one that lives", lambda: site.value("websocket_connections") == 4)


def test_both_replicas_give_the_same_page(site: Site) -> None:
    wait_for("two equal answers", lambda: len(set(site.pages())) == 1, limit_s=10 * KEEP_S)


def test_prometheus_checker_finds_nothing_to_say(site: Site) -> None:
    checker = shutil.which("promtool")
    if checker is None:
        missing_counterpart("promtool", OSError("Debian's package prometheus is not installed"))

    checked = subprocess.run([checker, "check", "metrics"], input=site.pages()[0], capture_output=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def note(seen: list[float], value: float) -> float:
    seen.append(value)
    return value


def answer(site: Site) -> bytes | None:
    try:
        return site.pages()[0]
    except Exception:  # noqa: BLE001 - whatever it says meanwhile
        return None


def end_process(word: str) -> None:
    """Of this Ray; waits until it is gone."""
    (process,) = started_here(word)
    process.kill()
    process.wait(30)
