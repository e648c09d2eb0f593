"""circuits and outages"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _text(name: str, length: int, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), server_default=default, nullable=False)


def _instant(name: str, *, nullable: bool) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "circuits",
        _text("vendor", 40),
        _text("account", 40),
        _text("state", 12),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _instant("opened_at", nullable=True),
        _instant("next_probe_at", nullable=True),
        sa.Column("pause_seconds", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _text("opened_by", 120),
        _text("incident", 20),
        _text("prober", 120),
        sa.PrimaryKeyConstraint("vendor", "account", name=op.f("pk_circuits")),
    )
    op.create_table(
        "incidents",
        _text("incident", 20),
        _text("vendor", 40),
        _text("account", 40),
        sa.Column("reason", sa.Text(), nullable=False),
        _text("opened_by", 120),
        _instant("opened_at", nullable=False),
        _instant("closed_at", nullable=True),
        _text("closed_by", 120, ""),
        sa.Column("closing_reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("incident", name=op.f("pk_incidents")),
    )
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["vendor", "account"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_incidents_open", table_name="incidents")
    op.drop_table("incidents")
    op.drop_table("circuits")
