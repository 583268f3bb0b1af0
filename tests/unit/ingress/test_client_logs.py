"""What pages tell of their own faults: bounded, redacted, and never more than a log can bear."""

import json
from dataclasses import replace

import pytest
from counterparts.viewer_sockets import client_of
from structlog.testing import capture_logs

from deployments.ingress.client_log import LinesAMinute, Teller

PATH = "/api/v1/client-logs"
ENTRY = {
    "level": "error",
    "event": "exception",
    "message": "x is undefined",
    "url": "/#/live",
    "stack": "wall.js:3\nmain.js:9",
    "at": "2026-11-22T03:00:00.000Z",
}


def test_each_entry_becomes_a_line_of_the_log(client):
    with capture_logs() as lines:
        answer = client.post(PATH, json={"entries": [ENTRY, ENTRY | {"level": "warning", "event": "socket_lost"}]})

    said = [line for line in lines if line["event"] == "client_error"]
    assert (answer.status_code, answer.content) == (204, b"")
    assert [(line["log_level"], line["client_event"]) for line in said] == [
        ("error", "exception"),
        ("warning", "socket_lost"),
    ]
    assert said[0]["message"] == "x is undefined"
    assert said[0]["stack"] == "wall.js:3\nmain.js:9"
    assert (said[0]["who"], said[0]["client_time"]) == ("anybody", "2026-11-22T03:00:00+00:00")


def test_secrets_and_control_characters_do_not_reach_the_log(client):
    entry = ENTRY | {
        "message": "GET /legacy/abc.def/api failed\x1b[2J\npassword=S3cret",
        "url": "/x?token=S3cret",
        "stack": "at rtsp://admin:S3cret@cam/1",
    }
    with capture_logs() as lines:
        assert client.post(PATH, json={"entries": [entry]}).status_code == 204

    text = json.dumps(lines)
    assert "S3cret" not in text
    assert "abc.def" not in text
    assert "\\u001b" not in text


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"entries": []},
        {"entries": [ENTRY] * 21},
        {"entries": [ENTRY | {"level": "fatal"}]},
        {"entries": [ENTRY | {"more": 1}]},
        {"entries": [ENTRY | {"message": "x" * 1001}]},
        {"entries": [ENTRY | {"at": "yesterday"}]},
        {"entries": "x"},
        [],
    ],
)
def test_what_is_no_list_of_entries_is_refused_and_nothing_is_written(client, said):
    with capture_logs() as lines:
        answer = client.post(PATH, json=said)

    assert answer.status_code in (400, 422)
    assert [line for line in lines if line["event"] == "client_error"] == []


def test_more_than_a_minute_bears_is_counted_and_then_refused(site, make):
    with client_of(site, replace(make.QUICK, client_lines_a_minute=3)) as client, capture_logs() as lines:
        statuses = [client.post(PATH, json={"entries": [ENTRY, ENTRY]}).status_code for _ in range(3)]

    assert statuses == [204, 204, 429]
    assert sum(line["event"] == "client_error" for line in lines) == 3
    assert [line["untold"] for line in lines if line["event"] == "client_errors_untold"] == [1]


def test_one_teller_takes_nothing_from_another_and_the_minute_passes():
    now_s = [0.0]
    kim, lee = Teller("kim", "10.0.0.1"), Teller("lee", "10.0.0.1")
    lines = LinesAMinute(of_one=5, of_all=8, clock=lambda: now_s[0])

    assert [lines.take(kim, 4), lines.take(kim, 4), lines.take(lee, 4), lines.take(lee, 4)] == [4, 1, 3, 0]
    now_s[0] = 59.9
    assert lines.take(kim, 1) == 0
    now_s[0] = 60.0
    assert lines.take(kim, 20) == 5


def test_tellers_without_end_take_a_bounded_table():
    lines = LinesAMinute(of_one=5, of_all=100_000, most_tellers=10, clock=lambda: 0.0)
    for number in range(1000):
        lines.take(Teller("anybody", f"10.0.0.{number}"), 1)

    assert len(lines._lines) == 10
