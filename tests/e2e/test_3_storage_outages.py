"""The database and the picture store go away while people walk into the zone: nothing is lost, nothing doubled."""

import time
from pathlib import Path
from typing import Any

import psycopg

OUTAGE_S = 60.0


def test_events_of_a_database_outage_are_all_stored_once_after_it_returns(site: Any) -> None:
    site.wait_for_status("MONITORED")
    accepted: dict[str, int] = {}
    stopped_s = time.monotonic()
    site.postgres.stop()
    try:
        degraded = site.wait_for("degraded health", lambda: _health(site, "degraded"))

        def long_enough() -> bool:
            accepted.update(site.outbox_events())
            return time.monotonic() - stopped_s > OUTAGE_S and len(accepted) >= 3

        site.wait_for("the outage with at least 3 episodes", long_enough, limit_s=240)
        during = site.report()
    finally:
        site.postgres.start()
    site.wait_for("an empty outbox", lambda: site.report()["outbox_events"] == 0 or None)
    rows = _rows(site)
    print(f"{len(accepted)} episodes accepted without a database, {len(rows)} rows after it returned")

    assert degraded["parts"]["database"]["status"] == "degraded"
    assert during["status"] == "MONITORED"
    assert during["outbox_events"] > 0
    assert {event_id for event_id, revision in accepted.items() if rows.get(event_id, 0) < revision} == set()
    assert len(_changes(site)) == len(set(_changes(site)))
    site.wait_for("ok health", lambda: _health(site, "ok"))


def test_rows_come_at_once_and_pictures_when_the_folder_can_be_written_again(site: Any) -> None:
    site.wait_for_status("MONITORED")
    folder: Path = site.folder / "data" / "snapshots"
    aside = folder.with_name("snapshots-aside")
    known = {event["event_id"] for event in site.events(event_type="DANGER_ZONE_INTRUSION")}
    folder.rename(aside)
    # A file in its place: tests run as root, whom no permission stops.
    folder.write_text("not a folder")
    try:
        event = site.wait_for("a row without picture", lambda: _pending(site, known))
    finally:
        folder.unlink()
        aside.rename(folder)

    path = f"/api/v1/events/{event['event_id']}"
    site.wait_for("the picture", lambda: site.get(path).json()["snapshot"]["state"] == "stored" or None)
    assert site.get(f"{path}/snapshot.jpg").headers["content-type"] == "image/jpeg"


def _pending(site: Any, known: set[str]) -> dict[str, Any] | None:
    fresh = [event for event in site.events(event_type="DANGER_ZONE_INTRUSION") if event["event_id"] not in known]
    return next((event for event in fresh if event["snapshot"]["state"] == "pending"), None)


def _health(site: Any, status: str) -> dict[str, Any] | None:
    body: dict[str, Any] = site.get("/health").json()
    return body if body["status"] == status else None


def _rows(site: Any) -> dict[str, int]:
    with psycopg.connect(site.database_url) as connection:
        return dict(connection.execute("SELECT event_id, revision FROM events").fetchall())


def _changes(site: Any) -> list[tuple[str, int]]:
    """Each revision of each event that the log says was inserted or changed."""
    with psycopg.connect(site.database_url) as connection:
        query = "SELECT event_id, revision FROM changes WHERE kind = 'event'"
        return [(row[0], row[1]) for row in connection.execute(query).fetchall()]
