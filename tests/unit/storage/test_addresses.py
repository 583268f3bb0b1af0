from pathlib import Path

import pytest

from cluster.safety.errors import ConfigError
from cluster.settings.base import PROJECT_ROOT
from cluster.storage.engine import database_url

DATA = Path("/data")


@pytest.mark.parametrize(
    "scheme",
    [
        "postgres",
        "postgresql",
        "postgres+asyncpg",
        "postgresql+asyncpg",
        "postgresql+psycopg",
        "postgresql+psycopg2",
        "postgresql+psycopg2cffi",
        "postgresql+pg8000",
        "PostgreSQL",
    ],
)
def test_every_spelling_of_postgresql_runs_on_psycopg(scheme: str) -> None:
    url = database_url(f"{scheme}://safe:p%40ss@db:5433/site", DATA)

    assert url == "postgresql+psycopg://safe:p%40ss@db:5433/site"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("?sslmode=verify-full", "?sslmode=verify-full"),
        ("?ssl=require", "?sslmode=require"),
        ("?ssl=true", "?sslmode=require"),
        ("?ssl=False", "?sslmode=disable"),
        ("?prepared_statement_cache_size=0&command_timeout=5", ""),
        ("?host=/run/postgresql", "?host=%2Frun%2Fpostgresql"),
        (
            "?application_name=site&options=-c%20search_path%3Dsafe",
            "?application_name=site&options=-c+search_path%3Dsafe",
        ),
    ],
)
def test_parameters_of_other_drivers_are_translated(parameters: str, expected: str) -> None:
    url = database_url(f"postgresql+asyncpg://db/site{parameters}", DATA)

    assert url == f"postgresql+psycopg://db/site{expected}"


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("", DATA / "safe-yolo.db"),
        ("  ", DATA / "safe-yolo.db"),
        ("sqlite://", DATA / "safe-yolo.db"),
        ("sqlite+aiosqlite://", DATA / "safe-yolo.db"),
        ("sqlite:////var/lib/site.db", Path("/var/lib/site.db")),
        ("sqlite+aiosqlite:////var/lib/site.db", Path("/var/lib/site.db")),
        ("sqlite+pysqlite:////var/lib/site.db", Path("/var/lib/site.db")),
        ("sqlite:///site.db", PROJECT_ROOT / "site.db"),
    ],
)
def test_every_spelling_of_sqlite_names_one_file_for_every_process(text: str, file: Path) -> None:
    assert database_url(text, DATA) == f"sqlite+aiosqlite:///{file}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mysql://root:secret@db/site", "neither PostgreSQL nor SQLite"),
        ("site.db", "neither PostgreSQL nor SQLite"),
        ("postgresql+://root:secret@db/site", "neither PostgreSQL nor SQLite"),
        ("sqlite+pysqlcipher://:secret@/site.db", "neither PostgreSQL nor SQLite"),
        ("postgresql://root:secret@db:port/site", "is not an address"),
        ("postgresql://root:p@secret@db/site", "more than one '@'"),
        ("postgresql://root:secret@db/site?schema=public", "knows no parameter 'schema'"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite+aiosqlite:///file::memory:?cache=shared", "neither host nor parameters"),
        ("sqlite://server/site.db", "neither host nor parameters"),
    ],
)
def test_anything_else_is_refused_in_one_line_without_the_password(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        database_url(text, DATA)

    line = str(refused.value)
    assert line.startswith("site.yaml: database.url = ")
    assert "secret" not in line
    assert "\n" not in line
