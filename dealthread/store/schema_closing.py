"""Table of closed months. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, String, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from dealthread.store.schema import Instant, metadata

_NOW = func.now()

# One attempt to close a month of a company: begun → checked → signed → closed, or stopped.
closes = Table(
    "closes",
    metadata,
    Column("seller", String(20), primary_key=True),
    Column("period", Date, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(12), nullable=False),
    Column("begun_by", String(120), nullable=False),
    Column("begun_at", Instant, nullable=False, server_default=_NOW),
    Column("checked_at", Instant),
    # Of the evidence: what was signed is what stands here.
    Column("fingerprint", String(64), nullable=False, server_default=""),
    Column("evidence", JSONB),
    # The month's entries for a second reader of the books.
    Column("journal", Text, nullable=False, server_default=""),
    Column("signed_by", String(120), nullable=False, server_default=""),
    Column("signed_at", Instant),
    Column("reason", Text, nullable=False, server_default=""),
    Column("closed_at", Instant),
    Column("ledger_period", String(120), nullable=False, server_default=""),
)
