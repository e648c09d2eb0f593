"""stack.json: every URL, port and demonstration credential; with it any tool drives the stack."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dealthread.stack import defaults
from dealthread.stack.credentials import Credentials, generate
from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.layout import Layout
from dealthread.stack.ports import HOST, choose
from dealthread.stack.postgres import Postgres

FORMAT = 1


class StackUrls(BaseModel):
    """Where each part answers. `…_direct` goes round the fault proxy."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    temporal_address: str
    temporal_ui: str
    temporal_metrics: str
    bridge: str
    codec: str
    salesforce: str
    stripe: str
    tryton: str
    tryton_direct: str
    entitlement: str
    entitlement_direct: str
    customer_success: str
    customer_success_direct: str
    database: str
    tryton_database: str


class TrytonAccess(BaseModel):
    """How to reach Tryton; empty until it has been prepared."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database: str = defaults.TRYTON_DATABASE
    # Login to password, for a person at the screen or another tool.
    logins: dict[str, str] = Field(default_factory=dict)
    # What the adapter reads, address and database left out.
    settings: dict[str, str] = Field(default_factory=dict)


class StackInfo(BaseModel):
    """What stack.json says."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    format: int = FORMAT
    root: Path
    created_at: datetime
    # Business time = machine time + this many seconds; fixed for the life of the state folder.
    business_offset_seconds: int
    namespace: str = defaults.NAMESPACE
    salesforce_org_id: str = defaults.SALESFORCE_ORG_ID
    salesforce_api_version: str = defaults.SALESFORCE_API_VERSION
    config_dir: Path
    postgres_socket_folder: Path
    ports: dict[str, int]
    urls: StackUrls
    credentials: Credentials
    tryton: TrytonAccess = TrytonAccess()

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.postgres_socket_folder)

    @property
    def business_now(self) -> datetime:
        """The present instant of the stack's business clock."""
        return datetime.fromtimestamp(
            datetime.now(UTC).timestamp() + self.business_offset_seconds, tz=UTC
        )


def read(root: Path) -> StackInfo | None:
    """The installation under `root`; None before the first start."""
    path = Layout(root).stack_file
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return StackInfo.model_validate_json(text)
    except ValidationError as failure:
        fields = ", ".join(".".join(map(str, error["loc"])) for error in failure.errors())
        raise StackError(
            f"{path} is not of this version ({fields})",
            "make clean && make up (this removes the local stack's data)",
        ) from None  # the cause would show secrets


def establish(root: Path, business_date: date | None) -> StackInfo:
    """Read or make the installation, give it ports that are free now, and write stack.json.

    Only for a stack that is not running. Without `business_date` an existing clock goes on.
    """
    root = root.resolve()
    layout = Layout(root)
    layout.create()
    known = read(root)
    now = datetime.now(UTC)
    ports = choose(known.ports if known else None)
    credentials = known.credentials if known else generate()
    info = StackInfo(
        root=root,
        created_at=known.created_at if known else now,
        business_offset_seconds=_offset(known, business_date, now),
        config_dir=_config_dir(root),
        postgres_socket_folder=layout.socket_folder,
        ports=ports,
        urls=_urls(ports, Postgres(layout.socket_folder), credentials.codec_token),
        credentials=credentials,
        tryton=known.tryton if known else TrytonAccess(),
    )
    write(info)
    return info


def write(info: StackInfo) -> None:
    """Write stack.json in one step, readable by its owner only."""
    document = json.dumps(info.model_dump(mode="json"), indent=2)
    write_atomically(info.layout.stack_file, document + "\n")


def _offset(known: StackInfo | None, day: date | None, now: datetime) -> int:
    if known and (day is None or known.business_now.date() == day):
        return known.business_offset_seconds
    if known and known.layout.temporal_database.exists():
        raise StackError(
            f"the business clock stands at {known.business_now.date()} and is not moved under data",
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
        database=postgres.url(defaults.DATABASE, defaults.DATABASE_ROLE, driver="psycopg"),
        tryton_database=postgres.url(defaults.TRYTON_DATABASE, defaults.TRYTON_ROLE),
    )
