"""Table of comparisons with the systems. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from dealthread.store.schema import Instant, metadata

# What the last look at a contract in every system came to, and when the next is due.
contract_checks = Table(
    "contract_checks",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    # Business time.
    Column("checked_at", Instant, nullable=False),
    # The database's time.
    Column("next_at", Instant, nullable=False),
    Column("finding", JSONB, nullable=False),
    Index("ix_contract_checks_next_at", "next_at"),
)
