"""stack.json: every URL, port and demonstration credential; with it any tool drives the stack."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dealthread.stack import defaults
from dealthread.stack.credentials import Credentials
from dealthread.stack.errors import StackError
from dealthread.stack.files import write_atomically
from dealthread.stack.layout import Layout
from dealthread.stack.postgres import Postgres

FORMAT = 1
Model = TypeVar("Model", bound=BaseModel)


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
    communications: str
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
    return read_as(StackInfo, root, "dealthread down, then dealthread up")


def read_as(model: type[Model], root: Path, mend: str) -> Model | None:
    """stack.json as `model`; a message about a bad one names fields, never their values."""
    path = Layout(root).stack_file
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return model.model_validate_json(text)
    except ValidationError as failure:
        fields = ", ".join(".".join(map(str, error["loc"])) for error in failure.errors())
        what = f"{path} is not of this version ({fields})"
        raise StackError(what, mend) from None  # the cause would show secrets


def write(info: StackInfo) -> None:
    """Write stack.json in one step, readable by its owner only."""
    document = json.dumps(info.model_dump(mode="json"), indent=2)
    write_atomically(info.layout.stack_file, document + "\n")
