"""What Prometheus gets of a real site, also while the hub of its metrics dies."""

import os
import shutil
import signal
import subprocess
from typing import Any

import psutil
import pytest
from counterparts.metrics_page import values
from counterparts.missing import missing_counterpart

pytestmark = pytest.mark.timeout(600)
MONITORED = 'camera_status{camera_id="gate-1",status="MONITORED"}'


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
