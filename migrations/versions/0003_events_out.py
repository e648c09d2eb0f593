"""events out"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _instant(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def upgrade() -> None:
    op.create_table(
        "subscribers",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="enabled", nullable=False),
        sa.Column("failures_in_row", sa.Integer(), server_default="0", nullable=False),
        _instant("failing_since"),
        sa.Column("last_code", sa.String(length=120), server_default="", nullable=False),
        _instant("last_answered_at"),
        _instant("disabled_at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_subscribers")),
    )
    op.create_table(
        "replays",
        sa.Column("replay_id", sa.String(length=40), nullable=False),
        sa.Column("subscriber", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("wanted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("rate_per_second", sa.Integer(), nullable=False),
        _instant("created_at", now=True),
        sa.PrimaryKeyConstraint("replay_id", name=op.f("pk_replays")),
    )
    op.create_index(op.f("ix_replays_subscriber"), "replays", ["subscriber"])
    op.add_column("deliveries", _instant("routed_at", now=True))
    op.add_column(
        "deliveries",
        sa.Column("replay_id", sa.String(length=40), server_default="", nullable=False),
    )
    op.create_index(op.f("ix_deliveries_replay_id"), "deliveries", ["replay_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_deliveries_replay_id"), table_name="deliveries")
    op.drop_column("deliveries", "replay_id")
    op.drop_column("deliveries", "routed_at")
    op.drop_index(op.f("ix_replays_subscriber"), table_name="replays")
    op.drop_table("replays")
    op.drop_table("subscribers")
