"""collections"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pursuits",
        sa.Column("business_key", sa.String(length=120), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("contract_key", sa.String(length=20), nullable=False),
        sa.Column("customer_key", sa.String(length=20), nullable=False),
        sa.Column("seller", sa.String(length=20), nullable=False),
        sa.Column("billing_account", sa.String(length=64), nullable=False),
        sa.Column("invoice_id", sa.String(length=120), nullable=False),
        sa.Column("invoice_number", sa.String(length=80), nullable=False),
        sa.Column("amount", sa.Numeric(precision=38, scale=12), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("promised_until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("business_key", "generation", name=op.f("pk_pursuits")),
    )
    for column in ("contract_key", "customer_key", "invoice_id", "invoice_number"):
        op.create_index(op.f(f"ix_pursuits_{column}"), "pursuits", [column])


def downgrade() -> None:
    for column in ("contract_key", "customer_key", "invoice_id", "invoice_number"):
        op.drop_index(op.f(f"ix_pursuits_{column}"), table_name="pursuits")
    op.drop_table("pursuits")
