"""Migrations up, down and up again, by several processes at once, on both databases."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from counterparts.databases import MakeEvent
from sqlalchemy import inspect, text

from cluster.safety.errors import ConfigError, DatabaseUnavailable
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine, create_migration_engine
from cluster.storage.events import EventFilter, EventStore
from cluster.storage.schema import migrate, migrate_down, newest_revision, schema_revision
from cluster.storage.tables import metadata

_MIGRATE = """
import sys
from cluster.settings.site import SiteSettings
from cluster.storage.schema import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(SiteSettings.model_validate_json(sys.argv[1]))
"""


def _with_store(site: SiteSettings, use: Any) -> Any:
    async def run() -> Any:
        engine = create_engine(site)
        try:
            return await use(EventStore(engine))
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _tables(site: SiteSettings) -> set[str]:
    engine = create_migration_engine(site)
    return set(inspect(engine).get_table_names())


def test_up_makes_what_the_code_expects(empty_site: SiteSettings) -> None:
    assert schema_revision(empty_site) is None

    migrate(empty_site)

    assert schema_revision(empty_site) == newest_revision()
    with create_migration_engine(empty_site).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_up_again_keeps_what_is_there(database_site: SiteSettings, make_event: MakeEvent) -> None:
    _with_store(database_site, lambda store: store.record("gate-1", 1, [make_event(1)]))

    migrate(database_site)

    page = _with_store(database_site, lambda store: store.list(EventFilter()))
    assert [item.event for item in page.items] == [make_event(1)]


def test_down_leaves_nothing_and_up_begins_anew(database_site: SiteSettings, make_event: MakeEvent) -> None:
    _with_store(database_site, lambda store: store.record("gate-1", 1, [make_event(1)]))

    migrate_down(database_site, "base")
    assert _tables(database_site) == {"alembic_version"}
    assert schema_revision(database_site) is None

    migrate(database_site)
    assert _with_store(database_site, lambda store: store.record("gate-1", 1, [make_event(2)])) == 1
    assert _with_store(database_site, lambda store: store.last_change()) == 1


def test_several_processes_may_migrate_at_once(empty_site: SiteSettings) -> None:
    argument = empty_site.model_dump_json()
    command = [sys.executable, "-c", _MIGRATE, argument]
    processes = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0] * 3, outcomes
    assert schema_revision(empty_site) == newest_revision()
    assert _with_store(empty_site, lambda store: store.last_change()) == 0


def test_a_migration_that_fails_leaves_the_tables_as_they_were(empty_site: SiteSettings) -> None:
    with create_migration_engine(empty_site).begin() as connection:
        connection.execute(text("CREATE TABLE leases (mine INTEGER)"))  # in the way of the last step

    with pytest.raises(DatabaseUnavailable, match="already exists"):
        migrate(empty_site)

    assert _tables(empty_site) == {"leases"}


def test_tables_of_a_newer_release_are_left_alone(database_site: SiteSettings) -> None:
    with create_migration_engine(database_site).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ConfigError, match=r"9999.*run the release that made it"):
        migrate(database_site)

    assert schema_revision(database_site) == "9999"


def test_a_database_that_is_away_is_told(tmp_path: Path, free_tcp_port: int) -> None:
    settings = {"url": f"postgres://safe:secret@127.0.0.1:{free_tcp_port}/site"}
    site = SiteSettings(name="test", data_dir=tmp_path, database=settings)

    with pytest.raises(DatabaseUnavailable) as refused:
        migrate(site)

    assert "secret" not in str(refused.value)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DatabaseUnavailable, match=r"Not a directory|File exists"):
        migrate(SiteSettings(name="test", data_dir=tmp_path / "file" / "data", database={"url": ""}))
