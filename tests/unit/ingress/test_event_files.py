"""Events as a file: what a spreadsheet opens, and how much of it there may be."""

import csv
import io
import json
from dataclasses import replace

import pytest
from counterparts.viewer_sockets import client_of

from cluster.safety.errors import DatabaseUnavailable
from deployments.ingress.event_export import ExportBrokeOff
from deployments.ingress.event_lines import COLUMNS, FORMATS


def test_a_spreadsheet_reads_korean_and_runs_nothing(client, site):
    first = site.events.add(1, acknowledged_by="=HYPERLINK(1)", acknowledged_remark="+82 10", subject="@SUM")
    site.events.add(2, acknowledged_remark='가는 중, "곧"\n-')

    answer = client.get("/api/v1/events/export?severity=CRITICAL")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="events-2')
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"\xef\xbb\xbfevent_id,opened_at")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert (rows[1]["acknowledged_by"], rows[1]["remark"], rows[1]["subject"]) == ("'=HYPERLINK(1)", "'+82 10", "'@SUM")
    assert rows[0]["remark"] == '가는 중, "곧"\n-'
    assert (rows[1]["event_id"], rows[1]["closed_at"]) == (first.event.event_id, "")
    [noted] = site.audit.entries
    assert (noted.action, noted.detail) == ("events.export", "2 events as csv: severity=CRITICAL")


def test_lines_of_json_are_the_events_of_the_api(client, site):
    for number in range(3):
        site.events.add(number)

    lines = client.get("/api/v1/events/export?format=jsonl").text.splitlines()

    assert [json.loads(line) for line in lines] == client.get("/api/v1/events").json()["events"]


def test_an_export_without_events_has_its_heading(client):
    assert client.get("/api/v1/events/export").text == "\ufeff" + ",".join(COLUMNS) + "\r\n"
    assert client.get("/api/v1/events/export?format=jsonl").text == ""


def test_more_than_a_file_may_hold_is_refused_before_the_first_byte(site, make):
    for number in range(3):
        site.events.add(number)

    answer = client_of(site, replace(make.QUICK, export_events=2)).get("/api/v1/events/export")

    assert answer.status_code == 400
    assert "more than 2 events" in answer.json()["detail"]
    assert site.audit.entries == []


def test_a_file_that_nobody_may_write_down_is_not_given(client, site):
    site.audit.away = True

    assert client.get("/api/v1/events/export").status_code == 503


def test_more_exports_than_there_are_places_wait_for_another_time(site, make):
    answer = client_of(site, replace(make.QUICK, exports=0)).get("/api/v1/events/export")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_the_database_that_is_away_is_said_before_the_first_byte(client, site):
    site.events.away = True

    assert client.get("/api/v1/events/export").status_code == 503


def test_every_format_has_a_suffix_of_its_own():
    assert {form.suffix for form in FORMATS.values()} == set(FORMATS)


def test_a_database_that_goes_in_the_middle_breaks_the_file_off(site, make, monkeypatch):
    for number in range(5):
        site.events.add(number)
    pages, client = site.events.list, client_of(site, make.QUICK)
    monkeypatch.setattr(site.events, "list", lambda wanted, cursor, limit: pages(wanted, cursor, 2))
    assert len(client.get("/api/v1/events/export").text.splitlines()) == 6

    async def away_after_the_first(wanted, cursor, limit):
        if cursor:
            raise DatabaseUnavailable("connection refused")
        return await pages(wanted, cursor, 2)

    monkeypatch.setattr(site.events, "list", away_after_the_first)
    for _ in range(make.QUICK.exports + 1):  # each gives its place back
        with pytest.raises(ExportBrokeOff, match="connection refused"):
            client.get("/api/v1/events/export")
