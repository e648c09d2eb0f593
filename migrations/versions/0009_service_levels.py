"""service levels: what of a bill is still to be seen in the ledger; runs that are under way"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "bills",
        sa.Column("to_check", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.create_index(
        "ix_bills_to_check",
        "bills",
        ["billing_account", "native_id"],
        postgresql_where=sa.text("to_check"),
    )
    op.create_index(
        "ix_runs_open",
        "runs",
        ["contract_key", "business_key"],
        postgresql_where=sa.text("outcome IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_runs_open", table_name="runs")
    op.drop_index("ix_bills_to_check", table_name="bills")
    op.drop_column("bills", "to_check")
