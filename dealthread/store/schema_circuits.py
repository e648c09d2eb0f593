"""Tables of circuits and outages. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, String, Table, Text, text

from dealthread.store.schema import Instant, metadata

circuits = Table(
    "circuits",
    metadata,
    Column("vendor", String(40), primary_key=True),
    # "" is the whole vendor.
    Column("account", String(40), primary_key=True),
    # closed | open | half_open; changed only where the version is the one that was read.
    Column("state", String(12), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("opened_at", Instant),
    Column("next_probe_at", Instant),
    Column("pause_seconds", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_by", String(120), nullable=False),
    Column("incident", String(20), nullable=False),
    Column("prober", String(120), nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("incident", String(20), primary_key=True),
    Column("vendor", String(40), nullable=False),
    Column("account", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_by", String(120), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String(120), nullable=False, server_default=""),
    Column("closing_reason", Text, nullable=False, server_default=""),
    # One outage of a vendor or account at a time.
    Index(
        "uq_incidents_open",
        "vendor",
        "account",
        unique=True,
        postgresql_where=text("closed_at IS NULL"),
    ),
)
