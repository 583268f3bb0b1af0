"""Whole numbers for the desktop client, and the generation of the ingress."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from cluster.storage.tables import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "whole_numbers",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("given_at", UtcDateTime, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("whole_numbers_by_name", "whole_numbers", ["kind", "name"], unique=True)
    generation = op.create_table(
        "ingress_generation",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("begun_at", UtcDateTime, nullable=False),
    )
    op.bulk_insert(generation, [{"id": 1, "generation": 0, "release": "", "begun_at": datetime.now(UTC)}])


def downgrade() -> None:
    op.drop_table("ingress_generation")
    op.drop_table("whole_numbers")
