"""What ships the logs, keeps them and looks through them asks for nothing that the code does not log."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.settings.base import PROJECT_ROOT
from cluster.telemetry.log_files import SUFFIX

CONFIGS = PROJECT_ROOT / "configs"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log", "say"}
ON_EVERY_LINE = {"timestamp", "level", "event", "process", "pid", "host", "message", "logger", "exception"}
BOUND = {"correlation_id", "request_id", "camera_id", "epoch", "node_id", "release"}


def read(name: str) -> Any:
    return json.loads((CONFIGS / name).read_text())


RULES = sorted((CONFIGS / "kibana" / "rules").glob("*.json"))
SEARCHES = [json.loads(line) for line in (CONFIGS / "kibana" / "searches.ndjson").read_text().splitlines()]


@pytest.fixture(scope="module")
def logged() -> tuple[set[str], set[str]]:
    """(event names, field names) of all log calls in the code."""
    events: set[str] = set()
    fields = ON_EVERY_LINE | BOUND
    for file in [*PROJECT_ROOT.glob("cluster/**/*.py"), *PROJECT_ROOT.glob("deployments/**/*.py")]:
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and _method(call.func) in LEVELS:
                events |= {text.value for text in ast.walk(call) if _is_name(text)}
                fields |= {keyword.arg for keyword in call.keywords if keyword.arg}
            # Names that are chosen first and said then.
            elif isinstance(call, ast.IfExp):
                events |= {text.value for text in (call.body, call.orelse) if _is_name(text)}
            elif isinstance(call, ast.Call) and _method(call.func).startswith("_"):
                events |= {text.value for text in call.args if _is_name(text)}
    return events, fields


def _method(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(re.fullmatch(r"[a-z_]+", node.value))


def asked(query: Any) -> list[tuple[str, Any]]:
    """(field, values) of each condition in a query of Elasticsearch."""
    if isinstance(query, list):
        return [pair for one in query for pair in asked(one)]
    if not isinstance(query, dict):
        return []
    here = [pair for kind in ("term", "terms") for pair in query.get(kind, {}).items()]
    return here + [pair for key, one in query.items() if key not in ("term", "terms") for pair in asked(one)]


@pytest.mark.parametrize("file", RULES, ids=[file.stem for file in RULES])
def test_a_rule_asks_for_what_the_code_logs_and_tells_somebody(file: Path, logged: tuple[set[str], set[str]]) -> None:
    rule = json.loads(file.read_text())
    conditions = asked(json.loads(rule["params"]["esQuery"]))

    assert conditions
    for field, value in conditions:
        name = field.removeprefix("safe_yolo.")
        assert field.startswith("safe_yolo.")
        assert name in logged[1]
        if name == "event":
            assert set(value if isinstance(value, list) else [value]) <= logged[0]
        if name == "level":
            assert value in LEVELS
    assert rule["params"]["index"] == [read("kibana/data_view.json")["data_view"]["title"]]
    assert [action["id"] for action in rule["actions"]] == ["safe-yolo-server-log"]
    assert re.search("[가-힣]", rule["name"])


@pytest.mark.parametrize("search", SEARCHES, ids=[search["id"] for search in SEARCHES])
def test_a_saved_search_asks_for_what_the_code_logs(search: dict[str, Any], logged: tuple[set[str], set[str]]) -> None:
    source = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    query = source["query"]["query"]
    fields = set(re.findall(r"safe_yolo\.(\w+)", query)) | {
        column.removeprefix("safe_yolo.") for column in search["attributes"]["columns"]
    }
    events = {
        name
        for group in re.findall(r"safe_yolo\.event: (\([^)]*\)|\w+)", query)
        for name in re.findall(r"\w+", group)
        if name not in ("or", "and")
    }

    assert fields <= logged[1]
    assert events <= logged[0]
    assert {reference["id"] for reference in search["references"]} == {read("kibana/data_view.json")["data_view"]["id"]}


def test_lines_are_kept_for_90_days() -> None:
    phases = read("elasticsearch/lifecycle.json")["policy"]["phases"]

    assert phases["delete"] == {"min_age": "90d", "actions": {"delete": {}}}
    assert phases["hot"]["actions"]["rollover"]["max_age"] == "1d", "deleted are whole indices, of a day each"
    template = read("elasticsearch/index_template.json")
    assert template["template"]["settings"]["index.lifecycle.name"] == "safe-yolo-logs"


def test_every_field_of_the_mapping_is_one_that_the_code_logs(logged: tuple[set[str], set[str]]) -> None:
    mapped = read("elasticsearch/index_template.json")["template"]["mappings"]["properties"]["safe_yolo"]["properties"]

    assert set(mapped) <= logged[1]
    plan = {"camera_id", "frame_number", "detection_count", "inference_time_ms", "roi_violations", "request_id"}
    assert plan <= set(mapped), "the fields of the plan have types that can be computed with"


def test_what_is_shipped_goes_where_the_lifecycle_holds() -> None:
    beat = yaml.safe_load((CONFIGS / "filebeat" / "filebeat.yml").read_text())
    template, role = read("elasticsearch/index_template.json"), read("elasticsearch/shipper_role.json")
    index = beat["output.elasticsearch"]["index"]

    assert template["index_patterns"] == [f"{index}*"] == role["indices"][0]["names"]
    assert template["data_stream"] == {}
    assert "create_doc" in role["indices"][0]["privileges"]
    ours = next(one for one in beat["filebeat.inputs"] if one["id"] == "safe-yolo")
    assert ours["paths"] == [f"/var/log/safe-yolo/*{SUFFIX}"]
    assert len({one["id"] for one in beat["filebeat.inputs"]}) == 4
    assert all(not path.endswith("worker-*.out") for one in beat["filebeat.inputs"] for path in one["paths"]), (
        "what workers print is our own lines a second time"
    )


def test_the_profile_logs_has_its_four_services_and_no_password_in_it() -> None:
    services = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text())["services"]
    ours = {name: one for name, one in services.items() if one["profiles"] == ["logs"]}

    assert set(ours) == {"elasticsearch", "kibana", "filebeat", "logs-setup"}
    assert {one["image"].rsplit(":")[-1] for name, one in ours.items() if name != "logs-setup"} == {"8.15.3"}
    for one in ours.values():
        for key, value in one.get("environment", {}).items():
            assert "PASSWORD" not in key or key.endswith("_FILE"), f"{key} = {value}"
    named = set(re.findall(r"(?<![\w/])/(?:es|kibana)/([\w.]+\.(?:json|ndjson))", ours["logs-setup"]["command"][0]))
    there = {file.name for folder in ("elasticsearch", "kibana") for file in (CONFIGS / folder).glob("*.*json")}
    assert named == there, "the set-up job loads every file, and only files that are there"
