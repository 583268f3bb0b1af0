"""Sites on a migrated database, SQLite and real PostgreSQL alike, and events to put into it."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest
from counterparts.events import safety_event
from counterparts.postgres import PostgresServer

from cluster.safety.events import SafetyEvent, SeenObject
from cluster.settings.site import DatabaseSettings, SiteSettings

if TYPE_CHECKING:  # sqlalchemy is for those tests only that need a database
    from sqlalchemy.ext.asyncio import AsyncEngine

MakeEvent = Callable[..., SafetyEvent]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_site(request: pytest.FixtureRequest, tmp_path: Path) -> SiteSettings:
    """A site on an empty database of either kind."""
    return _site(tmp_path, request.getfixturevalue("postgres_url") if request.param == "postgresql" else "")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_site(request: pytest.FixtureRequest) -> SiteSettings:
    """A site on a migrated database of either kind."""
    kind = "postgres_site" if request.param == "postgresql" else "sqlite_site"
    return cast(SiteSettings, request.getfixturevalue(kind))


@pytest.fixture
def postgres_site(postgres_server: PostgresServer, migrated_postgres: str, tmp_path: Path) -> SiteSettings:
    postgres_server.start()
    return _site(tmp_path, postgres_server.new_database(like=migrated_postgres))


@pytest.fixture
def sqlite_site(migrated_sqlite: Path, tmp_path: Path) -> SiteSettings:
    shutil.copytree(migrated_sqlite, tmp_path, dirs_exist_ok=True)
    return _site(tmp_path, "")


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database that is only copied, which takes a third of what the migrations take."""
    postgres_server.start()
    url = postgres_server.new_database()
    _migrated(_site(tmp_path_factory.mktemp("migrated"), url))
    return urlsplit(url).path.removeprefix("/")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a site, to be copied."""
    return _migrated(_site(tmp_path_factory.mktemp("migrated"), "")).data_dir


@pytest.fixture
async def engine(database_site: SiteSettings) -> "AsyncIterator[AsyncEngine]":
    """On a migrated database of either kind."""
    from cluster.storage.engine import create_engine

    engine = create_engine(database_site)
    yield engine
    await engine.dispose()


def _site(folder: Path, url: str) -> SiteSettings:
    return SiteSettings(name="test", data_dir=folder, database=DatabaseSettings(url=url, timeout_s=10))


def _migrated(site: SiteSettings) -> SiteSettings:
    from cluster.storage.schema import migrate

    migrate(site)
    return site


@pytest.fixture
def make_event() -> MakeEvent:
    """make_event(7, revision=2, ...): the event `event-007`, with everything in it that a row can hold."""
    full = {
        "model_digest": "ab" * 32,
        "objects": (SeenObject("person", 0.75, (0.25, 0.5, 0.5, 1.0), 7),),
        "detail": {"reason": "사람"},
    }

    def make(number: int, **changed: Any) -> SafetyEvent:
        return safety_event(number, **{"event_id": f"event-{number:03}", **full, **changed})

    return make
