"""Tables of adoption. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    String,
    Table,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from dealthread.store.schema import Instant, metadata

_NOW = func.now()

# What would be adopted of one company, as the systems stood when it was proposed.
adoption_plans = Table(
    "adoption_plans",
    metadata,
    Column("plan_id", String(20), primary_key=True),
    Column("seller", String(20), nullable=False, index=True),
    Column("as_of", Date, nullable=False),
    Column("won_from", Date, nullable=False),
    Column("digest", String(64), nullable=False),
    # proposed → approved → done
    Column("state", String(12), nullable=False, server_default="proposed"),
    Column("is_tied", Boolean, nullable=False),
    Column("contracts", Integer, nullable=False),
    # Without its proposals, which have rows of their own.
    Column("body", JSONB, nullable=False),
    Column("proposed_by", String(120), nullable=False),
    Column("proposed_at", Instant, nullable=False, server_default=_NOW),
    Column("approved_by", String(120), nullable=False, server_default=""),
    Column("approved_at", Instant),
    Column("done_at", Instant),
)

adoption_proposals = Table(
    "adoption_proposals",
    metadata,
    Column("plan_id", String(20), ForeignKey("adoption_plans.plan_id"), primary_key=True),
    Column("contract_key", String(20), primary_key=True, index=True),
    Column("written", Boolean, nullable=False, server_default=text("false")),
    Column("body", JSONB, nullable=False),
)

# What people said of deals that the systems alone do not settle.
adoption_answers = Table(
    "adoption_answers",
    metadata,
    Column("seller", String(20), primary_key=True),
    Column("deal_id", String(18), primary_key=True),
    Column("body", JSONB, nullable=False),
    Column("said_by", String(120), nullable=False),
    Column("said_at", Instant, nullable=False, server_default=_NOW),
)

# Figures of an adopted contract on the morning of the opening, net, in its currency.
adopted_openings = Table(
    "adopted_openings",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    Column("plan_id", String(20), ForeignKey("adoption_plans.plan_id"), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("billed", Numeric(38, 12), nullable=False),
    Column("recognised", Numeric(38, 12), nullable=False),
    Column("deferred", Numeric(38, 12), nullable=False),
    # What is left to pay of invoices that others posted, as text, by the biller's id.
    Column("owed", JSONB, nullable=False),
)
