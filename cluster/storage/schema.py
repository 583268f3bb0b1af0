"""Brings the tables to a revision. Synchronous: for the command line and for start-up, never for an event loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from cluster.safety.errors import ConfigError
from cluster.settings.site import SiteSettings
from cluster.storage import account_tables, ingress_tables  # noqa: F401 - all tables make one schema
from cluster.storage.addresses import database_url
from cluster.storage.engine import create_migration_engine
from cluster.storage.faults import FAULTS, unavailable

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 5_414_617  # any number, the same for every release


def migrate(site: SiteSettings, revision: str = "head") -> None:
    """Brings the tables up to `revision`, all or nothing; several processes may do it at once.

    Raises:
        DatabaseUnavailable: the database refused, failed, or was locked for a minute.
        ConfigError: the database was made by a newer release.
    """
    with _migration(site) as (config, _):
        command.upgrade(config, revision)


def migrate_down(site: SiteSettings, revision: str) -> None:
    """Takes the tables back to `revision` ("base": none left). What later revisions kept is lost."""
    with _migration(site) as (config, _):
        command.downgrade(config, revision)


def schema_revision(site: SiteSettings) -> str | None:
    """The revision that the database has, None if it has no tables. Asking makes no database."""
    if not _exists(site):
        return None
    with _migration(site) as (_, connection):
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision that this release wants."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert head is not None, "there is always a first revision"  # noqa: S101
    return head


def _exists(site: SiteSettings) -> bool:
    """Whether there is something to connect to: SQLite would make an empty file of a question."""
    url = make_url(database_url(site.database.url, site.data_dir))
    return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()


@contextmanager
def _migration(site: SiteSettings) -> Iterator[tuple[Config, Connection]]:
    """Alembic on a connection that holds the lock of migrations to its end, where it commits."""
    engine = create_migration_engine(site)
    try:
        if engine.url.database and engine.dialect.name == "sqlite":
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        # On SQLite this begins with the writer's lock, which is the lock of migrations.
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield _config(connection), connection
    except CommandError as error:
        raise ConfigError("database", "alembic_version", "", str(error), "run the release that made it") from error
    except FAULTS as error:
        raise unavailable(error) from error
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
