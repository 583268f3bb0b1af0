"""What operators switched off and on."""

import sqlalchemy as sa
from alembic import op

from cluster.storage.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "overrides",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("camera_id", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("value", sa.Boolean),
        sa.Column("until", UtcDateTime),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", UtcDateTime, nullable=False),
    )
    op.create_index("overrides_newest", "overrides", ["camera_id", "field", "number"])


def downgrade() -> None:
    op.drop_table("overrides")
