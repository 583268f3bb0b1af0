"""Grafana's dashboards and the alarm rules name only metrics that there are, and every metric is on some dashboard."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.settings.base import PROJECT_ROOT
from cluster.telemetry import metrics
from cluster.telemetry.instruments import DECLARED, Kind

GRAFANA = PROJECT_ROOT / "configs/grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
RULES = sorted((PROJECT_ROOT / "configs/prometheus/rules").glob("*.yml"))
FOREIGN = re.compile(r"^(ray_|probe_|scrape_|alertmanager_|prometheus_|up$|ALERTS$|camera:|event_record:|node:)")
"""Of Ray, the blackbox exporter and Prometheus itself, and what the rules record: tests/e2e has the real ones."""
_WORD = re.compile(r"(?<![\w:$.])[a-zA-Z_:][\w:]*")
_NAMES_NO_METRIC = re.compile(r'"[^"]*"|\b(?:by|on|without|group_left)\s*\([^)]*\)|\{[^}]*\}|\[[^\]]*\]|offset \w+')
_FUNCTION = re.compile(r"\b\w+\s*\(")
_OPERATORS = {"and", "or", "unless", "bool", "sum", "min", "max", "count", "by", "on"}


def metrics_in(expression: str) -> set[str]:
    """Names of the metrics in a PromQL expression."""
    bare = _FUNCTION.sub("(", _NAMES_NO_METRIC.sub(" ", expression))
    return set(_WORD.findall(bare)) - _OPERATORS


def queries(dashboard: Path) -> list[str]:
    panels = json.loads(dashboard.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def expressions() -> list[str]:
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def _known() -> set[str]:
    assert metrics.cameras is not None  # importing it declares them
    found = set()
    for name, declared in DECLARED.items():
        ends = ("_bucket", "_count", "_sum") if declared.kind is Kind.HISTOGRAM else ("",)
        found |= {name + end for end in ends}
    return found


def test_every_metric_of_a_rule_or_panel_is_declared() -> None:
    texts = [*expressions(), *itertools.chain.from_iterable(map(queries, DASHBOARDS))]
    named = [name for text in texts for name in metrics_in(text)]

    assert len(named) > 100
    assert sorted({name for name in named if not FOREIGN.match(name)} - _known()) == []


def test_every_metric_is_on_some_dashboard() -> None:
    shown = {name for dashboard in DASHBOARDS for text in queries(dashboard) for name in metrics_in(text)}
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}

    assert sorted(set(DECLARED) - bare) == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_has_titles_in_korean_and_english_and_panels_that_do_not_overlap(dashboard: Path) -> None:
    document = json.loads(dashboard.read_text())
    titles = [document["title"], *(panel["title"] for panel in document["panels"])]
    cells = [cell for panel in document["panels"] for cell in _cells(panel["gridPos"])]

    assert [title for title in titles if " / " not in title and title != "CPU"] == []
    assert len(cells) == len(set(cells))
    assert document["uid"] == f"safe-yolo-{dashboard.stem}"
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])


def test_the_dashboards_are_provisioned_from_where_compose_puts_them() -> None:
    providers = yaml.safe_load((GRAFANA / "provisioning/dashboards/safe-yolo.yml").read_text())["providers"]
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    grafana = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())["services"]["grafana"]
    mounts = [volume if isinstance(volume, str) else f":{volume['target']}" for volume in grafana["volumes"]]

    paths = [provider["options"]["path"] for provider in providers]

    assert paths == ["/etc/grafana/dashboards", "/var/lib/ray-dashboards"]
    # Not the whole folder: it would hide the image's own grafana.ini.
    assert not any(mount.split(":")[1] == "/etc/grafana" for mount in mounts)
    assert {
        f"./configs/grafana/{part}:/etc/grafana/{part}:ro" for part in ("provisioning", "dashboards", "secrets")
    } <= set(mounts)
    assert any(":/var/lib/ray-dashboards" in mount for mount in mounts)
    assert source["uid"] == "prometheus"
    assert len(DASHBOARDS) == 5


def _cells(place: dict[str, Any]) -> list[tuple[int, int]]:
    columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return [(column, row) for column in columns for row in rows]
