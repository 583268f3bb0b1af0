"""Counters of a camera go on over the deaths of its process."""

from typing import Any

import pytest
from counterparts.metrics_page import values
from counterparts.ray_nodes import wait_for
from ray import serve

from cluster.operation import ray_economy
from deployments.ingress.metrics_hub import RayMetricsPages

pytestmark = pytest.mark.timeout(600)
PROCESSED = 'frames_processed_total{camera_id="gate-1"}'
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


def with_two_replicas() -> None:
    pages = serve.deployment(RayMetricsPages, name="Pages", num_replicas=2, ray_actor_options={"num_cpus": 0})
    serve.run(pages.bind(), name="pages", route_prefix=None)


def processed() -> float:
    """As both replicas say it; they may look a moment apart."""
    handle: Any = serve.get_deployment_handle("Pages", "pages")
    pages = [values(page.decode()) for page in handle.broadcast("page").results(timeout_s=30)]
    return min(page.get(PROCESSED, 0.0) for page in pages)


def note(seen: list[float]) -> float:
    seen.append(processed())
    return seen[-1]


def answered(site: Any) -> int:
    return sum(report.frames for report in site.detectors()) // len(site.camera_ids)


def watches(site: Any, dead: int) -> bool:
    report = site.reports().get("gate-1")
    return report is not None and report.pid not in (0, dead) and report.status == "MONITORED"
