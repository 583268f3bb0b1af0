"""INSERT ... ON CONFLICT, which PostgreSQL and SQLite spell alike and SQLAlchemy keeps in two places."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_into(
    connection: AsyncConnection, table: Table, values: dict[str, Any] | Sequence[dict[str, Any]]
) -> postgresql.Insert | sqlite.Insert:
    """An insert of one row or several, with `on_conflict_do_update` and `excluded`, in the connection's dialect."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).values(values)
    return sqlite.insert(table).values(values)
