"""Tables that only the ingress reads and writes."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from cluster.storage.tables import UtcDateTime, metadata

whole_numbers = Table(
    "whole_numbers",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    Index("whole_numbers_by_name", "kind", "name", unique=True),
    sqlite_autoincrement=True,
)
"""What the desktop client calls our cameras, zones and events. A row is never changed and never deleted."""

ingress_generation = Table(
    "ingress_generation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("release", Text, nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
)
"""One row: the release whose ingress began last. Its lock makes all replicas of a release one generation."""

desktop_positions = Table(
    "desktop_positions",
    metadata,
    Column("client", Text, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""How far in the change log each desktop client was told, and when."""
