"""closes: months of legal entities that were closed, with what they were closed on"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "closes",
        sa.Column("seller", sa.String(length=20), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("begun_by", sa.String(length=120), nullable=False),
        sa.Column(
            "begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), server_default="", nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=True),
        sa.Column("journal", sa.Text(), server_default="", nullable=False),
        sa.Column("signed_by", sa.String(length=120), server_default="", nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ledger_period", sa.String(length=120), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seller", "period", "number", name=op.f("pk_closes")),
    )


def downgrade() -> None:
    op.drop_table("closes")
