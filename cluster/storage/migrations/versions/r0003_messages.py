"""Who is told of which event, and who acknowledged it."""

import sqlalchemy as sa
from alembic import op

from cluster.storage.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("acknowledged_way", sa.Text))
    for name in ("occurrence", "news_revision"):
        op.add_column("events", sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("1")))
    _create_acknowledgements()
    _create_messages()


def downgrade() -> None:
    op.drop_table("messages")
    op.drop_table("acknowledgements")
    for name in ("news_revision", "occurrence", "acknowledged_way"):
        op.drop_column("events", name)


def _create_acknowledgements() -> None:
    op.create_table(
        "acknowledgements",
        sa.Column("event_id", sa.Text, sa.ForeignKey("events.event_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("occurrence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("acknowledged_by", sa.Text, nullable=False),
        sa.Column("acknowledged_at", UtcDateTime, nullable=False),
        sa.Column("remark", sa.Text, nullable=False),
        sa.Column("way", sa.Text, nullable=False),
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, sa.ForeignKey("events.event_id", ondelete="CASCADE"), nullable=False),
        *(sa.Column(name, kind, nullable=False) for name, kind in _PLANNED.items()),
        sa.Column("next_try_at", UtcDateTime),
        *(sa.Column(name, kind, nullable=False) for name, kind in _TRIED.items()),
        *(sa.Column(name, UtcDateTime) for name in ("sent_at", "accepted_at", "ended_at")),
    )
    op.create_index("messages_by_event", "messages", ["event_id", "created_at"])
    op.create_index("messages_by_end", "messages", ["ended_at"])
    tried = sa.text("next_try_at IS NOT NULL")
    op.create_index("messages_due", "messages", ["next_try_at"], postgresql_where=tried, sqlite_where=tried)


_PLANNED = {
    "kind": sa.Text,
    "occurrence": sa.Integer,
    "rule": sa.Text,
    "step": sa.Integer,
    "channel_id": sa.Text,
    "state": sa.Text,
    "severity": sa.Text,
    "correlation_id": sa.Text,
    "due_at": UtcDateTime,
    "created_at": UtcDateTime,
    "captured_at": UtcDateTime,
    "priority": sa.Integer,
}
_TRIED = {
    "attempts": sa.Integer,
    "uncertain": sa.Boolean,
    "claimed_by": sa.Text,
    "thread": sa.Text,
    "last_error": sa.Text,
}
