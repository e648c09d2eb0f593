"""Tables. Private to the store; everything outside speaks domain models.

Money is `numeric(38,12)` with a `char(3)` currency beside it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = DateTime(timezone=True)
_NOW = func.now()

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("source", String(40), nullable=False),
    Column("account", String(64), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False, server_default=_NOW),
    # new → handled | held | refused; held rows wait for a consumer that does not exist yet.
    Column("state", String(12), nullable=False, server_default="new"),
    Column("outcome", String(60), nullable=False, server_default=""),
    Column("business_key", String(120), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant, nullable=False, server_default=_NOW),
    Column("handled_at", Instant),
    UniqueConstraint("source", "account", "message_id"),
    Index("ix_inbox_new", "next_attempt_at", postgresql_where=text("state = 'new'")),
)

runs = Table(
    "runs",
    metadata,
    Column("business_key", String(120), primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("contract_key", String(20), nullable=False, index=True),
    Column("org", String(18), nullable=False),
    Column("deal_id", String(18), nullable=False, index=True),
    Column("requested_by", String(120), nullable=False),
    Column("stage", String(60), nullable=False, server_default="received"),
    Column("stage_at", Instant, nullable=False, server_default=_NOW),
    Column("outcome", String(20)),
    Column("delivered", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
    Column("ended_at", Instant),
    Index("ix_runs_open", "contract_key", "business_key", postgresql_where=text("outcome IS NULL")),
)

contracts = Table(
    "contracts",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    Column("number", String(40), nullable=False),
    Column("org", String(18), nullable=False),
    Column("deal_id", String(18), nullable=False, index=True),
    Column("seller", String(20), nullable=False, index=True),
    Column("region", String(40), nullable=False),
    Column("customer_key", String(20), nullable=False, index=True),
    Column("customer_name", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("tcv", Numeric(38, 12), nullable=False),
    Column("state", String(20), nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date),
    Column("content_hash", String(64), nullable=False),
    Column("config_version", String(20), nullable=False),
    Column("body", JSONB, nullable=False),
    Column("sync_sequence", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
    Column("changed_at", Instant, nullable=False, server_default=_NOW),
)

contract_versions = Table(
    "contract_versions",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("change_id", String(120), nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("effective_from", Date, nullable=False),
    Column("accepted_on", Date, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("tcv", Numeric(38, 12), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("working", Text, nullable=False, server_default=""),
    Column("body", JSONB, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
)

revenue_schedule = Table(
    "revenue_schedule",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    # The version that planned the row; the latest one is the plan that holds.
    Column("version", Integer, primary_key=True),
    Column("obligation", String(60), primary_key=True),
    Column("month", Date, primary_key=True),
    Column("line_key", String(40), nullable=False),
    Column("account", String(20), nullable=False),
    Column("amount", Numeric(38, 12), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("treatment", String(40), nullable=False, server_default=""),
)

# The biller's invoices of our contracts as they were last read: the biller owns what they say.
bills = Table(
    "bills",
    metadata,
    Column("billing_account", String(64), primary_key=True),
    Column("native_id", String(120), primary_key=True),
    Column("contract_key", String(20), nullable=False, index=True),
    Column("number", String(80), nullable=False),
    Column("body", JSONB, nullable=False),
    Column("read_at", Instant, nullable=False),
    # Whether its posting and payments have yet to be seen in the ledger; each reading asks anew.
    Column("to_check", Boolean, nullable=False, server_default=text("true")),
    Index(
        "ix_bills_to_check",
        "billing_account",
        "native_id",
        postgresql_where=text("to_check"),
    ),
)

change_orders = Table(
    "change_orders",
    metadata,
    Column("change_id", String(120), primary_key=True),
    Column("contract_key", String(20), nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("body", JSONB, nullable=False),
    Column("requested_by", String(120), nullable=False),
    Column("preview", JSONB),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
)

journal = Table(
    "journal",
    metadata,
    Column("key", String(240), primary_key=True),
    Column("business_key", String(120), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("contract_key", String(20), nullable=False, index=True),
    Column("step", String(60), nullable=False),
    Column("system", String(20), nullable=False),
    Column("account", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unknowns", Integer, nullable=False, server_default="0"),
    Column("opened_at", Instant, nullable=False, server_default=_NOW),
    Column("first_sent_at", Instant),
    Column("last_sent_at", Instant),
    Column("lease_until", Instant),
    Column("finished_at", Instant),
    Column("fenced", Boolean, nullable=False, server_default=text("false")),
    Column("how", String(20), nullable=False, server_default=""),
    Column("code", String(120), nullable=False, server_default=""),
    Column("result", Text),
    # Names of the fields that the act changes, or that it makes the record: kept before it is sent.
    Column("noted", JSONB),
    Column("amount", Numeric(38, 12)),
    Column("currency", String(3)),
    CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="money"),
    Index(
        "ix_journal_uncertain", "last_sent_at", postgresql_where=text("state IN ('sent','unknown')")
    ),
)

crosswalk = Table(
    "crosswalk",
    metadata,
    Column("contract_key", String(20), primary_key=True),
    Column("system", String(20), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("native_id", String(120), primary_key=True),
    Column("how", String(20), nullable=False),
    Column("since", Instant, nullable=False, server_default=_NOW),
    Index("ix_crosswalk_native_id", "native_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("stream", String(120), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("event", String(60), nullable=False),
    Column("key", String(240), nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("type", String(80), nullable=False),
    Column("subject", String(40), nullable=False, index=True),
    Column("body", JSONB, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("event_id", String(60), ForeignKey("outbox.id"), primary_key=True),
    Column("subscriber", String(60), primary_key=True),
    Column("state", String(12), nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant, nullable=False, server_default=_NOW),
    Column("answer", String(120), nullable=False, server_default=""),
    Column("delivered_at", Instant),
    Column("routed_at", Instant, nullable=False, server_default=_NOW),
    # The replay that asked for it again; empty for the first telling.
    Column("replay_id", String(40), nullable=False, server_default="", index=True),
    Index("ix_deliveries_pending", "next_attempt_at", postgresql_where=text("state = 'pending'")),
)

# How each subscriber answers; who they are stands in the settings.
subscribers = Table(
    "subscribers",
    metadata,
    Column("name", String(60), primary_key=True),
    # enabled | disabled; a disabled one is asked nothing, its events wait.
    Column("state", String(12), nullable=False, server_default="enabled"),
    Column("failures_in_row", Integer, nullable=False, server_default="0"),
    Column("failing_since", Instant),
    Column("last_code", String(120), nullable=False, server_default=""),
    Column("last_answered_at", Instant),
    Column("disabled_at", Instant),
)

replays = Table(
    "replays",
    metadata,
    Column("replay_id", String(40), primary_key=True),
    Column("subscriber", String(60), nullable=False, index=True),
    Column("actor", String(120), nullable=False),
    Column("wanted", JSONB, nullable=False),
    Column("count", Integer, nullable=False),
    Column("rate_per_second", Integer, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=_NOW),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("kind", String(60), nullable=False, index=True),
    Column("queue", String(40), nullable=False, index=True),
    Column("state", String(12), nullable=False, index=True),
    Column("contract_key", String(20), nullable=False, index=True),
    Column("business_key", String(120), nullable=False),
    Column("workflow_id", String(160), nullable=False),
    Column("amount", Numeric(38, 12)),
    Column("currency", String(3)),
    Column("opened_at", Instant, nullable=False),
    Column("decide_by", Instant, nullable=False),
    Column("decided_at", Instant),
    # 0 with the owner's queue, 1 with its lead, 2 with the named executive.
    Column("escalation", Integer, nullable=False, server_default="0"),
    Column("escalate_at", Instant, nullable=False),
    Column("body", JSONB, nullable=False),
    Index("ix_cases_escalate", "escalate_at", postgresql_where=text("state = 'open'")),
)

case_decisions = Table(
    "case_decisions",
    metadata,
    Column("case_id", String(40), ForeignKey("cases.case_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("decision", String(20), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("role", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("decided_at", Instant, nullable=False, server_default=_NOW),
    Column("delivered_at", Instant),
    Column("delivery_note", String(200), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant, nullable=False, server_default=_NOW),
)

# The pursuit of an overdue invoice; anew, with the next generation, after one that was closed.
pursuits = Table(
    "pursuits",
    metadata,
    Column("business_key", String(120), primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("contract_key", String(20), nullable=False, index=True),
    Column("customer_key", String(20), nullable=False, index=True),
    Column("seller", String(20), nullable=False),
    Column("billing_account", String(64), nullable=False),
    Column("invoice_id", String(120), nullable=False, index=True),
    Column("invoice_number", String(80), nullable=False, index=True),
    # What is left to pay, as last read.
    Column("amount", Numeric(38, 12), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("due_date", Date, nullable=False),
    Column("state", String(20), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("promised_until", Date),
    Column("reason", Text, nullable=False, server_default=""),
    Column("outcome", String(20)),
    Column("sequence", Integer, nullable=False),
    # Business time.
    Column("opened_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
