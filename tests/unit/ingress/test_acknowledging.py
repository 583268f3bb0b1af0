"""Acknowledging over HTTP: by a name, and by the link in a message."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from counterparts.events import NOON
from structlog.testing import capture_logs

from cluster.notifications.links import LinkContent
from cluster.safety.events import Severity
from cluster.safety.messages import MessageKind, MessageState, PlannedMessage

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def event(site):
    return site.events.add(1)


@pytest.fixture
def path(event) -> str:
    return f"/api/v1/events/{event.event.event_id}/acknowledge"


@pytest.fixture
def link(site, event) -> str:
    return site.links.link(event.event.event_id, "room", 1, datetime.now(UTC))


def test_somebody_acknowledges_by_a_name_that_nobody_verifies(client, site, path, event):
    with capture_logs() as logs:
        answer = client.post(path, json={"by": " kim\n", "remark": "가는 중"})

    assert (answer.status_code, answer.json()["outcome"]) == (200, "first")
    said = answer.json()["event"]
    assert (said["acknowledged"], said["acknowledged_by"], said["remark"]) == (True, "kim", "가는 중")
    assert (said["acknowledged_way"], said["acknowledged_verified"]) == ("api", False)
    [line] = [one for one in logs if one["event"] == "event_acknowledged"]
    assert (line["correlation_id"], line["outcome"]) == (event.event.correlation_id, "first")


def test_the_first_word_holds(client, path):
    client.post(path, json={"by": "kim"})
    answer = client.post(path, json={"by": "lee"})

    assert (answer.status_code, answer.json()["outcome"]) == (200, "already")
    assert answer.json()["event"]["acknowledged_by"] == "kim"


def test_who_has_not_seen_the_newest_news_acknowledges_nothing(client, site, path, event):
    site.events.rows[event.event.event_id] = replace(event, occurrence=2)

    answer = client.post(path, json={"by": "kim", "occurrence": 1})

    assert (answer.status_code, answer.json()["outcome"]) == (409, "superseded")
    assert site.events.rows[event.event.event_id].acknowledged_at is None
    seen = client.get(path.removesuffix("/acknowledge")).json()["occurrence"]
    assert client.post(path, json={"by": "kim", "occurrence": seen}).json()["outcome"] == "first"


def test_neither_name_nor_remark_is_needed(client, path):
    assert client.post(path, headers=JSON).json()["outcome"] == "first"


@pytest.mark.parametrize(
    ("request_of", "status", "said"),
    [
        ({"data": {"by": "kim"}}, 415, "application/json"),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "application/json"),
        ({"content": b"{}"}, 415, "application/json"),
        ({"content": b"{", "headers": JSON}, 400, "not JSON"),
        ({"content": b"[" * 5000, "headers": JSON}, 400, "not JSON"),
        ({"json": ["kim"]}, 400, "no JSON object"),
        ({"json": {"by": 7}}, 400, "by: is not a text"),
        ({"json": {"by": "k" * 81}}, 400, "at most 80"),
        ({"json": {"occurrence": 0}}, 400, "occurrence: is not a whole number"),
        ({"json": {"occurrence": "1"}}, 400, "occurrence: is not a whole number"),
        ({"json": {"occurrence": True}}, 400, "occurrence: is not a whole number"),
        ({"json": {"occurrence": 2**31}}, 400, "occurrence: is not a whole number"),
        ({"json": {"who": "kim"}}, 400, "unknown key 'who'"),
        ({"content": b" " * 9000, "headers": JSON}, 413, "at most 8192"),
        ({"json": {}, "headers": {"Origin": "https://evil.example"}}, 403, "other sites"),
        ({"json": {}, "headers": {"Origin": "null"}}, 403, "other sites"),
    ],
)
def test_what_is_no_word_of_ours_acknowledges_nothing(client, site, path, request_of, status, said):
    answer = client.post(path, **request_of)

    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert site.events.said == []


def test_a_page_of_this_site_may(client, path):
    assert client.post(path, json={}, headers={"Origin": "http://localhost:8001"}).status_code == 200


def test_there_is_no_such_event(client):
    answer = client.post("/api/v1/events/nobody/acknowledge", json={})

    assert (answer.status_code, answer.json()["title"]) == (404, "Not found")


def test_a_database_that_is_away_is_said(client, site, path):
    site.events.away = True

    assert client.post(path, json={}).status_code == 503


def test_opening_a_link_shows_a_page_and_acknowledges_nothing(client, site, link):
    for method in ("GET", "HEAD"):
        answer = client.request(method, link)

        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert "form-action 'none'" in answer.headers["content-security-policy"]
    assert site.events.said == []
    page = client.get(link).text
    for words in ("확인했습니다 / I acknowledge", "위험 구역 침입 / Danger zone intrusion", "gate-1 · press"):
        assert words in page
    assert "<script>" not in page
    assert "onclick" not in page


def test_the_button_of_the_page_acknowledges(client, site, link):
    answer = client.post(link, json={})

    assert (answer.status_code, answer.json()["outcome"]) == (200, "first")
    [said] = site.events.said
    assert (said.by, said.way, said.channel_id, said.occurrence) == ("room", "link", "room", 1)
    assert answer.json()["event"]["acknowledged_verified"] is True
    assert client.post(link, json={}).json()["outcome"] == "already"
    assert "이미 확인된" in client.get(link).text


@pytest.mark.parametrize(
    "request_of", [{"data": {"x": "1"}}, {"json": {}, "headers": {"Origin": "https://evil.example"}}]
)
def test_a_form_of_another_site_presses_no_button(client, site, link, request_of):
    assert client.post(link, **request_of).status_code in (403, 415)
    assert site.events.said == []


def test_a_link_of_older_news_acknowledges_nothing(client, site, link, event):
    site.events.rows[event.event.event_id] = replace(event, occurrence=2)

    answer = client.post(link, json={})

    assert (answer.status_code, answer.json()["outcome"]) == (409, "superseded")
    assert site.events.rows[event.event.event_id].acknowledged_at is None
    page = client.get(link).text
    assert "새로운 상황이 발생했습니다" in page
    assert 'id="acknowledge"' not in page


def test_a_wrong_link_and_an_expired_one_are_said_politely(client, site, event):
    old = LinkContent(event.event.event_id, "room", 1, datetime.now(UTC) - timedelta(seconds=1))
    for token, status, words in (("no.link", 404, "올바르지 않은"), (site.links.token(old), 410, "기한이 지난")):
        path = f"/api/v1/acknowledge/{token}"

        assert client.get(path).status_code == status
        assert words in client.get(path).text
        assert client.post(path, json={}).status_code == status
    assert site.events.said == []


def test_no_link_is_in_a_log_or_in_what_a_refusal_says(client, site, link):
    token = link.rpartition("/")[2]
    site.events.away = True
    with capture_logs() as logs:
        answers = [client.get(link), client.post(link, json={}), client.post(link, data={"x": "1"})]

    assert [answer.status_code for answer in answers] == [503, 503, 415]
    assert token not in "".join(answer.text for answer in answers)
    assert token not in str(logs)


def test_a_link_to_an_event_that_is_gone(client, site):
    content = LinkContent("gone", "room", 1, datetime.now(UTC) + timedelta(seconds=60))

    assert client.get(f"/api/v1/acknowledge/{site.links.token(content)}").status_code == 404


def test_an_event_says_whom_it_was_told(client, site, event):
    site.messages.told = [
        PlannedMessage(
            "m-1", event.event.event_id, MessageKind.OPENED, 1, "night", 0, "room", MessageState.WAITING,
            Severity.CRITICAL, "gate-1-3-1", NOON, NOON, NOON, next_try_at=NOON + timedelta(seconds=5), attempts=2,
            thread="secret-thread", last_error="https://kim:S3cret@sms answered 500",
        )
    ]  # fmt: skip

    document = client.get(f"/api/v1/events/{event.event.event_id}").json()

    assert document["notifications"] == [
        {
            "channel_id": "room", "kind": "opened", "occurrence": 1, "rule": "night", "step": 0, "state": "waiting",
            "attempts": 2, "due_at": "2026-03-01T12:00:00.000Z", "next_try_at": "2026-03-01T12:00:05.000Z",
            "sent_at": None, "accepted_at": None, "last_error": "https://***@sms answered 500",
        }
    ]  # fmt: skip
