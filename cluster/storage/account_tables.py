"""The tables of `cluster.accounts`, which reads and writes them; here, because all tables make one schema."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from cluster.storage.tables import UtcDateTime, metadata

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("cameras", JSON(none_as_null=True)),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""`password_hash`: argon2id with its parameters and salt. `cameras` NULL: all of them."""

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", Text, primary_key=True),
    Column("user_name", Text, ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("sessions_by_user", "user_name"),
    Index("sessions_by_end", "expires_at"),
)
"""Who is signed in. Of the id in the cookie only the SHA-256 is kept: who reads this table is not signed in by it."""

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("cameras", JSON(none_as_null=True)),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)
"""Bearer tokens of programs, without what signs them; a revoked one keeps its row."""

tickets = Table(
    "tickets",
    metadata,
    Column("ticket_hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("cameras", JSON(none_as_null=True)),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("credential_kind", Text),
    Column("credential_row", Text),
    Index("tickets_by_end", "expires_at"),
)
"""What opens one socket once. In a table, because another replica than the one that gave it may be asked. It holds no
longer than the credential by which it was given, which names a session or token."""

wrong_passwords = Table(
    "wrong_passwords",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("wrong", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("wrong_passwords_by_time", "at"),
)
"""How many were wrong lately, of one user and from one address, by keyed hashes: a name may be a password, mistyped."""

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Index("audit_by_time", "at"),
    Index("audit_by_who", "who", "number"),
    Index("audit_by_action", "action", "number"),
)
"""Who did what, one row each, never changed."""
