"""The envelope a receiver accepts: CloudEvents 1.0 (structured JSON), data checked by type."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

GRANT = "dealthread.entitlement.grant.v1"
REVOKE = "dealthread.entitlement.revoke.v1"
SUSPEND = "dealthread.entitlement.suspend.v1"
RESTORE = "dealthread.entitlement.restore.v1"

STATE_OF: dict[str, str | None] = {
    "dealthread.contract.activated.v1": "active",
    "dealthread.contract.scheduled.v1": "scheduled",
    "dealthread.contract.ended.v1": "ended",
    "dealthread.contract.withdrawn.v1": "never_activated",
    "dealthread.contract.amended.v1": None,
    "dealthread.contract.renewed.v1": None,
    "dealthread.contract.cancelled.v1": None,
    "dealthread.contract.change_withdrawn.v1": None,
    "customer-success.contract.entered.v1": None,
}
"""Events that tell a contract's state (docs/events); None: their data says which."""
ENTERED = "customer-success.contract.entered.v1"
"""What a person enters in customer success itself; it comes by no webhook."""


class Event(BaseModel):
    """CloudEvents 1.0 context attributes and JSON data. Extension attributes are allowed."""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=500)
    type: str = Field(min_length=1, max_length=200)
    subject: str = Field(min_length=1, max_length=200)
    time: AwareDatetime
    datacontenttype: str = Field(default="application/json", pattern=r"^application/json$")
    data: dict[str, Any]


class Grant(BaseModel):
    """What one line of a contract opens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    line_key: str = Field(min_length=1)
    template: str = Field(min_length=1)
    quantity: Decimal = Field(gt=0)
    access_from: date
    access_to: date | None = None
    """First day without access; None means open-ended."""


class GrantData(BaseModel):
    """Data of a grant: all lines of a contract, replacing what was granted before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract_key: str = Field(min_length=1)
    customer_key: str = Field(min_length=1)
    grants: tuple[Grant, ...] = Field(min_length=1)


class EnteredState(BaseModel):
    """What a person enters for a contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: str = Field(min_length=1, max_length=60)


class HoldData(BaseModel):
    """Data of a suspension and of its end: one hold, by its own id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract_key: str = Field(min_length=1)
    hold_id: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=200)
