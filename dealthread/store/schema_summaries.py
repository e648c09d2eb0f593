"""Tables of invoices that are posted as a day's summary. Private to the store."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Integer, String, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from dealthread.store.schema import Instant, metadata

# One document of a ledger for the invoices of a day: open → frozen → posted.
posting_summaries = Table(
    "posting_summaries",
    metadata,
    Column("summary_id", String(120), primary_key=True),
    Column("seller", String(20), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("issue_date", Date, nullable=False),
    Column("part", Integer, nullable=False),
    Column("place", JSONB, nullable=False),
    Column("state", String(12), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("is_started", Boolean, nullable=False, server_default=text("false")),
    # The ledger's answers.
    Column("document", JSONB),
    Column("receipts", JSONB),
    UniqueConstraint("seller", "currency", "issue_date", "part", name="uq_posting_summaries_part"),
)

# An invoice in a summary: waiting → frozen, or single where it was sent back.
posting_summary_members = Table(
    "posting_summary_members",
    metadata,
    Column("billing_account", String(64), primary_key=True),
    Column("native_id", String(120), primary_key=True),
    Column("summary_id", String(120), nullable=False, index=True),
    Column("contract_key", String(20), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    # Its documents as they were frozen.
    Column("frozen", JSONB),
    # The day on which it gets a document of its own, where something asks for that.
    Column("single_on", Date),
)

# How many invoices a company finalised in the month before this one: counted once.
posting_months = Table(
    "posting_months",
    metadata,
    Column("seller", String(20), primary_key=True),
    Column("month", Date, primary_key=True),
    Column("invoices", Integer, nullable=False),
)
