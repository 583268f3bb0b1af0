"""Events of cameras that somebody may not see: neither listed nor shown, counted, exported, told nor acknowledged."""

import asyncio
from dataclasses import replace

import cv2
import numpy as np
import pytest
from counterparts.viewer_sockets import EVENTS, next_events
from starlette.requests import Request

from cluster.accounts.principal import Principal, Role
from deployments.ingress.acknowledging import Acknowledging, word
from deployments.ingress.audited import Audited


@pytest.fixture
def ids(signed_site):
    """Of an event of gate-1 and of one of gate-2, which is all that `other` sees."""
    made = [signed_site.events.add(1), signed_site.events.add(2, camera_id="gate-2")]
    signed_site.snapshots.kept = {one.snapshot_name: b"picture" for one in made}
    return [one.event.event_id for one in made]


def test_lists_and_counts_hold_what_is_seen(signed_client, signed_site, tokens, ids):
    headers = tokens.header("other")

    listed = signed_client.get("/api/v1/events", headers=headers).json()["events"]
    exported = signed_client.get("/api/v1/events/export?format=jsonl", headers=headers).text.splitlines()
    counted = signed_client.get("/api/v1/events/statistics", headers=headers).json()["buckets"]

    assert [event["event_id"] for event in listed] == [ids[1]]
    assert len(exported) == 1
    assert ids[1] in exported[0]
    assert counted[0]["count"] == 1
    assert {wanted.cameras for wanted in signed_site.events.asked} == {frozenset({"gate-2"})}


def test_an_event_of_another_camera_is_as_one_that_is_not_there(signed_client, tokens, ids):
    headers = tokens.header("other")
    for path in (f"/api/v1/events/{ids[0]}", f"/api/v1/events/{ids[0]}/snapshot.jpg"):
        hidden, missing = (signed_client.get(each, headers=headers) for each in (path, path.replace(ids[0], "nobody")))

        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert hidden.json()["detail"] == missing.json()["detail"].replace("nobody", ids[0])
    assert signed_client.get(f"/api/v1/events/{ids[1]}", headers=headers).status_code == 200


def test_the_socket_passes_over_what_is_not_seen_and_resumes_behind_it(signed_client, signed_site, tokens, ids):
    signed_site.events.add(3)
    with signed_client.websocket_connect(f"{EVENTS}?cursor=0", headers=tokens.header("other")) as socket:
        told = next_events(socket, 1)
        signed_site.events.add(4)
        signed_site.events.add(5, camera_id="gate-2")
        told += next_events(socket, 1)

    assert [(one["cursor"], one["event"]["camera_id"]) for one in told] == [(2, "gate-2"), (5, "gate-2")]


def test_a_socket_lives_while_everything_that_happens_is_passed_over(signed_client, signed_site, tokens, ids):
    """Without a word its page takes it for dead, and comes back again and again."""
    with signed_client.websocket_connect(f"{EVENTS}?cursor=2", headers=tokens.header("other")) as socket:
        said = [socket.receive_json()]
        for number in range(3, 6):
            signed_site.events.add(number)
            said.append(socket.receive_json())

    assert {one["type"] for one in said} == {"heartbeat"}
    assert said[0]["cursor"] == 2
    assert said[-1]["cursor"] > 2


def test_who_is_signed_in_acknowledges_in_his_own_name(signed_client, signed_site, tokens, ids):
    headers = tokens.header("operator")

    answer = signed_client.post(f"/api/v1/events/{ids[0]}/acknowledge", json={"by": "kim"}, headers=headers)

    said = answer.json()["event"]
    assert (said["acknowledged_by"], said["acknowledged_way"]) == ("operator", "signed_in")
    assert said["acknowledged_verified"] is True
    [noted] = [one for one in signed_site.audit.entries if one.action == "event.acknowledge"]
    assert (noted.who, noted.subject, noted.detail) == ("operator", ids[0], "first")


def test_many_are_acknowledged_at_once_each_with_its_outcome(client, site):
    events = [site.events.add(number) for number in range(4)]
    ids = [one.event.event_id for one in events]
    site.events.rows[ids[1]] = replace(events[1], occurrence=2)
    client.post(f"/api/v1/events/{ids[2]}/acknowledge", json={"by": "lee"})

    body = {"event_ids": [*ids, ids[0], "nobody"], "occurrences": {ids[1]: 1}, "by": "kim", "remark": "모두\n확인"}
    answer = client.post("/api/v1/events/acknowledge", json=body)

    outcomes = dict(zip([*ids, "nobody"], ("first", "superseded", "already", "first", "unknown"), strict=True))
    assert (answer.status_code, answer.json()) == (200, {"outcomes": outcomes})
    assert (site.events.said[-1].by, site.events.said[-1].remark) == ("kim", "모두 확인")
    assert site.audit.entries[-1].detail == "1 already, 2 first, 1 superseded, 1 unknown"


def test_nobody_acknowledges_what_he_does_not_see(signed_site, make, ids):
    principal = Principal("kim", Role.OPERATOR, frozenset({"gate-2"}))
    request = Request({"type": "http", "headers": [], "client": None, "state": {"principal": principal}})
    said = [word(request, event_id, "", "", None) for event_id in ids]

    acknowledging = Acknowledging(signed_site.events, Audited(signed_site.audit, 1.0), make.QUICK)
    outcomes = asyncio.run(acknowledging.many(request, said))

    assert outcomes == {ids[0]: "unknown", ids[1]: "first"}
    assert [one.event_id for one in signed_site.events.said] == [ids[1]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "event_ids"),
        ({"event_ids": []}, "event_ids"),
        ({"event_ids": ["x"] * 201}, "event_ids"),
        ({"event_ids": [7]}, "event_ids.0"),
        ({"event_ids": "abc"}, "event_ids"),
        ({"event_ids": ["x"], "remark": "r" * 501}, "remark"),
        ({"event_ids": ["x"], "occurrences": {"x": "1"}}, "occurrences.x"),
    ],
)
def test_a_wrong_list_acknowledges_nothing(client, site, body, field):
    answer = client.post("/api/v1/events/acknowledge", json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert site.events.said == []


def test_who_looks_at_a_picture_is_noted_and_without_the_note_there_is_none(signed_client, signed_site, tokens, ids):
    path, headers = f"/api/v1/events/{ids[0]}/snapshot.jpg", tokens.header("viewer")

    assert signed_client.get(path, headers=headers).content == b"picture"

    [noted] = signed_site.audit.entries
    assert (noted.who, noted.action, noted.subject) == ("viewer", "snapshot.view", ids[0])
    signed_site.audit.away = True
    assert signed_client.get(path, headers=headers).status_code == 503


def test_a_picture_that_the_browser_has_is_asked_for_and_noted_at_each_look(signed_client, signed_site, tokens, ids):
    path, headers = f"/api/v1/events/{ids[0]}/snapshot.jpg", tokens.header("viewer")
    first = signed_client.get(path, headers=headers)
    again = {**headers, "If-None-Match": f"W/{first.headers['etag']}"}
    second, other = (signed_client.get(f"{path}{query}", headers=again) for query in ("", "?clean=1"))

    assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-cache")
    assert (second.status_code, second.content, second.headers["etag"]) == (304, b"", first.headers["etag"])
    assert other.status_code == 404, "the clean one is another picture"
    assert [one.action for one in signed_site.audit.entries] == ["snapshot.view"] * 2
    signed_site.audit.away = True
    assert signed_client.get(path, headers=again).status_code == 503


def test_a_thumbnail_in_a_list_is_small_kept_and_no_look_at_the_picture(signed_client, signed_site, tokens, ids, make):
    name = signed_site.events.rows[ids[0]].snapshot_name
    signed_site.snapshots.kept[name] = make.jpeg_of("a hall", 1920, 1080)
    path = f"/api/v1/events/{ids[0]}/snapshot.jpg?size=thumbnail"
    small = signed_client.get(path, headers=tokens.header("viewer"))

    image = cv2.imdecode(np.frombuffer(small.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (135, 240, 3)
    assert "max-age" in small.headers["cache-control"]
    assert signed_site.audit.entries == []
    assert signed_client.get(path, headers=tokens.header("other")).status_code == 404
    signed_site.snapshots.kept[name] = b"no picture"
    assert signed_client.get(path, headers=tokens.header("viewer")).status_code == 404


def test_an_acknowledgement_that_the_audit_does_not_take_stands_all_the_same(client, site, make):
    event_id = site.events.add(1).event.event_id
    site.audit.away = True

    assert client.post(f"/api/v1/events/{event_id}/acknowledge", json={}).json()["outcome"] == "first"


def test_statistics_have_a_span_also_where_nobody_names_one(client, site):
    site.events.add(1)

    answer = client.get("/api/v1/events/statistics?by=day&severity=CRITICAL").json()

    assert (answer["by"], answer["time_zone"]) == ("day", "UTC")
    assert answer["buckets"][0] == {
        "key": "2026-11-22T03:00:00Z", "type": "DANGER_ZONE_INTRUSION", "severity": "CRITICAL", "count": 1,
    }  # fmt: skip
    [asked] = site.events.asked
    assert (asked.opened_before - asked.opened_after).days == 30


def test_a_span_that_is_too_long_is_said(client, site, monkeypatch):
    async def refused(*_):
        raise ValueError("opened_after: by hour at most 31 days are counted")

    monkeypatch.setattr(site.events, "statistics", refused)

    answer = client.get("/api/v1/events/statistics?opened_after=0001-01-01T00:00:00Z")

    assert (answer.status_code, answer.json()["field"]) == (400, "opened_after")
