"""usage"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _text(name: str, length: int, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), server_default=default, nullable=False)


def _amount(name: str, default: str | None = None) -> sa.Column[object]:
    kind = sa.Numeric(precision=38, scale=12)
    return sa.Column(name, kind, server_default=default, nullable=False)


def _day(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=False)


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _instant(name: str, *, now: bool = False, nullable: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _period() -> tuple[sa.Column[object], ...]:
    return _text("contract_key", 20), _text("line_key", 40), _day("period_start")


def upgrade() -> None:
    op.create_table(
        "usage_events",
        _text("source", 200),
        _text("event_id", 200),
        *_period(),
        _amount("quantity"),
        _instant("occurred_at"),
        _instant("received_at", now=True),
        _text("content_hash", 32),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_usage_events")),
    )
    op.create_index(
        "ix_usage_events_contract_key_line_key_period_start",
        "usage_events",
        ["contract_key", "line_key", "period_start", "occurred_at"],
    )
    op.create_table(
        "usage_periods",
        *_period(),
        _day("period_end"),
        _text("seller", 20),
        _text("billing_account", 64),
        _text("customer_key", 20),
        _text("meter", 60),
        _amount("quantity"),
        sa.Column("events", sa.BigInteger(), nullable=False),
        _amount("planned", "0"),
        _count("batches"),
        _instant("last_used_at"),
        _instant("planned_at", nullable=True),
        sa.PrimaryKeyConstraint(
            "contract_key", "line_key", "period_start", name=op.f("pk_usage_periods")
        ),
    )
    op.create_index(op.f("ix_usage_periods_seller"), "usage_periods", ["seller"])
    op.create_index(
        "ix_usage_periods_unsent",
        "usage_periods",
        ["billing_account"],
        postgresql_where=sa.text("quantity > planned"),
    )
    op.create_table(
        "usage_months",
        *_period(),
        _day("month"),
        _amount("quantity"),
        sa.PrimaryKeyConstraint(
            "contract_key", "line_key", "period_start", "month", name=op.f("pk_usage_months")
        ),
    )
    op.create_table(
        "usage_batches",
        _text("batch_key", 32),
        _text("billing_account", 64),
        *_period(),
        sa.Column("number", sa.Integer(), nullable=False),
        _amount("quantity"),
        _instant("used_at"),
        _text("state", 12),
        _count("attempts"),
        _instant("first_attempt_at", nullable=True),
        _instant("next_attempt_at", now=True),
        _instant("sent_at", nullable=True),
        _text("refusal", 120, ""),
        _instant("created_at", now=True),
        sa.PrimaryKeyConstraint("batch_key", name=op.f("pk_usage_batches")),
    )
    op.create_index(
        "ix_usage_batches_contract_key_line_key_period_start",
        "usage_batches",
        ["contract_key", "line_key", "period_start"],
    )
    op.create_index(
        "ix_usage_batches_planned",
        "usage_batches",
        ["billing_account", "next_attempt_at"],
        postgresql_where=sa.text("state = 'planned'"),
    )


def downgrade() -> None:
    for table in ("usage_batches", "usage_months", "usage_periods", "usage_events"):
        op.drop_table(table)
