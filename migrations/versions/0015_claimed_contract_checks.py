"""contract_checks: a look is claimed before it begins, and its failures are counted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLE = "contract_checks"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.alter_column(_TABLE, "checked_at", nullable=True)
    op.alter_column(_TABLE, "finding", nullable=True)


def downgrade() -> None:
    # What was claimed and never looked at is due for its first look again.
    op.execute(sa.text("DELETE FROM contract_checks WHERE finding IS NULL"))
    op.alter_column(_TABLE, "finding", nullable=False)
    op.alter_column(_TABLE, "checked_at", nullable=False)
    op.drop_column(_TABLE, "tries")
