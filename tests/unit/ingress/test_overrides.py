"""What operators switch off and on over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

ONE, ALL = "/api/v1/cameras/gate-1/overrides", "/api/v1/overrides"


def soon(**later: float) -> str:
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


def test_a_word_about_a_declared_camera_is_kept_told_and_audited(client: TestClient, site: Any) -> None:
    answer = client.put(f"{ONE}/detect", json={"value": False, "until": soon(hours=1), "reason": "정비\nwork"})

    assert answer.status_code == 200
    assert answer.json()["set_by"] == "anybody"
    assert answer.json()["reason"] == "정비 work"
    (word,) = site.changed.words.said
    assert (word.camera_id, word.field, word.value, word.is_off) == ("gate-1", "detect", False, True)
    assert site.changed.directory.nudges == 1
    assert [(one.action, one.subject) for one in site.audit.entries] == [("override.set", "gate-1/detect")]


def test_what_holds_is_shown_and_the_one_that_switches_off_counts(client: TestClient) -> None:
    client.put(f"{ONE}/detect", json={"value": True})
    client.put(f"{ALL}/detect", json={"value": False})
    client.put("/api/v1/cameras/dock-1/overrides/enabled", json={"value": False})

    document = client.get(ONE).json()

    assert [(one["camera_id"], one["value"]) for one in document["overrides"]] == [("gate-1", True), ("*", False)]
    assert document["effective"]["detect"]["camera_id"] == "*"
    assert len(client.get(ALL).json()["overrides"]) == 3


def test_a_word_that_is_taken_back_holds_no_more(client: TestClient, site: Any) -> None:
    client.put(f"{ONE}/detect", json={"value": False})

    assert client.delete(f"{ONE}/detect").status_code == 204

    assert client.get(ONE).json() == {"overrides": [], "effective": {}}
    assert [one.action for one in site.audit.entries] == ["override.set", "override.clear"]


def test_a_quiet_moves_the_messages_that_wait_for_its_end(client: TestClient, site: Any) -> None:
    client.put(f"{ALL}/muted", json={"value": True, "until": soon(minutes=5)})
    client.delete(f"{ALL}/muted")
    client.put(f"{ALL}/detect", json={"value": False})

    assert site.changed.words.quiet_moved == 2


@pytest.mark.parametrize(
    ("field", "body", "wrong"),
    [
        ("muted", {"value": True}, "until"),
        ("detect", {"value": False, "until": soon(seconds=-5)}, "until"),
        ("detect", {"value": False, "until": soon(days=31)}, "until"),
        ("detect", {"value": False, "until": "2099-01-01T00:00:00"}, "until"),
        ("detect", {"value": False, "until": "9999-12-31T23:59:59-12:00"}, "until"),
        ("detect", {"value": "off"}, "value"),
        ("detect", {"value": False, "reason": "x" * 201}, "reason"),
        ("detect", {"value": False, "by": "me"}, "by"),
        ("colour", {"value": False}, "field"),
    ],
)
def test_a_wrong_word_is_refused_and_not_said(
    client: TestClient, site: Any, field: str, body: dict[str, Any], wrong: str
) -> None:
    answer = client.put(f"{ONE}/{field}", json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, wrong)
    assert site.changed.words.said == []


def test_a_word_about_a_camera_that_there_is_not_is_not_said(client: TestClient, site: Any) -> None:
    assert client.put("/api/v1/cameras/gaet-1/overrides/detect", json={"value": False}).status_code == 404
    assert site.changed.words.said == []
