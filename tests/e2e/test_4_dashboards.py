"""The real Prometheus on a real site: every metric of a rule or dashboard is there, and every panel shows something."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from counterparts.alarm_system import AlarmSystem
from counterparts.waiting import wait_for

pytestmark = pytest.mark.timeout(600)
LIMIT_S = 240.0
ROOT = Path(__file__).resolve().parents[2]
QUIET = {
    "outbox_dropped_total": "no outbox was ever full",
    "camera_readers_abandoned_total": "no reader hung",
    "camera_reconnects_total": "the camera never broke off",
    "frames_dropped_total": "no frame was dropped",
    "frames_gated_total": "something always moved",
    "camera_moves_total": "there is one node, and no release was rolled out",
    "sign_ins_total": "nobody signs in on this site",
    "client_errors_total": "no page had a fault",
    "backup_last_success_timestamp_seconds": "there is no backup yet",
}
"""Series that begin with their first event, which this site may not have had; the page declares them all the same."""


def _unit() -> Any:
    """What reads names out of PromQL; test files cannot import each other, so it is loaded by path."""
    spec = importlib.util.spec_from_file_location("dashboards", ROOT / "tests/unit/alarms/test_dashboards.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


unit = _unit()


def test_every_metric_of_a_rule_or_dashboard_is_in_prometheus(alarms: AlarmSystem) -> None:
    texts = [*unit.expressions(), *(text for dashboard in unit.DASHBOARDS for text in unit.queries(dashboard))]
    wanted = {name for text in texts for name in unit.metrics_in(text)} - {"ALERTS"}

    def missing() -> list[str]:
        return sorted(name for name in wanted - set(QUIET) if not alarms.query(f'count({{__name__="{name}"}})'))

    wait_for("every metric is there", lambda: not missing(), LIMIT_S, instead=missing)
    assert sorted(set(QUIET) - alarms.declared()) == []


@pytest.mark.parametrize("dashboard", unit.DASHBOARDS, ids=lambda file: file.stem)
def test_every_panel_shows_something(alarms: AlarmSystem, dashboard: Path) -> None:
    texts = [text for text in unit.queries(dashboard) if not unit.metrics_in(text) & set(QUIET)]
    filled = [text.replace("$__rate_interval", "1m").replace("$camera_id", "gate-1") for text in texts]

    def empty() -> list[str]:
        return [text for text in filled if not alarms.query(text)]

    assert len(filled) > 5
    wait_for("every panel has data", lambda: not empty(), LIMIT_S, instead=empty)


def test_prometheus_evaluates_every_rule_without_an_error(alarms: AlarmSystem) -> None:
    wait_for(
        "all groups were evaluated", lambda: alarms.query("prometheus_rule_group_last_evaluation_timestamp_seconds")
    )

    assert alarms.query("sum(prometheus_rule_evaluation_failures_total) == 0")
    assert "level=error" not in alarms.said("prometheus")


def test_the_node_readings_of_a_real_ray_are_of_this_machine(alarms: AlarmSystem) -> None:
    (cpu,) = wait_for("the CPU of the node", lambda: alarms.query("max by (ip) (ray_node_cpu_utilization)"))
    (disk,) = alarms.query("max by (ip) (ray_node_disk_utilization_percentage)")

    assert 0 <= float(cpu["value"][1]) <= 100
    assert 0 < float(disk["value"][1]) <= 100
    assert cpu["metric"]["ip"]


def test_how_long_a_message_took_from_its_frame_is_counted(alarms: AlarmSystem) -> None:
    """Objective: 95 % of them within 3 s. The figure is printed, since it is also one of this machine and its load."""
    buckets = 'sum by (le) (capture_to_message_seconds_bucket{stage="accepted"})'

    counted = wait_for("accepted messages", lambda: alarms.query(f"{buckets} > 0"), LIMIT_S)
    (p95,) = alarms.query(f"histogram_quantile(0.95, {buckets})")

    within = {bucket["metric"]["le"]: int(float(bucket["value"][1])) for bucket in counted}
    print(f"frame to accepted message: p95 {float(p95['value'][1]):.2f} s of {within['+Inf']}, {within}")
    assert float(p95["value"][1]) > 0
