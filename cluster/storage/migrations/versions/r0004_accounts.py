"""Who may come in, and who did what."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from cluster.storage.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_users()
    _create_tokens()
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        *_texts("who", "action", "subject", "detail", "address", "request_id"),
    )
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_index("audit_by_who", "audit", ["who", "number"])
    op.create_index("audit_by_action", "audit", ["action", "number"])


def downgrade() -> None:
    for table in ("audit", "tickets", "tokens", "sessions", "users"):
        op.drop_table(table)


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text, primary_key=True),
        *_texts("password_hash", "role"),
        sa.Column("cameras", sa.JSON),
        sa.Column("disabled", sa.Boolean, nullable=False),
        *_moments("created_at", "updated_at"),
    )
    op.create_table(
        "sessions",
        sa.Column("session_hash", sa.Text, primary_key=True),
        sa.Column("user_name", sa.Text, sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
        *_texts("address"),
        *_moments("created_at", "seen_at", "expires_at"),
    )
    op.create_index("sessions_by_user", "sessions", ["user_name"])
    op.create_index("sessions_by_end", "sessions", ["expires_at"])


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.Text, primary_key=True),
        *_texts("name", "role"),
        sa.Column("cameras", sa.JSON),
        *_texts("created_by"),
        *_moments("created_at", "expires_at"),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_table(
        "tickets",
        sa.Column("ticket_hash", sa.Text, primary_key=True),
        *_texts("kind", "name", "role"),
        sa.Column("cameras", sa.JSON),
        *_moments("expires_at"),
    )
    op.create_index("tickets_by_end", "tickets", ["expires_at"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _moments(*names: str) -> list[sa.Column[datetime]]:
    return [sa.Column(name, UtcDateTime, nullable=False) for name in names]
