"""What a ticket was made with, and wrong passwords that all replicas count together."""

import sqlalchemy as sa
from alembic import op

from cluster.storage.tables import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty where the release before gave the ticket, which holds for 30 s.
    op.add_column("tickets", sa.Column("credential_kind", sa.Text))
    op.add_column("tickets", sa.Column("credential_row", sa.Text))
    op.create_table(
        "wrong_passwords",
        sa.Column("key_hash", sa.Text, primary_key=True),
        sa.Column("wrong", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_index("wrong_passwords_by_time", "wrong_passwords", ["at"])


def downgrade() -> None:
    op.drop_table("wrong_passwords")
    with op.batch_alter_table("tickets") as batch:
        batch.drop_column("credential_row")
        batch.drop_column("credential_kind")
