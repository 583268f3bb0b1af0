"""Engines for PostgreSQL and SQLite, and every spelling of their addresses. Importing it opens nothing."""

import math
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy import create_engine as create_sync_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from cluster.settings.site import SiteSettings
from cluster.storage.addresses import database_url

__all__ = ["create_engine", "create_migration_engine", "database_url"]

_POOL_SIZE = 4
_MOST_CONNECTIONS = 8
_MIGRATION_WAIT_S = 60.0
# Rather SQLite's own "database is locked" than "no answer": its wait ends before that of the whole transaction.
_BUSY_SHARE = 0.8


def create_engine(site: SiteSettings) -> AsyncEngine:
    """The engine of one process (and one event loop) on the site's database; nothing is connected yet.

    Every wait is bounded by `site.database.timeout_s`, in seconds.

    Raises:
        ConfigError: `database.url` cannot be used.
    """
    url = make_url(database_url(site.database.url, site.data_dir))
    timeout_s = site.database.timeout_s
    engine = create_async_engine(
        url,
        pool_size=_POOL_SIZE,
        max_overflow=_MOST_CONNECTIONS - _POOL_SIZE,
        pool_timeout=timeout_s,
        pool_pre_ping=_is_postgresql(url),
        hide_parameters=True,
        connect_args=_connect_args(url, timeout_s, statement_timeout_s=timeout_s),
        execution_options={"timeout_s": timeout_s},
    )
    if not _is_postgresql(url):
        _take_over_transactions(engine.sync_engine, foreign_keys=True)
    return engine


def create_migration_engine(site: SiteSettings) -> Engine:
    """A synchronous engine without a pool, for migrations: statements may take long, waits for a lock may not.

    Foreign keys are not enforced on SQLite: rebuilding a table would delete what refers to it.
    """
    url = make_url(database_url(site.database.url, site.data_dir))
    if not _is_postgresql(url):
        url = url.set(drivername="sqlite")
    engine = create_sync_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_connect_args(url, _MIGRATION_WAIT_S, statement_timeout_s=0),
        execution_options={"writes": True},
    )
    if not _is_postgresql(url):
        _take_over_transactions(engine, foreign_keys=False)
    return engine


def _is_postgresql(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def _connect_args(url: URL, timeout_s: float, *, statement_timeout_s: float) -> dict[str, Any]:
    if _is_postgresql(url):
        return _postgresql_args(url, timeout_s, statement_timeout_s)
    return {"timeout": timeout_s * _BUSY_SHARE}


def _postgresql_args(url: URL, timeout_s: float, statement_timeout_s: float) -> dict[str, Any]:
    wait_ms = math.ceil(timeout_s * 1000)
    own = {
        "statement_timeout": math.ceil(statement_timeout_s * 1000),
        "lock_timeout": wait_ms,
        # A node that vanishes in the middle of a transaction must not hold the change counter's lock for hours.
        "idle_in_transaction_session_timeout": wait_ms,
        "timezone": "UTC",
    }
    options = [str(url.query.get("options", "")), *(f"-c {name}={value}" for name, value in own.items())]
    return {
        "options": " ".join(options).strip(),
        "connect_timeout": max(2, math.ceil(timeout_s)),
        "application_name": url.query.get("application_name", "safe-yolo"),
        "tcp_user_timeout": wait_ms,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "prepare_threshold": None,  # prepared statements break behind a pooling proxy
    }


def _take_over_transactions(engine: Engine, *, foreign_keys: bool) -> None:
    """sqlite3 begins a transaction at the first write only, so that what was read before may be old by then, and a
    reader that turns writer is refused at once. Here a transaction begins where it says so, writers with the lock."""
    switch = "ON" if foreign_keys else "OFF"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # An outbox forgets what the Recorder acknowledged: a committed row has to survive a power cut.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA foreign_keys={switch}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
