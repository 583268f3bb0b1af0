"""Events, their change log, leases and cameras."""

import sqlalchemy as sa
from alembic import op

from cluster.storage.tables import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_events()
    _index_events()
    _create_changes()
    _create_leases_and_cameras()


def downgrade() -> None:
    for table in ("cameras", "leases", "change_counter", "changes", "events"):
        op.drop_table(table)


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("camera_id", sa.Text, nullable=False),
        sa.Column("zone_id", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime),
        sa.Column("model_digest", sa.Text, nullable=False),
        sa.Column("objects", sa.JSON, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("snapshot_state", sa.Text, nullable=False),
        sa.Column("snapshot_name", sa.Text),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("acknowledged_at", UtcDateTime),
        sa.Column("acknowledged_remark", sa.Text),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
    )


def _index_events() -> None:
    for name in ("camera_id", "event_type", "severity"):
        op.create_index(f"events_by_{name}", "events", [name, "opened_at", "event_id"])
    op.create_index("events_by_time", "events", ["opened_at", "event_id"])
    unacknowledged, still_open = sa.text("acknowledged_at IS NULL"), sa.text("state <> 'closed'")
    op.create_index(
        "events_unacknowledged",
        "events",
        ["opened_at", "event_id"],
        postgresql_where=unacknowledged,
        sqlite_where=unacknowledged,
    )
    op.create_index("events_open", "events", ["camera_id"], postgresql_where=still_open, sqlite_where=still_open)


def _create_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Text, sa.ForeignKey("events.event_id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("changes_by_event", "changes", ["event_id", "number"])
    counter = op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"id": 1, "last": 0}])


def _create_leases_and_cameras() -> None:
    op.create_table(
        "leases",
        sa.Column("camera_id", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("granted_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "cameras",
        sa.Column("camera_id", sa.Text, primary_key=True),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
    )
