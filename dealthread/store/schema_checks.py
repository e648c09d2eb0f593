"""Table of comparisons with the systems. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from dealthread.store.schema import Instant, metadata

# What the last look at a contract in every system came to, and when the next is due.
contract_checks = Table(
    "contract_checks",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    # Business time; empty until the first look has come to an end.
    Column("checked_at", Instant),
    # The database's time.
    Column("next_at", Instant, nullable=False),
    Column("finding", JSONB),
    # Looks that were begun since the last one that came to an end.
    Column("tries", Integer, nullable=False, server_default="0"),
    Index("ix_contract_checks_next_at", "next_at"),
)
