"""posting_summaries: invoices that are posted as one document a day, and what became of each"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SUMMARIES, _MEMBERS, _MONTHS = "posting_summaries", "posting_summary_members", "posting_months"


def upgrade() -> None:
    op.create_table(
        _SUMMARIES,
        sa.Column("summary_id", sa.String(length=120), nullable=False),
        sa.Column("seller", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("place", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_started", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("document", postgresql.JSONB()),
        sa.Column("receipts", postgresql.JSONB()),
        sa.PrimaryKeyConstraint("summary_id", name=op.f("pk_posting_summaries")),
        sa.UniqueConstraint(
            "seller", "currency", "issue_date", "part", name="uq_posting_summaries_part"
        ),
    )
    op.create_table(
        _MEMBERS,
        sa.Column("billing_account", sa.String(length=64), nullable=False),
        sa.Column("native_id", sa.String(length=120), nullable=False),
        sa.Column("summary_id", sa.String(length=120), nullable=False),
        sa.Column("contract_key", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("frozen", postgresql.JSONB()),
        sa.Column("single_on", sa.Date()),
        sa.PrimaryKeyConstraint(
            "billing_account", "native_id", name=op.f("pk_posting_summary_members")
        ),
    )
    op.create_index("ix_posting_summary_members_summary_id", _MEMBERS, ["summary_id"])
    op.create_index("ix_posting_summary_members_contract_key", _MEMBERS, ["contract_key"])
    op.create_table(
        _MONTHS,
        sa.Column("seller", sa.String(length=20), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("invoices", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seller", "month", name=op.f("pk_posting_months")),
    )


def downgrade() -> None:
    for table in (_MONTHS, _MEMBERS, _SUMMARIES):
        op.drop_table(table)
