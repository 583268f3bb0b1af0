"""Cameras over the API: read, made, changed, deleted, tried; what is declared stays, and nobody sees a password."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from counterparts.changed_cameras import DOCK
from starlette.testclient import TestClient

PUMP = {"camera_id": "pump-1", "source": "rtsp://u:Neu-Pw1@10.0.0.9/1"}
NOW = {"If-Match": '"7"'}


def test_settings_are_shown_with_their_etag_and_without_a_password(client: TestClient) -> None:
    answer = client.get("/api/v1/cameras/dock-1/settings")

    assert answer.status_code == 200
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"7"', "no-store")
    document = answer.json()
    assert (document["managed"], document["declared_in"], document["revision"]) == ("api", None, 7)
    assert document["camera"]["source"] == "rtsp://***@10.0.0.5/1"
    assert document["camera"]["zones"][0]["zone_id"] == "press"
    assert "Geheim1" not in answer.text


def test_a_declared_camera_is_shown_with_the_file_that_declares_it(client: TestClient) -> None:
    document = client.get("/api/v1/cameras/gate-1/settings").json()

    assert (document["managed"], document["declared_in"]) == ("config", "serve_config.yaml")
    assert document["camera"]["source"] == "rtsp://***@cam/1"


def test_a_camera_is_made_stored_told_to_the_supervisor_and_audited(client: TestClient, site: Any) -> None:
    answer = client.post("/api/v1/cameras", json=PUMP)

    assert answer.status_code == 201
    assert (answer.headers["etag"], answer.headers["location"]) == ('"1"', "/api/v1/cameras/pump-1")
    assert answer.json()["camera"]["source"] == "rtsp://***@10.0.0.9/1"
    assert site.changed.store.rows["pump-1"].settings.source == PUMP["source"]
    assert site.changed.directory.nudges == 1
    assert [(one.action, one.subject) for one in site.audit.entries] == [("camera.create", "pump-1")]
    assert "Neu-Pw1" not in str(site.audit.entries)


@pytest.mark.parametrize("camera_id", ["gate-1", "dock-1"])
def test_an_id_that_is_taken_is_a_conflict(client: TestClient, site: Any, camera_id: str) -> None:
    assert client.post("/api/v1/cameras", json={**PUMP, "camera_id": camera_id}).status_code == 409
    assert site.changed.directory.nudges == 0


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"detect_fps": 0}, "detect_fps", "greater than 0"),
        ({"detect_fps": 0.2}, "degraded_after_s", "too short for detect_fps"),
        ({"colour": "red"}, "colour", "unknown key"),
        ({"\ud800": "red"}, "body", ""),
        ({"name": "a\u0000b"}, "name", "printable"),
        ({"name": "\ud800"}, "name", "valid string"),
        ({"zones": [{"zone_id": "a", "polygon": [[0, 0], [1, 0], [1, 10**400]]}]}, "zones.0.polygon", ""),
        ({"camera_id": "Dock 1"}, "camera_id", "cannot be changed"),
        ({"zones": [{"zone_id": "a", "polygon": [[0, 0], [1, 1]]}]}, "zones.0.polygon", "has 2 points"),
        ({"zones": [{"zone_id": "a", "polygon": [[0, 0]] * 101}]}, "zones.0.polygon", "at most 100"),
        ({"zones": [{"zone_id": "a/b", "polygon": [[0, 0], [1, 0], [1, 1]]}]}, "zones.0.zone_id", "letters"),
        ({"privacy_masks": [[[0, 0], [1, 1], [1, 0], [0, 1]]]}, "privacy_masks", "crosses itself"),
        ({"picture_health": {"dark_below": -1}}, "picture_health.dark_below", "greater than or equal to 0"),
        ({"source": "ftp://cam/1"}, "source", "cannot be opened"),
        ({"source": "rtsp://***@thief/1"}, "source", "another one"),
        ({"source": "rtsp://me:a@b/c@cam/1"}, "source", "percent-encode"),
        ({"source": "/etc/passwd"}, "source", "files are not allowed"),
        ({"source": "rtsp://u:${SECRET_KEY}@cam/1"}, "source", "variable"),
        ({"source": "http://169.254.169.254/latest"}, "source", "link-local"),
    ],
)
def test_a_wrong_value_is_refused_by_its_field_and_changes_nothing(
    client: TestClient, site: Any, change: dict[str, Any], field: str, reason: str
) -> None:
    sent = {**NOW, "Content-Type": "application/json"}

    answer = client.patch("/api/v1/cameras/dock-1", content=json.dumps(change), headers=sent)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"].startswith(field)
    assert reason in answer.json()["reason"]
    assert site.changed.store.rows["dock-1"].settings == DOCK
    assert site.changed.directory.nudges == 0


def test_only_the_given_keys_change_and_a_masked_password_is_kept(client: TestClient, site: Any) -> None:
    change = {"name": "Rampe", "source": "rtsp://***@10.0.0.5/2", "picture_health": {"frozen_after_s": 20}}

    answer = client.patch("/api/v1/cameras/dock-1", json=change, headers=NOW)

    assert (answer.status_code, answer.headers["etag"]) == (200, '"8"')
    settings = site.changed.store.rows["dock-1"].settings
    assert (settings.name, settings.source) == ("Rampe", "rtsp://me:Geheim1@10.0.0.5/2")
    assert (settings.picture_health.frozen_after_s, settings.picture_health.dark_below) == (20, 12)
    assert settings.zones == DOCK.zones
    assert site.changed.directory.nudges == 1
    assert "Geheim1" not in answer.text


ASK: dict[str, Callable[..., Any]] = {
    "change": lambda client, **more: client.patch("/api/v1/cameras/dock-1", json={"name": "x"}, **more),
    "delete": lambda client, **more: client.delete("/api/v1/cameras/dock-1", **more),
    "zone": lambda client, **more: client.delete("/api/v1/cameras/dock-1/zones/press", **more),
}


@pytest.mark.parametrize("asked", list(ASK))
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 428),
        ({"If-Match": '"6"'}, 412),
        ({"If-Match": "7"}, 412),
        ({"If-Match": "*"}, 412),
        ({"If-Match": '"x"'}, 412),
    ],
)
def test_no_change_goes_through_without_the_revision_that_was_seen(
    client: TestClient, site: Any, asked: str, headers: dict[str, str], status: int
) -> None:
    assert ASK[asked](client, headers=headers).status_code == status
    assert site.changed.store.rows["dock-1"].revision == 7


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/api/v1/cameras/gate-1", {"name": "x"}),
        ("DELETE", "/api/v1/cameras/gate-1", None),
        ("POST", "/api/v1/cameras/gate-1/zones", {"polygon": [[0, 0], [1, 0], [1, 1]]}),
        ("PUT", "/api/v1/cameras/gate-1/zones/press", {"polygon": [[0, 0], [1, 0], [1, 1]]}),
        ("DELETE", "/api/v1/cameras/gate-1/zones/press", None),
    ],
)
def test_a_declared_camera_answers_with_the_file_that_declares_it(
    client: TestClient, method: str, path: str, body: Any
) -> None:
    answer = client.request(method, path, json=body, headers={"If-Match": '"5"'})

    assert answer.status_code == 409
    assert answer.json()["declared_in"] == "serve_config.yaml"


def test_a_deleted_camera_is_gone(client: TestClient, site: Any) -> None:
    assert client.delete("/api/v1/cameras/dock-1", headers=NOW).status_code == 204
    assert client.get("/api/v1/cameras/dock-1/settings").status_code == 404
    assert client.delete("/api/v1/cameras/dock-1", headers=NOW).status_code == 404
    assert [one.action for one in site.audit.entries] == ["camera.delete"]


def test_while_nobody_knows_what_is_declared_nothing_changes(client: TestClient, site: Any) -> None:
    site.changed.directory.away = True

    assert client.post("/api/v1/cameras", json=PUMP).status_code == 503
    assert client.patch("/api/v1/cameras/dock-1", json={"name": "x"}, headers=NOW).status_code == 503


def test_a_supervisor_that_does_not_hear_the_nudge_finds_the_change_by_itself(client: TestClient, site: Any) -> None:
    site.changed.directory.deaf = True

    assert client.patch("/api/v1/cameras/dock-1", json={"name": "x"}, headers=NOW).status_code == 200


def test_a_database_that_is_away_is_told_as_such(client: TestClient, site: Any) -> None:
    site.changed.store.away = True

    assert client.get("/api/v1/cameras/dock-1/settings").status_code == 503


def test_a_source_is_tried_before_it_is_saved(client: TestClient, site: Any) -> None:
    answer = client.post("/api/v1/cameras/test", json={"source": "rtsp://u:p@10.0.0.9/1"})

    assert (answer.status_code, answer.json()["width"]) == (200, 640)
    assert list(site.changed.store.rows) == ["dock-1"]
    assert [one.action for one in site.audit.entries] == ["camera.test"]


def test_a_masked_password_is_tried_as_the_stored_one_but_only_at_its_own_camera(client: TestClient, site: Any) -> None:
    own = {"camera_id": "dock-1", "source": "rtsp://***@10.0.0.5/1"}

    assert client.post("/api/v1/cameras/test", json=own).status_code == 200
    assert client.post("/api/v1/cameras/test", json={**own, "source": "rtsp://***@thief/1"}).status_code == 400
    assert client.post("/api/v1/cameras/test", json={**own, "camera_id": "gate-1"}).status_code == 400
    assert [one.source for one in site.changed.trial.tried] == ["rtsp://me:Geheim1@10.0.0.5/1"]


@pytest.mark.parametrize("camera_id", [["dock-1"], "a\u0000", None])
def test_an_id_that_is_none_is_refused_where_a_source_is_tried(client: TestClient, camera_id: Any) -> None:
    asked = {"camera_id": camera_id, "source": "rtsp://***@10.0.0.5/1"}

    assert client.post("/api/v1/cameras/test", json=asked).status_code == 400


def test_one_source_is_tried_at_a_time(site: Any) -> None:
    async def ask() -> list[int]:
        began, ends, try_it = asyncio.Event(), asyncio.Event(), site.changed.trial

        async def slow(camera: Any) -> dict[str, Any]:
            began.set()
            await ends.wait()
            return dict(await try_it(camera))

        site.changed.trial = slow
        transport = httpx.ASGITransport(site.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8001") as client:
            first = asyncio.create_task(client.post("/api/v1/cameras/test", json={"source": "rtsp://10.0.0.9/1"}))
            await began.wait()
            second = await client.post("/api/v1/cameras/test", json={"source": "rtsp://10.0.0.9/1"})
            ends.set()
            return [(await first).status_code, second.status_code]

    assert asyncio.run(ask()) == [200, 429]


def test_a_source_that_is_not_allowed_is_not_tried(client: TestClient, site: Any) -> None:
    assert client.post("/api/v1/cameras/test", json={"source": "/etc/passwd"}).status_code == 400
    assert site.changed.trial.tried == []


def test_cameras_are_listed_in_pages_and_only_those_that_may_be_seen(client: TestClient, site: Any, make: Any) -> None:
    site.cameras.known = {name: make.report(name) for name in ("gate-1", "dock-1", "pump-1")}

    first = client.get("/api/v1/cameras?limit=2").json()
    rest = client.get(f"/api/v1/cameras?limit=2&cursor={first['next_cursor']}").json()

    assert [one["camera_id"] for one in first["cameras"]] == ["dock-1", "gate-1"]
    assert ([one["camera_id"] for one in rest["cameras"]], rest["next_cursor"]) == (["pump-1"], None)
    assert len(client.get("/api/v1/cameras").json()["cameras"]) == 3
    assert client.get("/api/v1/cameras?limit=0").status_code == 400


def test_who_is_limited_to_some_cameras_sees_no_others(
    signed_client: TestClient, signed_site: Any, tokens: Any, make: Any
) -> None:
    signed_site.cameras.known = {name: make.report(name) for name in ("gate-1", "gate-2")}

    shown = signed_client.get("/api/v1/cameras", headers=tokens.header("other")).json()["cameras"]

    assert [one["camera_id"] for one in shown] == ["gate-2"]


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "/api/v1/cameras/gate-1/settings", None, "operator"),
        ("GET", "/api/v1/cameras/gate-1/zones", None, "viewer"),
        ("GET", "/api/v1/overrides", None, "viewer"),
        ("PUT", "/api/v1/overrides/detect", {"value": False}, "operator"),
        ("PUT", "/api/v1/cameras/gate-1/overrides/detect", {"value": False}, "operator"),
        ("POST", "/api/v1/cameras/gate-1/zones/dry-run", {"zone": {"polygon": [[0, 0], [1, 0], [1, 1]]}}, "admin"),
        ("POST", "/api/v1/cameras/test", {"source": "rtsp://10.0.0.9/1"}, "admin"),
        ("POST", "/api/v1/cameras", PUMP, "admin"),
    ],
)
def test_each_role_may_what_it_needs_and_words_bear_its_name(
    signed_client: TestClient, signed_site: Any, tokens: Any, method: str, path: str, body: Any, needed: str
) -> None:
    roles = ["nobody", "viewer", "operator", "admin"]

    answers = [
        signed_client.request(method, path, json=body, headers=tokens.header(role)).status_code for role in roles
    ]

    refused = roles.index(needed)
    assert answers[:refused] == [401, 403, 403][:refused]
    assert all(status in (200, 201, 409) for status in answers[refused:])
    assert all(word.set_by in ("operator", "admin") for word in signed_site.changed.words.said)
