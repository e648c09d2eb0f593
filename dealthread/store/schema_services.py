"""Table of what was told of services. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from dealthread.store.schema import metadata

services = Table(
    "services",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    # As it was last told.
    Column("status", String(12), nullable=False),
    # Changed only where it is the number that was read.
    Column("looks", BigInteger, nullable=False),
    # How many changes were told: the next one's number is its id.
    Column("told", Integer, nullable=False),
)
