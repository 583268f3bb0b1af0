"""Counters of the whole cluster while its processes die; what Prometheus gets of a real site."""

import os
import shutil
import signal
import subprocess
from typing import Any

import psutil
import pytest
from counterparts.missing import missing_counterpart
from counterparts.ray_nodes import wait_for
from ray import serve

from cluster.operation import ray_economy
from deployments.ingress.metrics_hub import RayMetricsPages

pytestmark = pytest.mark.timeout(600)
PROCESSED = 'frames_processed_total{{camera_id="{}"}}'
MONITORED = 'camera_status{camera_id="gate-1",status="MONITORED"}'
REPORT_S = int(ray_economy.ENVIRONMENT["RAY_metrics_report_interval_ms"]) / 1000
KILLS = 5


def test_a_camera_killed_five_times_loses_no_more_than_one_report_each(simulated: Any) -> None:
    with_two_replicas()
    try:
        seen = [processed(), wait_for("the first report", processed)]
        answered_before, processed_before = answered(simulated), seen[-1]

        for _ in range(KILLS):
            before = simulated.reports()["gate-1"]
            simulated.kill(before.pid)
            wait_for("the next process", lambda: note(seen) >= 0 and watches(simulated, before.pid))  # noqa: B023
        answered_by_then = answered(simulated) - answered_before
        lost = KILLS * (REPORT_S + 1) * 5  # detect_fps
        wait_for("the last report", lambda: note(seen) >= processed_before + answered_by_then - lost)
    finally:
        serve.delete("pages")

    assert seen == sorted(seen)


def test_prometheus_gets_the_whole_cluster_under_plain_names(site: Any) -> None:
    site.wait_for("the camera's frames", lambda: counted(site, "frames_processed_total"))
    site.wait_for("its status", lambda: values(site.get("/metrics").text).get(MONITORED) == 1)

    answer = site.get("/metrics")
    page = answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert sum(value for name, value in values(page).items() if name.startswith("camera_status{")) == 1
    assert any(name.startswith('process_memory_bytes{role="camera"') for name in values(page))
    assert "WorkerId" not in page
    checker = shutil.which("promtool")
    if checker is None:
        missing_counterpart("promtool", OSError("Debian's package prometheus is not installed"))
    checked = subprocess.run([checker, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_a_killed_hub_comes_back_and_shows_no_less(site: Any) -> None:
    before = values(site.wait_for("the camera's frames", lambda: counted(site, "frames_processed_total")))

    os.kill(process_called("ray::MetricsHub", site), signal.SIGKILL)
    after = values(site.wait_for("the next hub", lambda: counted(site, "frames_processed_total")))

    counters = [name for name in before if name.partition("{")[0].endswith("_total")]
    assert [name for name in counters if after[name] < before[name]] == []


def with_two_replicas() -> None:
    pages = serve.deployment(RayMetricsPages, name="Pages", num_replicas=2, ray_actor_options={"num_cpus": 0})
    serve.run(pages.bind(), name="pages", route_prefix=None)


def processed() -> float:
    """As both replicas say it; they may look a moment apart."""
    handle: Any = serve.get_deployment_handle("Pages", "pages")
    pages = [values(page.decode()) for page in handle.broadcast("page").results(timeout_s=30)]
    return min(page.get(PROCESSED.format("gate-1"), 0.0) for page in pages)


def note(seen: list[float]) -> float:
    seen.append(processed())
    return seen[-1]


def answered(site: Any) -> int:
    return sum(report.frames for report in site.detectors()) // len(site.camera_ids)


def watches(site: Any, dead: int) -> bool:
    report = site.reports().get("gate-1")
    return report is not None and report.pid not in (0, dead) and report.status == "MONITORED"


def values(page: str) -> dict[str, float]:
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    return {sample: float(value) for sample, _, value in (line.rpartition(" ") for line in lines)}


def counted(site: Any, name: str) -> str | None:
    answer = site.get("/metrics")
    return answer.text if answer.status_code == 200 and f'{name}{{camera_id="gate-1"}}' in answer.text else None


def process_called(title: str, site: Any) -> int:
    """Of this site and of no other Ray of the machine: its working folder of Ray is in its environment."""
    ports = str(site.ports["ray"])
    for process in psutil.process_iter():
        try:
            if process.name().startswith(title[:15]) and process.environ().get("SAFE_YOLO_RAY_PORT") == ports:
                return process.pid
        except psutil.Error:
            continue
    pytest.fail(f"no process called {title}")
