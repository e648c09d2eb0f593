"""An installation's identity: made at the first start, kept at the others."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from dealthread.stack import defaults
from dealthread.stack.credentials import Credentials, generate
from dealthread.stack.errors import StackError
from dealthread.stack.info import StackInfo, StackUrls, TrytonAccess, read_as, write
from dealthread.stack.layout import Layout
from dealthread.stack.ports import HOST, choose
from dealthread.stack.postgres import Postgres


class _Kept(BaseModel):
    """What a start takes over from the stack.json it finds, of this version or an earlier one."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    created_at: datetime
    business_offset_seconds: int
    ports: dict[str, int] = Field(default_factory=dict)
    credentials: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    tryton: TrytonAccess = TrytonAccess()


def establish(root: Path, business_date: date | None) -> StackInfo:
    """Read or make the installation, give it ports that are free now, and write stack.json.

    Only for a stack that is not running. Without `business_date` an existing clock goes on.
    Credentials that a newer version added are made and the others kept.
    """
    root = root.resolve()
    layout = Layout(root)
    layout.create()
    kept = read_as(_Kept, root, "make clean && make up (this removes the local stack's data)")
    now = datetime.now(UTC)
    ports = choose(kept.ports if kept else None)
    fresh = generate().model_dump()
    credentials = Credentials.model_validate(fresh | (kept.credentials if kept else {}))
    info = StackInfo(
        root=root,
        created_at=kept.created_at if kept else now,
        business_offset_seconds=_offset(kept, layout, business_date, now),
        config_dir=_config_dir(root),
        postgres_socket_folder=layout.socket_folder,
        ports=ports,
        urls=_urls(ports, Postgres(layout.socket_folder), credentials.codec_token),
        credentials=credentials,
        tryton=kept.tryton if kept else TrytonAccess(),
    )
    write(info)
    return info


def _offset(kept: _Kept | None, layout: Layout, day: date | None, now: datetime) -> int:
    """Business time minus machine time: kept, or set so that it is 09:00 UTC of a day now."""
    if kept:
        stands = (now + timedelta(seconds=kept.business_offset_seconds)).date()
        if day is None or stands == day:
            return kept.business_offset_seconds
        if layout.temporal_database.exists():
            raise StackError(
                f"the business clock stands at {stands} and is not moved under data",
                f"make clean, then dealthread up --business-date {day}",
            )
    start = defaults.business_instant(day or defaults.BUSINESS_DATE)
    return round((start - now).total_seconds())


def _config_dir(root: Path) -> Path:
    """The installation's own configuration, else the one that came with the source."""
    own = root / "config"
    return own if own.is_dir() else Path(__file__).parents[2] / "config"


def _urls(ports: dict[str, int], postgres: Postgres, codec_token: str) -> StackUrls:
    http = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
    return StackUrls(
        temporal_address=f"{HOST}:{ports['temporal']}",
        temporal_ui=http["temporal_ui"],
        temporal_metrics=http["temporal_metrics"] + "/metrics",
        bridge=http["bridge"],
        codec=f"{http['bridge']}/codec/{codec_token}",
        salesforce=http["salesforce"],
        stripe=http["stripe"],
        tryton=http["tryton"],
        tryton_direct=http["tryton_direct"],
        entitlement=http["entitlement"],
        entitlement_direct=http["entitlement_direct"],
        customer_success=http["customer_success"],
        customer_success_direct=http["customer_success_direct"],
        communications=http["communications"],
        database=postgres.url(defaults.DATABASE, defaults.DATABASE_ROLE, driver="psycopg"),
        tryton_database=postgres.url(defaults.TRYTON_DATABASE, defaults.TRYTON_ROLE),
    )
