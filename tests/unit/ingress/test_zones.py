"""Zones over the API: drawn, changed, deleted, tried; each fault names its field."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from counterparts.changed_cameras import PRESS
from starlette.testclient import TestClient

from cluster.safety.tracks import Observation, Track

NOW = {"If-Match": '"7"'}
ZONES = "/api/v1/cameras/dock-1/zones"
LEFT = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize(("camera_id", "managed", "revision"), [("dock-1", "api", 7), ("gate-1", "config", 5)])
def test_zones_are_read_with_the_revision_of_their_camera(
    client: TestClient, camera_id: str, managed: str, revision: int
) -> None:
    answer = client.get(f"/api/v1/cameras/{camera_id}/zones")

    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{revision}"'
    document = answer.json()
    assert (document["managed"], document["revision"]) == (managed, revision)
    assert [zone["zone_id"] for zone in document["zones"]] == ["press"]
    assert document["zones"][0]["polygon"] == [list(point) for point in PRESS.polygon]


def test_a_zone_is_drawn_gets_an_id_and_the_supervisor_hears_of_it(client: TestClient, site: Any) -> None:
    answer = client.post(ZONES, json={"polygon": LEFT, "kind": "warning", "name": "왼쪽"}, headers=NOW)

    assert (answer.status_code, answer.headers["etag"]) == (201, '"8"')
    assert (answer.json()["zone"]["zone_id"], answer.json()["revision"]) == ("zone-1", 8)
    zones = site.changed.store.rows["dock-1"].settings.zones
    assert [(zone.zone_id, zone.name, zone.kind) for zone in zones[1:]] == [("zone-1", "왼쪽", "warning")]
    assert zones[0] == PRESS
    assert site.changed.directory.nudges == 1
    assert [(one.action, one.subject) for one in site.audit.entries] == [("zone.create", "dock-1/zone-1")]


def test_the_next_zone_needs_the_new_revision_and_gets_the_next_id(client: TestClient, site: Any) -> None:
    first = client.post(ZONES, json={"polygon": LEFT}, headers=NOW)

    assert client.post(ZONES, json={"polygon": LEFT}, headers=NOW).status_code == 412
    second = client.post(ZONES, json={"polygon": LEFT}, headers={"If-Match": first.headers["etag"]})
    assert second.json()["zone"]["zone_id"] == "zone-2"


@pytest.mark.parametrize(
    ("zone", "field", "reason"),
    [
        ({}, "polygon", "Field required"),
        ({"polygon": LEFT[:2]}, "polygon", "has 2 points"),
        ({"polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "polygon", "crosses itself between edges 1 and 3"),
        ({"polygon": [[0, 0], [2, 0], [1, 1]]}, "polygon", "outside 0..1"),
        ({"polygon": [[0.1, 0.1]] * 500}, "polygon", "at most 100"),
        ({"polygon": "x"}, "polygon", "valid tuple"),
        ({"polygon": LEFT, "kind": "safe"}, "kind", "danger"),
        ({"polygon": LEFT, "objects": ["dragon"]}, "objects", "unknown object 'dragon'"),
        ({"polygon": LEFT, "dwell_s": -1}, "dwell_s", "not within"),
        ({"polygon": LEFT, "colour": "red"}, "colour", "unknown key"),
        ({"polygon": LEFT, "zone_id": "../x"}, "zone_id", "letters"),
        ({"polygon": LEFT, "name": "x" * 101}, "name", "at most 100"),
    ],
)
def test_what_is_wrong_with_a_zone_is_said_by_its_field(
    client: TestClient, site: Any, zone: dict[str, Any], field: str, reason: str
) -> None:
    for answer, prefix in (
        (client.post(ZONES, json=zone, headers=NOW), ""),
        (client.post(f"{ZONES}/dry-run", json={"zone": zone}), "zone."),
    ):
        assert answer.status_code == 400
        assert answer.json()["field"].startswith(prefix + field)
        assert reason in answer.json()["reason"]
    assert site.changed.store.rows["dock-1"].revision == 7


def test_a_zone_of_the_same_id_is_a_conflict(client: TestClient) -> None:
    assert client.post(ZONES, json={"zone_id": "press", "polygon": LEFT}, headers=NOW).status_code == 409


def test_a_zone_is_put_anew_where_it_was(client: TestClient, site: Any) -> None:
    answer = client.put(f"{ZONES}/press", json={"polygon": LEFT, "kind": "warning"}, headers=NOW)

    assert answer.status_code == 200
    (zone,) = site.changed.store.rows["dock-1"].settings.zones
    assert (zone.zone_id, zone.kind, zone.name) == ("press", "warning", "")
    assert client.put(f"{ZONES}/other", json={"polygon": LEFT}, headers={"If-Match": '"8"'}).status_code == 404
    moved = client.put(f"{ZONES}/press", json={"zone_id": "p", "polygon": LEFT}, headers={"If-Match": '"8"'})
    assert (moved.status_code, moved.json()["field"]) == (400, "zone_id")


def test_a_zone_is_deleted_once(client: TestClient, site: Any) -> None:
    gone = client.delete(f"{ZONES}/press", headers=NOW)

    assert (gone.status_code, gone.headers["etag"]) == (204, '"8"')
    assert site.changed.store.rows["dock-1"].settings.zones == ()
    assert client.delete(f"{ZONES}/press", headers={"If-Match": '"8"'}).status_code == 404


def test_a_dry_run_tells_what_the_zone_would_have_told_and_changes_nothing(client: TestClient, site: Any) -> None:
    noon = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    person = Track(1, "person", 0.9, (0.2, 0.3, 0.3, 0.8))
    site.changed.directory.seen["gate-1"] = [
        Observation("gate-1", 3, n, noon + timedelta(seconds=n / 5), n / 5, (person,) if n < 50 else ())
        for n in range(100)
    ]

    answer = client.post("/api/v1/cameras/gate-1/zones/dry-run", json={"zone": {"polygon": LEFT}})

    assert answer.status_code == 200
    assert answer.json()["counts"] == {"DANGER_ZONE_INTRUSION": 1}
    assert answer.json()["watched_s"] == pytest.approx(19.8)
    (event,) = answer.json()["events"]
    assert (event["event_type"], event["severity"]) == ("DANGER_ZONE_INTRUSION", "CRITICAL")
    assert event["opened_at"].startswith("2026-11-22T03:00:00")
    assert event["closed_at"] is not None
    assert site.changed.directory.nudges == 0


@pytest.mark.parametrize("body", [{}, {"zone": 1}, {"zone": {"polygon": LEFT}, "more": 1}])
def test_a_dry_run_takes_one_zone(client: TestClient, body: Any) -> None:
    assert client.post("/api/v1/cameras/dock-1/zones/dry-run", json=body).status_code == 400


def test_of_a_camera_that_there_is_not_nothing_is_known(client: TestClient) -> None:
    assert client.get("/api/v1/cameras/nobody/zones").status_code == 404
    assert client.post("/api/v1/cameras/nobody/zones/dry-run", json={"zone": {"polygon": LEFT}}).status_code == 404
