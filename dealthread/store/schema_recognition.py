"""Tables of recognised revenue. Private to the store, as those of `schema`."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from dealthread.store.schema import Instant, metadata

_NOW = func.now()

# One entry of recognised revenue in the ledger: planned → posted → reversed. What is planned is
# posted before anything else is planned.
recognition_documents = Table(
    "recognition_documents",
    metadata,
    Column("document_key", String(16), primary_key=True),
    Column("seller", String(20), nullable=False),
    Column("period", Date, nullable=False),
    Column("number", Integer, nullable=False),
    Column("erp", String(40), nullable=False),
    Column("company", String(40), nullable=False),
    Column("posting_date", Date, nullable=False),
    Column("deferred_account", String(20), nullable=False),
    Column("amount", Numeric(38, 12), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("ledger_amount", Numeric(38, 12), nullable=False),
    Column("ledger_currency", String(3), nullable=False),
    Column("state", String(12), nullable=False),
    Column("entry", String(60), nullable=False, server_default=""),
    Column("requested_by", String(120), nullable=False, server_default=""),
    Column("reversal_key", String(16), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
    Column("posted_at", Instant),
    Column("reversed_at", Instant),
    UniqueConstraint("seller", "period", "number"),
)

# The contract lines behind each document.
recognition_postings = Table(
    "recognition_postings",
    metadata,
    Column(
        "document_key",
        String(16),
        ForeignKey("recognition_documents.document_key"),
        primary_key=True,
    ),
    Column("contract_key", String(20), primary_key=True, index=True),
    Column("obligation", String(60), primary_key=True),
    Column("account", String(20), primary_key=True),
    Column("month", Date, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("line_key", String(40), nullable=False),
    Column("amount", Numeric(38, 12), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("ledger_amount", Numeric(38, 12), nullable=False),
    Column("ledger_currency", String(3), nullable=False),
    Column("rate", Numeric(38, 12)),
    Column("treatment", String(40), nullable=False, server_default=""),
)

# A service whose revenue waited until the customer accepted it.
service_acceptances = Table(
    "service_acceptances",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    Column("obligation", String(60), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("line_key", String(40), nullable=False),
    Column("account", String(20), nullable=False),
    Column("amount", Numeric(38, 12), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("accepted_on", Date, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
)
