"""Tables of usage. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    Numeric,
    String,
    Table,
    func,
    text,
)

from dealthread.store.schema import Instant, metadata

_NOW = func.now()

# Every event that was accepted, once by its source and id; never changed.
usage_events = Table(
    "usage_events",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("event_id", String(200), primary_key=True),
    Column("contract_key", String(20), nullable=False),
    Column("line_key", String(40), nullable=False),
    Column("period_start", Date, nullable=False),
    Column("quantity", Numeric(38, 12), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False, server_default=_NOW),
    # Of what the event says: a repeat that says something else is refused.
    Column("content_hash", String(32), nullable=False),
    Index(
        "ix_usage_events_contract_key_line_key_period_start",
        "contract_key",
        "line_key",
        "period_start",
        "occurred_at",
    ),
)

# What a contract line used in a billing period. `planned` is the part that batches hold: the rest
# is still to be sent.
usage_periods = Table(
    "usage_periods",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    Column("line_key", String(40), primary_key=True),
    Column("period_start", Date, primary_key=True),
    Column("period_end", Date, nullable=False),
    Column("seller", String(20), nullable=False, index=True),
    Column("billing_account", String(64), nullable=False),
    Column("customer_key", String(20), nullable=False),
    Column("meter", String(60), nullable=False),
    Column("quantity", Numeric(38, 12), nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("planned", Numeric(38, 12), nullable=False, server_default="0"),
    Column("batches", Integer, nullable=False, server_default="0"),
    Column("last_used_at", Instant, nullable=False),
    # When a sum was last made of it.
    Column("planned_at", Instant),
    # What the biller's issued bills have of it, as they were last read; NULL: none has the period.
    Column("billed", Numeric(38, 12)),
    Index(
        "ix_usage_periods_billed_otherwise",
        "contract_key",
        "line_key",
        "period_start",
        postgresql_where=text("quantity IS DISTINCT FROM billed"),
    ),
    Index(
        "ix_usage_periods_unsent",
        "billing_account",
        "contract_key",
        "line_key",
        "period_start",
        postgresql_where=text("quantity > planned"),
    ),
)

# The same by month of use: revenue belongs to it.
usage_months = Table(
    "usage_months",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    Column("line_key", String(40), primary_key=True),
    Column("period_start", Date, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("quantity", Numeric(38, 12), nullable=False),
)

# Sums on their way to the biller: planned → sent. What is planned is sent until it is known to be
# there. `refusal` says why the biller did not take it so far.
usage_batches = Table(
    "usage_batches",
    metadata,
    Column("batch_key", String(32), primary_key=True),
    Column("billing_account", String(64), nullable=False),
    Column("contract_key", String(20), nullable=False),
    Column("line_key", String(40), nullable=False),
    Column("period_start", Date, nullable=False),
    Column("number", Integer, nullable=False),
    Column("quantity", Numeric(38, 12), nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_attempt_at", Instant),
    Column("next_attempt_at", Instant, nullable=False, server_default=_NOW),
    Column("sent_at", Instant),
    Column("refusal", String(120), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
    Index(
        "ix_usage_batches_contract_key_line_key_period_start",
        "contract_key",
        "line_key",
        "period_start",
    ),
    Index(
        "ix_usage_batches_planned",
        "billing_account",
        "next_attempt_at",
        postgresql_where=text("state = 'planned'"),
    ),
)
