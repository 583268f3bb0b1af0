"""Every rule fires, does not fire just before, and is resolved; by Prometheus' own `promtool test rules`."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from counterparts.prometheus_tools import promtool

from cluster.settings.base import PROJECT_ROOT

RULES = sorted((PROJECT_ROOT / "configs/prometheus/rules").glob("*.yml"))
STORIES = sorted(
    name for file in (Path(__file__).parent / "stories").glob("*.yml") for name in yaml.safe_load(file.read_text())
)
KOREAN, LATIN = re.compile("[가-힣]"), re.compile("[a-z]{3}")
PLAN = {
    "ServiceDown-no": "critical",
    "ServiceDown-yes": "critical",
    "HighCpu": "warning",
    "MemoryHigh": "warning",
    "GpuMemoryHigh": "critical",
    "DiskLow": "warning",
    "DiskCritical": "critical",
    "DetectionErrorRateHigh": "critical",
    "FrameDrop": "warning",
    "NoViewers": "warning",
    "EventProcessingSlow": "warning",
    "DatabaseWriteFailing": "critical",
    "SnapshotWriteFailing": "warning",
}
"""The twelve rows of OPERATIONS_PLAN 3.1 and 3.2; the first is two rules."""

Rules = dict[str, dict[str, Any]]


@pytest.mark.parametrize("name", STORIES)
def test_a_rule_fires_not_before_and_is_resolved(name: str, rules: Rules, stories: Rules, tmp_path: Path) -> None:
    alert, rule = name.partition("-")[0], _rule_of(name, rules)
    files = [file for file in RULES if f"alert: {alert}\n" in file.read_text()]

    _promtool_tests(files, stories[name].get("interval", "10s"), _tests(alert, rule, stories[name]), tmp_path)


def test_every_rule_has_its_three_cases(rules: Rules, stories: Rules) -> None:
    told = {name: story for name, story in stories.items() if not story.get("always")}

    assert set(rules) <= set(stories)
    assert all({"not_yet", "fires", "resolved", "almost"} <= set(story) for story in told.values())
    assert {name for name in stories if name not in told} == {"Watchdog"}


def test_three_failures_in_a_row_are_seen_whatever_the_phase(tmp_path: Path) -> None:
    """Prometheus probes and evaluates every 10 s, some seconds apart: no phase sees it after two, all after three."""
    codes = {"probe_success": "1 1 0 0 0 1 1", "probe_http_status_code": "200 200 0 0 0 200 200"}
    # Here every second is one phase: the third failure is that at 40 s.
    moments = [(f"{second}s", 0) for second in range(30, 40)] + [(f"{second}s", 1) for second in range(40, 50)]
    fired = 'count(ALERTS{alertname="ServiceDown", alertstate="firing"}) or vector(0)'
    test = {
        "interval": "10s",
        "input_series": [{"series": f'{name}{{job="health"}}', "values": values} for name, values in codes.items()],
        "promql_expr_test": [
            {"expr": fired, "eval_time": at, "exp_samples": [{"labels": "{}", "value": count}]} for at, count in moments
        ],
    }

    _promtool_tests([file for file in RULES if file.stem == "infrastructure"], "1s", [test], tmp_path)


def test_the_rows_of_the_plan_have_their_severity_and_channels(rules: Rules) -> None:
    severities = {name: rules[name]["labels"]["severity"] for name in PLAN}

    assert severities == PLAN


def test_critical_goes_to_sms_and_slack_and_warning_to_slack(rules: Rules) -> None:
    channels = {(rule["labels"]["severity"], rule["labels"]["channels"]) for rule in rules.values()}

    assert channels == {("critical", "sms,slack"), ("warning", "slack"), ("none", "watchdog")}


def test_every_rule_says_what_and_how_much_in_korean_and_english(rules: Rules) -> None:
    for name, rule in rules.items():
        annotations = rule["annotations"]
        korean, english = annotations["description"].strip().split("\n")
        for text in (annotations["summary"].partition(" / ")[0], korean):
            assert KOREAN.search(text), name
        for text in (annotations["summary"].partition(" / ")[2], english):
            assert LATIN.search(text), name
            assert not KOREAN.search(text), name
        assert "$value" in korean, name
        assert "$value" in english, name


def test_every_runbook_url_leads_to_a_heading(rules: Rules) -> None:
    for rule in rules.values():
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        headings = re.findall(r"^#+ (.+)$", (PROJECT_ROOT / path).read_text(), re.MULTILINE)

        assert anchor in [heading.lower().replace(" ", "-") for heading in headings]


def _promtool_tests(rules: list[Path], every: str, tests: list[dict[str, Any]], folder: Path) -> None:
    document = {"rule_files": [str(file) for file in rules], "evaluation_interval": every, "tests": tests}
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True))
    promtool("test", "rules", str(file))


def _rule_of(name: str, rules: Rules) -> dict[str, Any]:
    return rules.get(name) or rules[name.partition("-")[0]]


def _tests(alert: str, rule: dict[str, Any], story: dict[str, Any]) -> list[dict[str, Any]]:
    fires, almost = story["fires"], story.get("almost", {"at": [], "series": {}})
    moments = {fires["at"]: [_expected(rule, fires)]}
    moments |= {at: [] for at in (story.get("not_yet"), story.get("resolved")) if at}
    interval = story.get("interval", "10s")
    return [
        _test(alert, interval, story["series"], moments),
        _test(alert, interval, almost["series"], {at: [] for at in almost["at"]}),
    ]


def _test(alert: str, interval: str, series: dict[str, Any], moments: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        "interval": interval,
        "input_series": [{"series": name, "values": str(values)} for name, values in series.items()],
        "alert_rule_test": [
            {"alertname": alert, "eval_time": at, "exp_alerts": expected} for at, expected in moments.items()
        ],
    }


def _expected(rule: dict[str, Any], fires: dict[str, Any]) -> dict[str, Any]:
    labels = {**rule["labels"], **fires["labels"]}
    return {
        "exp_labels": labels,
        "exp_annotations": {name: _filled(text, labels, fires["value"]) for name, text in rule["annotations"].items()},
    }


def _filled(text: str, labels: dict[str, str], value: str) -> str:
    """What Prometheus makes of an annotation."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
    return re.sub(r"\{\{ \$value[^}]*\}\}", value, text)
