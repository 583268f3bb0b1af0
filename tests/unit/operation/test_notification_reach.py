"""Links that lead nowhere and rules about nothing are said by `config check`."""

from dataclasses import replace
from typing import Any

import pytest

from cluster.operation.notification_reach import reach_findings
from cluster.operation.serve_file import ServeFile, load_serve_file
from cluster.settings.site import SiteSettings

URL = "https://safe.example.com"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> ServeFile:
    """The shipped configuration, behind the name of the links."""
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    return _served_as(load_serve_file("serve_config.yaml"), "safe.example.com")


def _served_as(serve: ServeFile, *hosts: str) -> ServeFile:
    content = dict(serve.content)
    content["applications"] = [
        one | {"args": one["args"] | {"hosts": list(hosts)}} if one["name"] == "ingress" else one
        for one in content["applications"]
    ]
    return replace(serve, content=content)


def _said(serve: ServeFile, **notifications: Any) -> list[tuple[str, str]]:
    site = SiteSettings.model_validate({"name": "s", "notifications": notifications})
    return [(one.level.value, f"{one.text} {one.mend}") for one in reach_findings(serve, site)]


def test_links_that_lead_here_need_no_word(serve: ServeFile) -> None:
    assert _said(serve, page_url=URL) == []
    assert _said(_served_as(serve, "*"), page_url=URL) == []
    assert _said(serve) == []


def test_links_to_a_name_that_is_not_served_are_said(serve: ServeFile) -> None:
    [(level, text)] = _said(_served_as(serve, "localhost"), page_url=URL)

    assert level == "warning"
    assert "add safe.example.com to `args.hosts`" in text


@pytest.mark.parametrize("url", ["safe.example.com", "ftp://safe.example.com", "https://"])
def test_an_address_that_is_none_is_a_fault(serve: ServeFile, url: str) -> None:
    [(level, text)] = _said(serve, page_url=url)

    assert level == "error"
    assert "notifications.page_url" in text


@pytest.mark.parametrize(
    ("secret", "level", "text"),
    [("", "warning", "no link that acknowledges"), ("short", "warning", "shorter than 16")],
)
def test_a_secret_that_signs_nothing_well_is_said_and_not_shown(
    serve: ServeFile, monkeypatch: pytest.MonkeyPatch, secret: str, level: str, text: str
) -> None:
    monkeypatch.setenv("SECRET_KEY", secret)
    [found] = _said(serve, page_url=URL)

    assert found[0] == level
    assert text in found[1]
    assert secret == "" or secret not in found[1].replace("shorter", "")


@pytest.mark.parametrize("url", [URL, ""])
def test_a_secret_in_a_file_that_cannot_be_read_is_a_fault(serve: ServeFile, url: str) -> None:
    [(level, _)] = _said(serve, page_url=url, link_secret="${file:/nowhere/key}")

    assert level == "error"


def test_a_rule_about_what_there_is_not_is_said(serve: ServeFile) -> None:
    channels = [{"channel_id": "room", "kind": "slack_webhook", "url": "${HOOK}"}]
    rule = {"name": "gate", "cameras": ["gate-9"], "zones": ["door"], "steps": [{"channels": ["room"]}]}

    found = _said(serve, channels=channels, rules=[rule])

    assert [level for level, _ in found] == ["warning", "warning"]
    assert "camera gate-9" in found[0][1]
    assert "zone door" in found[1][1]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("PERSON_FALLEN", True),
        ("PPE_HELMET_MISSING", True),
        ("FIRE_EXTINGUISHER_MISSING", True),
        ("PERSON_FELL", False),
        ("person_fallen", False),
        ("_MISSING", False),
    ],
)
def test_a_rule_about_events_that_nothing_raises_is_said(serve: ServeFile, name: str, known: bool) -> None:
    channels = [{"channel_id": "room", "kind": "slack_webhook", "url": "${HOOK}"}]
    rule = {"name": "falls", "event_types": [name], "steps": [{"channels": ["room"]}]}

    found = _said(serve, channels=channels, rules=[rule])

    assert bool(found) is not known
    for level, text in found:
        assert level == "warning"
        assert f"event type {name}" in text
        assert "there is DANGER_ZONE_INTRUSION" in text
