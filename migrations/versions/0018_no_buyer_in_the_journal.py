"""journal: the answer to a recorded payment said who bought; that is personal, and taken out"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        sa.text(
            """UPDATE journal SET result = (result::jsonb - 'buyer')::text
            WHERE step = 'billing.record_payment' AND result LIKE '%"buyer"%'"""
        )
    )


def downgrade() -> None:
    """What was taken out is nowhere of ours; without it the older code reads the rows as well."""
