"""bills"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bills",
        sa.Column("billing_account", sa.String(length=64), nullable=False),
        sa.Column("native_id", sa.String(length=120), nullable=False),
        sa.Column("contract_key", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("billing_account", "native_id", name=op.f("pk_bills")),
    )
    op.create_index(op.f("ix_bills_contract_key"), "bills", ["contract_key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_bills_contract_key"), table_name="bills")
    op.drop_table("bills")
