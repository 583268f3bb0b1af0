"""Every wrong value in a request gets one line with the field, the value and the reason, and nothing is done."""

import pytest
from starlette.websockets import WebSocketDisconnect

EVENTS = "/api/v1/events"
CAMERAS = "/api/v1/cameras"
GATE = f"{CAMERAS}/gate-1"
EVENT = f"{EVENTS}/00000000-0000-5000-8000-000000000000"

WRONG_VALUES = [
    (f"{EVENTS}?colour=red", "colour", "red", "unknown parameter, known are camera_id, zone_id"),
    (f"{EVENTS}?camera=gate-1", "camera", "gate-1", "unknown parameter"),
    (f"{EVENTS}?Severity=INFO", "Severity", "INFO", "unknown parameter"),
    (f"{EVENTS}?severity=fatal", "severity", "fatal", "is none of INFO, WARNING, CRITICAL"),
    (f"{EVENTS}?severity=critical", "severity", "critical", "is none of INFO, WARNING, CRITICAL"),
    (f"{EVENTS}?severity=INFO&severity=WARNING", "severity", "WARNING", "stands twice"),
    (f"{EVENTS}?state=pending", "state", "pending", "is none of open, escalated, closed"),
    (f"{EVENTS}?event_type=EXPLOSION", "event_type", "EXPLOSION", "unknown event type, known are CAMERA_DEGRADED"),
    (f"{EVENTS}?camera_id=Gate%201", "camera_id", "Gate 1", "is not a camera id"),
    (f"{EVENTS}?zone_id={'z' * 101}", "zone_id", "z" * 80 + "...", "is not 1 to 100 printable characters"),
    (f"{EVENTS}?acknowledged=maybe", "acknowledged", "maybe", "is none of true, false"),
    (f"{EVENTS}?opened_after=yesterday", "opened_after", "yesterday", "is not an ISO 8601 time"),
    (f"{EVENTS}?opened_after=2026-13-01T00:00:00Z", "opened_after", "2026-13-01T00:00:00Z", "is not an ISO 8601"),
    (f"{EVENTS}?opened_before=2026-11-22T10:00:00", "opened_before", "2026-11-22T10:00:00", "has no time zone"),
    (f"{EVENTS}?cursor=%3Cscript%3E", "cursor", "<script>", "is not a cursor that this API gave"),
    (f"{EVENTS}?cursor=abc", "cursor", "abc", "is none that a page of events gave"),
    (f"{EVENTS}?limit=0", "limit", "0", "is not a whole number within 1..200"),
    (f"{EVENTS}?limit=-1", "limit", "-1", "is not a whole number within 1..200"),
    (f"{EVENTS}?limit=201", "limit", "201", "is not a whole number within 1..200"),
    (f"{EVENTS}?limit=ten", "limit", "ten", "is not a whole number within 1..200"),
    (f"{EVENTS}?limit=1.5", "limit", "1.5", "is not a whole number within 1..200"),
    (f"{EVENTS}?limit=", "limit", "", "is not a whole number within 1..200"),
    (f"{EVENT}?x=1", "x", "1", "unknown parameter, known are none"),
    (f"{EVENT}/snapshot.jpg?clean=maybe", "clean", "maybe", "is none of true, false"),
    (f"{CAMERAS}?status=MONITORED", "status", "MONITORED", "unknown parameter, known are limit, cursor"),
    (f"{GATE}?x=1", "x", "1", "unknown parameter, known are none"),
    (f"{GATE}/frame.jpg?profile=huge", "profile", "huge", "is none of "),
    (f"{GATE}/frame.jpg?fps=5", "fps", "5", "unknown parameter, known are profile"),
    (f"{GATE}/mjpeg?profile=FULL", "profile", "FULL", "is none of "),
    (f"{GATE}?source=rtsp://admin:S3cret@cam/1", "source", "rtsp://***@cam/1", "unknown parameter"),
]

UNKNOWN = [
    (f"{CAMERAS}/gate-9", "gate-9"),
    (f"{CAMERAS}/Not_An_Id", "Not_An_Id"),
    (f"{CAMERAS}/gate-9/frame.jpg", "gate-9"),
    (f"{CAMERAS}/gate-9/mjpeg", "gate-9"),
    (EVENT, "00000000-0000-5000-8000-000000000000"),
    (f"{EVENTS}/%3Cscript%3E", "<script>"),
    (f"{EVENT}/snapshot.jpg", "00000000-0000-5000-8000-000000000000"),
]

SOCKETS = [
    (f"{GATE}/live?profile=huge", "profile", "huge", "is none of "),
    (f"{GATE}/live?fps=0", "fps", "0", "within 0.1..60"),
    (f"{GATE}/live?fps=fast", "fps", "fast", "within 0.1..60"),
    (f"{GATE}/live?colour=red", "colour", "red", "unknown parameter"),
    (f"{EVENTS}/live?cursor=-1", "cursor", "-1", "is not a whole number within 0.."),
    (f"{EVENTS}/live?severity=INFO", "severity", "INFO", "unknown parameter"),
]


@pytest.mark.parametrize(("url", "field", "value", "reason"), WRONG_VALUES)
def test_a_wrong_value_gets_one_line_and_nothing_is_done(client, site, url, field, value, reason):
    answer = client.get(url)

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (problem["field"], problem["value"]) == (field, value)
    assert reason in problem["reason"]
    assert problem["detail"] == f"{url.partition('?')[0]}: {field} = {value!r}: {problem['reason']}"
    assert "\n" not in problem["detail"]
    assert "S3cret" not in answer.text
    assert (site.events.asked, site.cameras.pulls) == ([], 0)


@pytest.mark.parametrize(("url", "name"), UNKNOWN)
def test_what_nobody_knows_is_named_in_one_line(client, site, url, name):
    answer = client.get(url)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert name in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert site.cameras.pulls == 0


CHANGES = {(CAMERAS, "POST"), (GATE, "PATCH"), (GATE, "DELETE")}
ONLY_READ = [
    (url, method)
    for url in (CAMERAS, GATE, EVENTS, EVENT)
    for method in ("POST", "PUT", "PATCH", "DELETE")
    if (url, method) not in CHANGES
]


@pytest.mark.parametrize(("url", "method"), ONLY_READ)
def test_nothing_can_be_changed_that_is_only_read(client, url, method):
    answer = client.request(method, url, json={"camera_id": "gate-9"})

    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert answer.json()["detail"].startswith(f"{method} {url}: ")


@pytest.mark.parametrize(("url", "field", "value", "reason"), SOCKETS)
def test_a_socket_with_a_wrong_value_is_told_why_and_opens_nothing(client, site, url, field, value, reason):
    with (
        client.websocket_connect(f"ws://localhost:8001{url}") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_json()

    assert closed.value.code == 4400
    assert f"{field} = {value!r}" in closed.value.reason
    assert reason in closed.value.reason
    assert site.cameras.pulls == 0


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\ud800"])
@pytest.mark.parametrize("body", ['{"event_ids": ["X"]}', '{"event_ids": ["x"], "occurrences": {"X": 1}}'])
def test_a_text_that_postgresql_does_not_take_is_no_outage(client, body, text):
    answer = client.post(
        f"{EVENTS}/acknowledge", content=body.replace("X", text), headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["detail"]) == (400, "the body has a NUL or half a character in a text")
