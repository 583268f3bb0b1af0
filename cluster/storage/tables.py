"""The tables, as the newest migration leaves them. A test compares the two."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite drops the zone and PostgreSQL answers in the session's: both come back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


events = Table(
    "events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("camera_id", Text, nullable=False),
    Column("zone_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("model_digest", Text, nullable=False),
    Column("objects", JSON, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("snapshot_state", Text, nullable=False),
    Column("snapshot_name", Text),
    Column("acknowledged_by", Text),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_remark", Text),
    Column("acknowledged_way", Text),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("occurrence", Integer, nullable=False, server_default=text("1")),
    Column("news_revision", Integer, nullable=False, server_default=text("1")),
)
"""One row an episode: its highest revision, its snapshot, and who acknowledged what was last news about it."""

for _name in ("camera_id", "event_type", "severity"):
    Index(f"events_by_{_name}", events.c[_name], events.c.opened_at, events.c.event_id)
Index("events_by_time", events.c.opened_at, events.c.event_id)
Index(
    "events_unacknowledged",
    events.c.opened_at,
    events.c.event_id,
    postgresql_where=events.c.acknowledged_at.is_(None),
    sqlite_where=events.c.acknowledged_at.is_(None),
)
STILL_OPEN = text("state <> 'closed'")
"""Written out, because PostgreSQL uses a partial index only for a query that says the same words without parameters."""
Index("events_open", events.c.camera_id, postgresql_where=STILL_OPEN, sqlite_where=STILL_OPEN)

changes = Table(
    "changes",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", Text, ForeignKey("events.event_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("changes_by_event", "event_id", "number"),
)
"""What happened to events, numbered in the order in which it was committed."""

change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
)
"""One row. Its lock is what puts the numbers into commit order; a sequence hands them out before."""

leases = Table(
    "leases",
    metadata,
    Column("camera_id", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
)

cameras = Table(
    "cameras",
    metadata,
    Column("camera_id", Text, primary_key=True),
    Column("settings", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
)
"""Cameras made through the API. A deleted one keeps its row, so that its revision never goes back."""

overrides = Table(
    "overrides",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("camera_id", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("value", Boolean),
    Column("until", UtcDateTime),
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Index("overrides_newest", "camera_id", "field", "number"),
)
"""What operators said about cameras, one row a word, never changed: the highest number holds."""

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("event_id", Text, ForeignKey("events.event_id", ondelete="CASCADE"), primary_key=True),
    Column("occurrence", Integer, primary_key=True, autoincrement=False),
    Column("acknowledged_by", Text, nullable=False),
    Column("acknowledged_at", UtcDateTime, nullable=False),
    Column("remark", Text, nullable=False),
    Column("way", Text, nullable=False),
)
"""Every acknowledgement that ever was; the event's own columns hold that of its present occurrence only."""

messages = Table(
    "messages",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("event_id", Text, ForeignKey("events.event_id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("channel_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("next_try_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("uncertain", Boolean, nullable=False),
    Column("claimed_by", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("accepted_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("messages_by_event", "event_id", "created_at"),
)
"""One row a message to one channel: planned with its event, sent by the Notifier."""
TO_BE_TRIED = text("next_try_at IS NOT NULL")
"""Written out for the same reason as STILL_OPEN. Who is finished has no next try: the index holds the others only."""
Index("messages_due", messages.c.next_try_at, postgresql_where=TO_BE_TRIED, sqlite_where=TO_BE_TRIED)
Index("messages_by_end", messages.c.ended_at)
