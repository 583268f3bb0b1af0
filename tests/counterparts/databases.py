"""Sites on a migrated database, SQLite and real PostgreSQL alike, and events to put into it."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity
from cluster.settings.site import DatabaseSettings, SiteSettings

MakeEvent = Callable[..., SafetyEvent]
_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_site(request: pytest.FixtureRequest, tmp_path: Path) -> SiteSettings:
    """A site on an empty database of either kind."""
    return _site(tmp_path, request.getfixturevalue("postgres_url") if request.param == "postgresql" else "")


@pytest.fixture
def database_site(empty_site: SiteSettings) -> SiteSettings:
    """A site on a migrated database of either kind."""
    return _migrated(empty_site)


@pytest.fixture
def postgres_site(postgres_url: str, tmp_path: Path) -> SiteSettings:
    return _migrated(_site(tmp_path, postgres_url))


@pytest.fixture
def sqlite_site(tmp_path: Path) -> SiteSettings:
    return _migrated(_site(tmp_path, ""))


def _site(folder: Path, url: str) -> SiteSettings:
    return SiteSettings(name="test", data_dir=folder, database=DatabaseSettings(url=url, timeout_s=10))


def _migrated(site: SiteSettings) -> SiteSettings:
    from cluster.storage.schema import migrate  # sqlalchemy is for those tests only that need a database

    migrate(site)
    return site


@pytest.fixture
def make_event() -> MakeEvent:
    """make_event(7, revision=2, ...): the event `event-007`, opened 7 seconds after noon."""

    def make(number: int, **changed: Any) -> SafetyEvent:
        opened_at = _NOON + timedelta(seconds=number)
        event = SafetyEvent(
            event_id=f"event-{number:03}",
            revision=1,
            camera_id="gate-1",
            zone_id="press",
            event_type="DANGER_ZONE_INTRUSION",
            severity=Severity.CRITICAL,
            state=EpisodeState.OPEN,
            subject="person:7",
            epoch=1,
            correlation_id=f"gate-1-1-{number}",
            opened_at=opened_at,
            updated_at=opened_at,
            model_digest="ab" * 32,
            objects=(SeenObject("person", 0.75, (0.25, 0.5, 0.5, 1.0), 7),),
            detail={"reason": "사람"},
        )
        return dataclasses.replace(event, **changed)

    return make
