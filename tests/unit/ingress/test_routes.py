import re

import pytest

from cluster.safety.status import CameraStatus
from cluster.storage.records import SnapshotState


def test_lists_cameras_without_the_passwords_of_their_addresses(client, site, make):
    site.cameras.known["gate-2"] = make.report("gate-2", source="rtsp://admin:secret@10.0.0.6/1")

    cameras = client.get("/api/v1/cameras").json()["cameras"]

    assert [camera["camera_id"] for camera in cameras] == ["gate-1", "gate-2"]
    assert cameras[0]["since"] == "2026-11-22T03:00:00.000Z"
    assert "secret" not in client.get("/api/v1/cameras").text


def test_shows_one_camera(client):
    assert client.get("/api/v1/cameras/gate-1").json()["status"] == "MONITORED"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/cameras/gate-9",
        "/api/v1/cameras/Not_An_Id",
        "/api/v1/cameras/gate-9/frame.jpg",
        "/api/v1/cameras/gate-9/mjpeg",
        "/api/v1/events/00000000-0000-5000-8000-000000000000",
        "/api/v1/events/%00",
        "/api/v1/events/00000000-0000-5000-8000-000000000000/snapshot.jpg",
        "/api/v1/nothing",
        "/static/../app.py",
    ],
)
def test_what_is_not_there_is_404_with_a_problem(client, path):
    answer = client.get(path, headers={"X-Request-ID": "abc"})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == "abc"


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("colour=red", "colour", "unknown parameter"),
        ("camera_id=Gate%201", "camera_id", "is not a camera id"),
        ("camera_id=gate-1&camera_id=gate-2", "camera_id", "stands twice"),
        ("zone_id=", "zone_id", "1 to 100 printable"),
        ("zone_id=a%00b", "zone_id", "1 to 100 printable"),
        ("event_type=EXPLOSION", "event_type", "unknown event type"),
        ("severity=critical", "severity", "is none of INFO, WARNING, CRITICAL"),
        ("state=pending", "state", "is none of open, escalated, closed"),
        ("acknowledged=maybe", "acknowledged", "is none of true, false"),
        ("opened_after=yesterday", "opened_after", "ISO 8601"),
        ("opened_after=2026-11-22T10:00:00", "opened_after", "has no time zone"),
        ("opened_before=0001-01-01T00:00:00%2B09:00", "opened_before", "years 1 to 9999"),
        ("opened_after=2026-11-22T10:00:00Z&opened_before=2026-11-22T10:00:00Z", "opened_after", "not earlier"),
        ("limit=0", "limit", "within 1..200"),
        ("limit=201", "limit", "within 1..200"),
        ("limit=ten", "limit", "within 1..200"),
        ("limit=1e2", "limit", "within 1..200"),
        ("limit=%D9%A1", "limit", "within 1..200"),
        ("cursor=%3Cscript%3E", "cursor", "is not a cursor"),
        ("cursor=abc", "cursor", "none that a page of events gave"),
    ],
)
def test_a_wrong_parameter_gets_one_line_and_changes_nothing(client, site, query, field, reason):
    answer = client.get(f"/api/v1/events?{query}")

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert problem["field"] == field
    assert reason in problem["reason"]
    assert problem["detail"].startswith(f"/api/v1/events: {field} = ")
    assert "\n" not in problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert site.events.asked == []


@pytest.mark.parametrize(
    "path",
    ["/api/v1/cameras?x=1", "/api/v1/cameras/gate-1?x=1", "/api/v1/cameras/gate-1/frame.jpg?profile=huge",
     "/api/v1/cameras/gate-1/mjpeg?fps=3", "/api/v1/events/abc?x=1"],
)  # fmt: skip
def test_no_route_ignores_a_parameter_that_it_does_not_know(client, path):
    assert client.get(path).status_code == 400


def test_events_come_page_by_page_newest_first(client, site):
    for number in range(5):
        site.events.add(number)

    first = client.get("/api/v1/events?limit=3").json()
    second = client.get(f"/api/v1/events?limit=3&cursor={first['next_cursor']}").json()

    assert [event["correlation_id"][-1] for event in first["events"] + second["events"]] == ["4", "3", "2", "1", "0"]
    assert second["next_cursor"] is None


def test_filters_reach_the_store_as_values(client, site, make):
    query = {
        "camera_id": "gate-1", "zone_id": "press", "event_type": "PPE_HELMET_MISSING", "severity": "WARNING",
        "state": "closed", "acknowledged": "false", "opened_after": "2026-11-22T12:00:00+09:00",
    }  # fmt: skip

    client.get("/api/v1/events", params=query)

    asked = site.events.asked[0]
    assert (asked.camera_id, asked.zone_id, asked.event_type) == ("gate-1", "press", "PPE_HELMET_MISSING")
    assert (asked.severity, asked.state, asked.acknowledged) == ("WARNING", "closed", False)
    assert asked.opened_after == make.NOON


def test_an_unescaped_plus_of_a_time_zone_is_understood(client, site, make):
    client.get("/api/v1/events?opened_after=2026-11-22T12:00:00+09:00")

    assert site.events.asked[0].opened_after == make.NOON


def test_an_event_says_where_its_picture_is(client, site):
    event_id = site.events.add(1).event.event_id

    event = client.get(f"/api/v1/events/{event_id}").json()

    assert event["snapshot"] == {"state": "stored", "url": f"/api/v1/events/{event_id}/snapshot.jpg"}
    assert (event["severity"], event["acknowledged"]) == ("CRITICAL", False)


def test_the_picture_of_an_event_comes_drawn_or_clean(client, site):
    event_id = site.events.add(1).event.event_id
    site.snapshots.kept = {f"{event_id}.jpg": b"drawn", f"{event_id}-clean.jpg": b"clean"}

    drawn = client.get(f"/api/v1/events/{event_id}/snapshot.jpg")
    clean = client.get(f"/api/v1/events/{event_id}/snapshot.jpg?clean=1")

    assert (drawn.content, clean.content) == (b"drawn", b"clean")
    assert drawn.headers["content-type"] == "image/jpeg"
    assert drawn.headers["etag"] != clean.headers["etag"]


@pytest.mark.parametrize(
    ("state", "name", "away", "code"),
    [
        (SnapshotState.NONE, None, False, 404),
        (SnapshotState.LOST, None, False, 404),
        (SnapshotState.STORED, "vanished.jpg", False, 404),
        (SnapshotState.PENDING, None, False, 503),
        (SnapshotState.STORED, "there.jpg", True, 503),
    ],
)
def test_a_picture_that_cannot_be_had_says_why(client, site, state, name, away, code):
    event_id = site.events.add(1, snapshot_state=state, snapshot_name=name).event.event_id
    site.snapshots.kept, site.snapshots.away = {"there.jpg": b"x"}, away

    answer = client.get(f"/api/v1/events/{event_id}/snapshot.jpg")

    assert answer.status_code == code
    assert answer.json()["detail"]
    assert ("Retry-After" in answer.headers) == (code == 503)


@pytest.mark.parametrize("fault", ["away", "hangs"])
@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/abc", "/api/v1/events/abc/snapshot.jpg"])
def test_without_the_database_events_are_503(client, site, path, fault):
    setattr(site.events, fault, True)

    answer = client.get(path)

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Retry-After" in answer.headers


def test_without_the_supervisor_the_list_is_503_but_pictures_go_on(client, site, make):
    site.cameras.away = True
    site.cameras.pictures["gate-1"] = make.picture()

    assert client.get("/api/v1/cameras").status_code == 503
    assert client.get("/api/v1/cameras/gate-1/frame.jpg").content == b"frame 1"


def test_a_frame_comes_with_its_time(client, site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=7)

    answer = client.get("/api/v1/cameras/gate-1/frame.jpg?profile=wall")

    assert (answer.content, answer.headers["X-Frame-Sequence"]) == (b"frame 7", "7")
    assert answer.headers["X-Frame-Time"] == "2026-11-22T03:00:07.000Z"
    assert answer.headers["Cache-Control"] == "no-store"


def _goes_blind(site, make):
    site.cameras.pictures["gate-1"] = make.blind()


def _old_jpeg_with_blind_status(site, make):
    site.cameras.pictures["gate-1"] = make.picture(sequence=2, status=CameraStatus.UNMONITORED, reason="frozen")


def _process_dies(site, make):
    site.cameras.gone.add("gate-1")


def _is_disabled(site, make):
    site.cameras.known["gate-1"] = make.report("gate-1", CameraStatus.DISABLED, reason="switched off")
    site.cameras.gone.add("gate-1")


def _has_no_frame_yet(site, make):
    site.cameras.pictures.clear()


@pytest.mark.parametrize(
    ("arrange", "status"),
    [
        (_goes_blind, "UNMONITORED"),
        (_old_jpeg_with_blind_status, "UNMONITORED"),
        (_process_dies, "UNMONITORED"),
        (_is_disabled, "DISABLED"),
        (_has_no_frame_yet, "UNMONITORED"),
    ],
)
def test_a_blind_camera_never_gives_an_old_frame(client, site, make, arrange, status):
    site.cameras.pictures["gate-1"] = make.picture()
    assert client.get("/api/v1/cameras/gate-1/frame.jpg").status_code == 200
    arrange(site, make)

    answers = [client.get("/api/v1/cameras/gate-1/frame.jpg") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503] * 3
    assert answers[0].json()["status_of"] == status
    assert answers[0].json()["reason"]


def test_request_ids_are_echoed_or_made(client):
    given = client.get("/health/live", headers={"X-Request-ID": "order-66"}).headers["X-Request-ID"]
    made = client.get("/health/live").headers["X-Request-ID"]
    odd = client.get("/health/live", headers={"X-Request-ID": "x" * 500}).headers["X-Request-ID"]

    assert given == "order-66"
    assert len(made) == len(odd) == 32


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/cameras", "/api/v1/nothing", "/static/app.js"])
def test_every_answer_carries_the_security_headers(client, path):
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_other_names_of_the_host_are_refused(client):
    answer = client.get("/api/v1/cameras", headers={"Host": "evil.example"})

    assert answer.status_code == 421
    assert "evil.example" in answer.json()["detail"]


def test_metrics_are_given_to_whoever_asks_by_address_and_nothing_below_them(client):
    assert client.get("/metrics", headers={"Host": "10.0.0.7:8001"}).status_code == 200
    assert client.get("/metrics/x", headers={"Host": "10.0.0.7:8001"}).status_code == 421


@pytest.mark.parametrize(("method", "code"), [("POST", 405), ("DELETE", 405)])
def test_methods_that_change_something_do_not_exist(client, method, code):
    answer = client.request(method, "/api/v1/events")

    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("length", ["999999999", "-1", "many"])
def test_large_or_odd_bodies_are_refused(client, length):
    assert client.post("/api/v1/events", headers={"Content-Length": length}).status_code == 413


def test_a_defect_is_500_without_its_details(client, site):
    site.cameras.known = None

    answer = client.get("/api/v1/cameras")

    assert answer.status_code == 500
    assert "NoneType" not in answer.text
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_the_page_is_answered_from_memory_and_cached_by_its_tag(client):
    page = client.get("/")

    again = client.get("/", headers={"If-None-Match": page.headers["ETag"]})

    assert page.headers["content-type"].startswith("text/html")
    assert again.status_code == 304


def test_the_page_names_each_module_that_it_will_import_and_that_there_is(client):
    named = re.findall(r'modulepreload" href="(/static/\w+\.js)"', client.get("/").text)

    assert {"/static/app.js", "/static/tile.js", "/static/words.js"} <= set(named)
    assert {"/static/acknowledge.js", "/static/events.js"}.isdisjoint(named)  # another page's, and what comes later
    assert len(named) == len(set(named))
    assert [client.get(path).status_code for path in named] == [200] * len(named)
