"""billed usage: what the biller's bills have of the use of each billing period"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Of the bills that were read before this; afterwards each reading tells anew.
_BILLED = """
    UPDATE usage_periods SET billed = (
        SELECT sum((line ->> 'quantity')::numeric)
        FROM bills, jsonb_array_elements(bills.body -> 'lines') AS line
        WHERE bills.contract_key = usage_periods.contract_key
          AND bills.body ->> 'status' IN ('open', 'paid', 'uncollectible')
          AND line ->> 'line_key' = usage_periods.line_key
          AND (line ->> 'period_start')::date = usage_periods.period_start)
"""


def upgrade() -> None:
    op.add_column("usage_periods", sa.Column("billed", sa.Numeric(38, 12)))
    op.execute(_BILLED)
    op.create_index(
        "ix_usage_periods_billed_otherwise",
        "usage_periods",
        ["contract_key", "line_key", "period_start"],
        postgresql_where=sa.text("quantity IS DISTINCT FROM billed"),
    )


def downgrade() -> None:
    op.drop_index("ix_usage_periods_billed_otherwise", table_name="usage_periods")
    op.drop_column("usage_periods", "billed")
