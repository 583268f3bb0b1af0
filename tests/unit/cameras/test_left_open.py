"""Rows that this release cannot read, in what the supervisor reads of everybody."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.safety.errors import DatabaseUnavailable
from cluster.safety.events import EpisodeState, SafetyEvent, Severity
from cluster.settings.cameras import CameraSettings
from cluster.storage.events import EventFilter, Page, SnapshotState, StoredEvent
from deployments.cameras.left_open import LeftOpen

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def stored(event_id: str, subject: str = "process", state: EpisodeState = EpisodeState.OPEN) -> StoredEvent:
    kind, severity = "CAMERA_UNMONITORED", Severity.CRITICAL
    event = SafetyEvent(event_id, 1, "gate-1", "", kind, severity, state, subject, 5, "", NOON, NOON)
    return StoredEvent(event, SnapshotState.NONE, None, None, None, None, 0)


class Rows:
    """What is open; an exception is what reading it raises."""

    def __init__(self, *rows: StoredEvent | Exception) -> None:
        self.rows = rows

    async def open_events(self, camera_id: str) -> Any:
        raise AssertionError("not asked")

    async def all_open(self) -> Sequence[StoredEvent]:
        for row in self.rows:
            if isinstance(row, Exception):
                raise row
        return [row for row in self.rows if isinstance(row, StoredEvent)]

    async def list(self, filter: EventFilter, cursor: str | None = None, limit: int = 100) -> Page:
        raise AssertionError("not asked")


def outages(*rows: StoredEvent | Exception) -> dict[str, list[str]]:
    found = asyncio.run(LeftOpen(Rows(*rows)).outages())
    return {camera_id: [one.event_id for one in saved] for camera_id, saved in found.items()}


def test_an_outage_whose_detail_cannot_be_read_is_passed_over_alone() -> None:
    broken = replace(stored("e-1"), event=replace(stored("e-1").event, detail=[]))  # type: ignore[arg-type]

    with capture_logs() as logs:
        assert outages(broken, stored("e-2")) == {"gate-1": ["e-2"]}

    assert [(line["event"], line["event_id"]) for line in logs] == [("open_event_unreadable", "e-1")]


def test_a_database_that_is_away_is_no_empty_one() -> None:
    with pytest.raises(DatabaseUnavailable):
        outages(DatabaseUnavailable("away"))


def test_an_outage_that_was_escalated_is_inherited_too() -> None:
    assert outages(stored("e-1", state=EpisodeState.ESCALATED)) == {"gate-1": ["e-1"]}


def test_what_is_open_of_all_cameras_is_without_the_supervisors_own_outages() -> None:
    found = asyncio.run(LeftOpen(Rows(stored("e-1"), stored("e-2", subject="picture"))).of_cameras())

    assert [one.event_id for one in found["gate-1"]] == ["e-2"]


def test_a_cancellation_that_comes_together_with_the_answer_is_heard() -> None:
    async def cancel() -> None:
        answer: asyncio.Future[Sequence[StoredEvent]] = asyncio.get_running_loop().create_future()
        asked = asyncio.Event()

        class Slow(Rows):
            async def open_events(self, camera_id: str) -> Any:
                asked.set()
                return await answer

        reading = asyncio.create_task(LeftOpen(Slow()).of(CameraSettings(camera_id="gate-1", source="x.mp4")))
        await asked.wait()
        answer.set_result(())
        reading.cancel()
        await reading

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())
