"""What configs/prometheus/kubernetes.yml scrapes, by the real Prometheus. Only the asking of Kubernetes is not
real (Debian builds Prometheus without it): a file says what Kubernetes would.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import yaml
from counterparts.alarm_system import running
from counterparts.waiting import wait_for

from cluster.operation.ports import free_port
from cluster.settings.base import PROJECT_ROOT

_META = "__meta_kubernetes_"
_INGRESS = {f"{_META}service_label_app_kubernetes_io_part_of": "safe-yolo",
            f"{_META}service_label_app_kubernetes_io_component": "ingress"}  # fmt: skip
SERVICES = {
    "page.svc:8000": {**_INGRESS, f"{_META}service_port_name": "http"},
    "page.svc:8265": {**_INGRESS, f"{_META}service_port_name": "dashboard"},
    "shop.svc:8000": {f"{_META}service_label_app_kubernetes_io_part_of": "shop", f"{_META}service_port_name": "http"},
    "alerts.svc:9093": {
        f"{_META}service_label_app_kubernetes_io_name": "alertmanager", f"{_META}service_port_number": "9093"
    },
}  # fmt: skip
PODS = {
    "10.0.0.1:8080": {f"{_META}pod_label_ray_io_node_type": "head", f"{_META}pod_container_port_name": "metrics"},
    "10.0.0.2:8080": {f"{_META}pod_label_ray_io_node_type": "worker", f"{_META}pod_container_port_name": "metrics"},
    "10.0.0.2:10001": {f"{_META}pod_label_ray_io_node_type": "worker", f"{_META}pod_container_port_name": "client"},
    "10.0.0.3:8080": {f"{_META}pod_container_port_name": "metrics"},
}


def test_pods_and_services_are_found_by_their_labels(tmp_path: Path) -> None:
    document = yaml.safe_load((PROJECT_ROOT / "configs/prometheus/kubernetes.yml").read_text())
    files = {"service": _written(tmp_path / "services.json", SERVICES), "pod": _written(tmp_path / "pods.json", PODS)}
    for job in [*document["scrape_configs"], *document["alerting"]["alertmanagers"]]:
        if discoveries := job.pop("kubernetes_sd_configs", None):
            job["file_sd_configs"] = [{"files": [files[discoveries[0]["role"]]]}]
    document["rule_files"] = []
    config, port = tmp_path / "kubernetes.yml", free_port()
    config.write_text(yaml.safe_dump(document))
    line = ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]

    with running([*line, f"--storage.tsdb.path={tmp_path / 'series'}"], tmp_path / "prometheus.log"):
        found = wait_for(
            "the targets", lambda: _targets(port), instead=lambda: (tmp_path / "prometheus.log").read_text()[-2000:]
        )

    assert found == {
        "safe-yolo": ["http://page.svc:8000/metrics"],
        "ray": ["http://10.0.0.1:8080/metrics", "http://10.0.0.2:8080/metrics"],
        "health": ["http://blackbox-exporter:9115/probe?module=health&target=http%3A%2F%2Fpage.svc%3A8000%2Fhealth"],
        "prometheus": ["http://127.0.0.1:9090/metrics"],
        "alertmanager": ["http://alerts.svc:9093/metrics"],
    }


def _written(file: Path, found: dict[str, dict[str, str]]) -> str:
    file.write_text(json.dumps([{"targets": [target], "labels": labels} for target, labels in found.items()]))
    return str(file)


def _targets(port: int) -> dict[str, list[str]] | None:
    """Scraped addresses by job, once every job has one."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/targets", timeout=5, trust_env=False)
    except httpx.HTTPError:
        return None
    targets: list[dict[str, Any]] = answer.json()["data"]["activeTargets"] if answer.status_code == 200 else []
    found: dict[str, list[str]] = {}
    for target in targets:
        found.setdefault(target["scrapePool"], []).append(target["scrapeUrl"])
    return {job: sorted(urls) for job, urls in found.items()} if len(found) == 5 else None
