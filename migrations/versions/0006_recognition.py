"""recognised revenue"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(name: str, length: int, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), server_default=default, nullable=False)


def _money(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(precision=38, scale=12), nullable=False)


def _day(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=False)


def _instant(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def upgrade() -> None:
    op.create_table(
        "recognition_documents",
        _text("document_key", 16),
        _text("seller", 20),
        _day("period"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("erp", 40),
        _text("company", 40),
        _day("posting_date"),
        _text("deferred_account", 20),
        _money("amount"),
        _text("currency", 3),
        _money("ledger_amount"),
        _text("ledger_currency", 3),
        _text("state", 12),
        _text("entry", 60, ""),
        _text("requested_by", 120, ""),
        _text("reversal_key", 16, ""),
        _instant("created_at", now=True),
        _instant("posted_at"),
        _instant("reversed_at"),
        sa.PrimaryKeyConstraint("document_key", name=op.f("pk_recognition_documents")),
        sa.UniqueConstraint(
            "seller", "period", "number", name=op.f("uq_recognition_documents_seller_period_number")
        ),
    )
    op.create_table(
        "recognition_postings",
        _text("document_key", 16),
        _text("contract_key", 20),
        _text("obligation", 60),
        _text("account", 20),
        _day("month"),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("line_key", 40),
        _money("amount"),
        _text("currency", 3),
        _money("ledger_amount"),
        _text("ledger_currency", 3),
        sa.Column("rate", sa.Numeric(precision=38, scale=12), nullable=True),
        _text("treatment", 40, ""),
        sa.ForeignKeyConstraint(
            ["document_key"],
            ["recognition_documents.document_key"],
            name=op.f("fk_recognition_postings_document_key_recognition_documents"),
        ),
        sa.PrimaryKeyConstraint(
            "document_key",
            "contract_key",
            "obligation",
            "account",
            "month",
            name=op.f("pk_recognition_postings"),
        ),
    )
    op.create_index(
        op.f("ix_recognition_postings_contract_key"), "recognition_postings", ["contract_key"]
    )
    op.create_table(
        "service_acceptances",
        _text("contract_key", 20),
        _text("obligation", 60),
        sa.Column("version", sa.Integer(), nullable=False),
        _text("line_key", 40),
        _text("account", 20),
        _money("amount"),
        _text("currency", 3),
        _day("accepted_on"),
        sa.Column("evidence", sa.Text(), nullable=False),
        _text("actor", 120),
        _instant("created_at", now=True),
        sa.PrimaryKeyConstraint("contract_key", "obligation", name=op.f("pk_service_acceptances")),
    )


def downgrade() -> None:
    op.drop_table("service_acceptances")
    op.drop_index(op.f("ix_recognition_postings_contract_key"), table_name="recognition_postings")
    op.drop_table("recognition_postings")
    op.drop_table("recognition_documents")
