"""adoption: plans, their proposals, what people said, opening figures"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adoption_plans",
        sa.Column("plan_id", sa.String(20), nullable=False),
        sa.Column("seller", sa.String(20), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("won_from", sa.Date(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), server_default="proposed", nullable=False),
        sa.Column("is_tied", sa.Boolean(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("proposed_by", sa.String(120), nullable=False),
        sa.Column(
            "proposed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("approved_by", sa.String(120), server_default="", nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True)),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("plan_id", name="pk_adoption_plans"),
    )
    op.create_index("ix_adoption_plans_seller", "adoption_plans", ["seller"])
    op.create_table(
        "adoption_proposals",
        sa.Column("plan_id", sa.String(20), nullable=False),
        sa.Column("contract_key", sa.String(20), nullable=False),
        sa.Column("written", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["adoption_plans.plan_id"],
            name="fk_adoption_proposals_plan_id_adoption_plans",
        ),
        sa.PrimaryKeyConstraint("plan_id", "contract_key", name="pk_adoption_proposals"),
    )
    op.create_index("ix_adoption_proposals_contract_key", "adoption_proposals", ["contract_key"])
    op.create_table(
        "adoption_answers",
        sa.Column("seller", sa.String(20), nullable=False),
        sa.Column("deal_id", sa.String(18), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("said_by", sa.String(120), nullable=False),
        sa.Column(
            "said_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("seller", "deal_id", name="pk_adoption_answers"),
    )
    op.create_table(
        "adopted_openings",
        sa.Column("contract_key", sa.String(20), nullable=False),
        sa.Column("plan_id", sa.String(20), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("billed", sa.Numeric(38, 12), nullable=False),
        sa.Column("recognised", sa.Numeric(38, 12), nullable=False),
        sa.Column("deferred", sa.Numeric(38, 12), nullable=False),
        sa.Column("owed", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["adoption_plans.plan_id"],
            name="fk_adopted_openings_plan_id_adoption_plans",
        ),
        sa.PrimaryKeyConstraint("contract_key", name="pk_adopted_openings"),
    )


def downgrade() -> None:
    for table in (
        "adopted_openings",
        "adoption_answers",
        "adoption_proposals",
        "adoption_plans",
    ):
        op.drop_table(table)
