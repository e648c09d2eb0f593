"""contract_checks: what the last comparison of a contract with every system came to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contract_checks",
        sa.Column("contract_key", sa.String(length=20), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finding", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("contract_key", name=op.f("pk_contract_checks")),
    )
    op.create_index("ix_contract_checks_next_at", "contract_checks", ["next_at"])


def downgrade() -> None:
    op.drop_index("ix_contract_checks_next_at", table_name="contract_checks")
    op.drop_table("contract_checks")
