"""unsent use by period: a page of a look at what was never sent begins where the last one ended"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NAME, _TABLE = "ix_usage_periods_unsent", "usage_periods"
_UNSENT = sa.text("quantity > planned")


def upgrade() -> None:
    op.drop_index(_NAME, table_name=_TABLE)
    op.create_index(
        _NAME,
        _TABLE,
        ["billing_account", "contract_key", "line_key", "period_start"],
        postgresql_where=_UNSENT,
    )


def downgrade() -> None:
    op.drop_index(_NAME, table_name=_TABLE)
    op.create_index(_NAME, _TABLE, ["billing_account"], postgresql_where=_UNSENT)
