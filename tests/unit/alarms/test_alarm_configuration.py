"""What is shipped under configs/prometheus and configs/alertmanager, checked by Prometheus' own programs."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from counterparts.prometheus_tools import amtool, promtool

from cluster.settings.base import PROJECT_ROOT
from cluster.telemetry import metrics
from cluster.telemetry.instruments import DECLARED

CONFIGS = PROJECT_ROOT / "configs"
SCRAPES = ("prometheus.yml", "kubernetes.yml")


@pytest.fixture
def alertmanager(tmp_path: Path) -> Path:
    """The shipped configuration, with the secrets that a site adds."""
    folder = tmp_path / "alertmanager"
    shutil.copytree(CONFIGS / "alertmanager", folder, ignore=shutil.ignore_patterns("secrets"))
    (folder / "secrets").mkdir()
    (folder / "secrets/slack_webhook_url").write_text("http://127.0.0.1:1/hook")
    (folder / "secrets/phone.tmpl").write_text('{{ define "safe_yolo.phone" }}+821012345678{{ end }}')
    return folder / "alertmanager.yml"


@pytest.mark.parametrize("name", SCRAPES)
def test_prometheus_takes_its_configuration(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    shutil.copytree(CONFIGS / "prometheus", folder, ignore=shutil.ignore_patterns("secrets", "ray"))
    # Debian's Prometheus is built without discovery by Kubernetes.
    document = yaml.safe_load((folder / name).read_text())
    for job in [*document["scrape_configs"], *document["alerting"]["alertmanagers"]]:
        if job.pop("kubernetes_sd_configs", None):
            job["static_configs"] = [{"targets": ["127.0.0.1:1"]}]
    (folder / name).write_text(yaml.safe_dump(document))

    said = promtool("check", "config", name, folder=folder)

    assert "SUCCESS" in said


def test_prometheus_takes_the_rules() -> None:
    files = [str(file) for file in sorted((CONFIGS / "prometheus/rules").glob("*.yml"))]

    assert promtool("check", "rules", *files).count("SUCCESS") == len(files)


def test_alertmanager_takes_its_configuration(alertmanager: Path) -> None:
    assert "SUCCESS" in amtool("check-config", str(alertmanager))


def test_every_rule_is_routed_to_its_channels(alertmanager: Path, rules: dict[str, dict[str, Any]]) -> None:
    receivers = {"sms,slack": "sms-and-slack", "slack": "slack", "watchdog": "watchdog"}
    for rule in rules.values():
        labels = [f"{name}={value}" for name, value in {"alertname": rule["alert"], **rule["labels"]}.items()]

        said = amtool("config", "routes", "test", f"--config.file={alertmanager}", *labels)

        assert said.split("\n")[0].strip() == receivers[rule["labels"]["channels"]]


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=New", "severity=critical"], "sms-and-slack"),
        (["alertname=New", "channels=sms"], "sms-and-slack"),
        (["alertname=New"], "slack"),
    ],
)
def test_an_alarm_whose_rule_forgot_a_label_reaches_somebody(
    alertmanager: Path, labels: list[str], receiver: str
) -> None:
    said = amtool("config", "routes", "test", f"--config.file={alertmanager}", *labels)

    assert said.split("\n")[0].strip() == receiver


def test_one_fault_of_many_cameras_is_one_sms() -> None:
    document = yaml.safe_load((CONFIGS / "alertmanager/alertmanager.yml").read_text())
    routes = [route for route in document["route"]["routes"] if route["receiver"] == "sms-and-slack"]

    assert [route["group_by"] for route in routes] == [["alertname"], ["alertname"]]


@pytest.mark.parametrize("missing", ["elastic_password", "kibana_password", "shipper_password"])
def test_the_setup_of_the_logs_ends_at_an_empty_password(missing: str, tmp_path: Path) -> None:
    service = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())["services"]["logs-setup"]
    script = service["command"][0].replace("$$", "$").replace("/es/secrets", str(tmp_path))
    for name in ("elastic_password", "kibana_password", "shipper_password"):
        (tmp_path / name).write_text("" if name == missing else "word")
    (tmp_path / "curl").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    (tmp_path / "curl").chmod(0o755)

    ran = subprocess.run(
        ["/bin/sh", "-euc", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert service["user"] == "root"
    assert service["cap_add"] == ["DAC_READ_SEARCH"]
    assert ran.returncode != 0
    assert missing in ran.stderr
    assert not (tmp_path / "asked").exists()


def test_both_channels_are_behind_the_receiver_of_critical_alarms() -> None:
    document = yaml.safe_load((CONFIGS / "alertmanager/alertmanager.yml").read_text())
    kinds = {receiver["name"]: sorted(set(receiver) - {"name"}) for receiver in document["receivers"]}

    assert kinds["sms-and-slack"] == ["slack_configs", "sns_configs"]
    assert kinds["slack"] == kinds["watchdog"] == ["slack_configs"]


def test_no_secret_is_written_out() -> None:
    document = (CONFIGS / "alertmanager/alertmanager.yml").read_text() + (
        CONFIGS / "prometheus/prometheus.yml"
    ).read_text()

    assert not re.search(r"\n[^#\n]*(api_url:|access_key|secret_key|\+\d{8,}|credentials: )", document)


@pytest.mark.parametrize("name", SCRAPES)
def test_of_rays_export_our_own_series_are_dropped_and_nothing_else(name: str) -> None:
    document = yaml.safe_load((CONFIGS / "prometheus" / name).read_text())
    (job,) = [job for job in document["scrape_configs"] if job["job_name"] == "ray"]
    (drop,) = job["metric_relabel_configs"]
    dropped = re.compile(drop["regex"])
    rays = (
        "ray_node_cpu_utilization;",
        "ray_node_mem_used;",
        "ray_component_rss_bytes;raylet",
        "ray_tasks;core_worker",
    )

    assert metrics.frames_processed is not None
    assert drop["action"] == "drop"
    assert [declared for declared in DECLARED if not dropped.fullmatch(f"ray_{declared};core_worker")] == []
    assert [kept for kept in rays if dropped.fullmatch(kept)] == []


def test_compose_starts_what_the_alarms_need_with_the_shipped_files_and_pinned_images() -> None:
    services = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())["services"]
    telemetry = {name: service for name, service in services.items() if "telemetry" in service["profiles"]}
    mounted = [
        volume.split(":") for service in telemetry.values() for volume in service["volumes"] if isinstance(volume, str)
    ]
    sources = [source for source, *_ in mounted if source.startswith("./configs") and not source.endswith("/secrets")]

    assert set(telemetry) == {"prometheus", "alertmanager", "blackbox", "grafana"}
    assert all(re.search(r":v?\d+\.\d+\.\d+$", service["image"]) for service in services.values())
    assert [source for source in sources if not (PROJECT_ROOT / source).exists()] == []
