"""Addresses of databases: what people write, turned into what SQLAlchemy runs."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from psycopg import pq
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from cluster.safety.errors import ConfigError
from cluster.settings.base import project_path

SQLITE_FILE = "safe-yolo.db"

_POSTGRESQL = re.compile(r"postgres(ql)?(\+[a-z0-9_]+)?", re.IGNORECASE)
_SQLITE = re.compile(r"sqlite3?(\+(aiosqlite|pysqlite))?", re.IGNORECASE)
_MEND = "write postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///FILE, or leave it empty"
# Of asyncpg and of SQLAlchemy's shell around it; they tune what psycopg does not have.
_ASYNCPG_ONLY = frozenset(
    {"prepared_statement_cache_size", "prepared_statement_name_func", "statement_cache_size", "command_timeout"}
)


def database_url(text: str, data_dir: Path) -> str:
    """The address that SQLAlchemy's asyncio engine takes, passwords included; never log it.

    Every spelling of PostgreSQL comes out as `postgresql+psycopg://`, of SQLite as `sqlite+aiosqlite:///FILE`.
    Empty, or `sqlite://` without a file: `safe-yolo.db` in `data_dir`. Relative files start at the project's root.

    Raises:
        ConfigError: anything else; the value is redacted.
    """
    address = text.strip()
    if not address:
        return _sqlite_url(data_dir / SQLITE_FILE)
    scheme, separator, _ = address.partition("://")
    if separator and _POSTGRESQL.fullmatch(scheme):
        return _postgresql_url(address)
    if separator and _SQLITE.fullmatch(scheme):
        return _sqlite_url(_sqlite_file(address, data_dir))
    raise _fault(address, "is neither PostgreSQL nor SQLite")


def _postgresql_url(address: str) -> str:
    if urlsplit(address).netloc.count("@") > 1:
        raise _fault(address, "has more than one '@'", "write an '@' in the password as %40")
    url = _parsed(address).set(drivername="postgresql+psycopg")
    return _with_libpq_parameters(url, address).render_as_string(hide_password=False)


def _with_libpq_parameters(url: URL, address: str) -> URL:
    """`url` with asyncpg's parameters translated or left out."""
    query = {key: value for key, value in url.query.items() if key not in _ASYNCPG_ONLY}
    if "ssl" in query:
        ssl = str(query.pop("ssl"))
        query.setdefault("sslmode", {"true": "require", "false": "disable"}.get(ssl.lower(), ssl))
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    if unknown := sorted(set(query) - known):
        raise _fault(address, f"PostgreSQL knows no parameter {unknown[0]!r}", "leave it out")
    return url.set(query=query)


def _sqlite_file(address: str, data_dir: Path) -> Path:
    url = _parsed(address)
    if url.host or url.query:
        raise _fault(address, "a SQLite file has neither host nor parameters", "write sqlite:///FILE")
    if url.database is None:
        return data_dir / SQLITE_FILE
    if url.database == ":memory:" or url.database.startswith("file:"):
        raise _fault(address, "a database in memory would keep no event", "write sqlite:///FILE")
    return project_path(url.database)


def _sqlite_url(file: Path) -> str:
    return URL.create("sqlite+aiosqlite", database=str(file.absolute())).render_as_string(hide_password=False)


def _parsed(address: str) -> URL:
    try:
        return make_url(address)
    except (ArgumentError, ValueError) as error:
        # The text of the error may hold the address, and so the password.
        raise _fault(address, "is not an address") from error


def _fault(address: str, reason: str, mend: str = _MEND) -> ConfigError:
    return ConfigError("site.yaml", "database.url", address, reason, mend)
