"""What every canonical entity shares."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict

OrgId = NewType("OrgId", str)
DealId = NewType("DealId", str)
ContractKey = NewType("ContractKey", str)
BusinessKey = NewType("BusinessKey", str)


class System(StrEnum):
    """The systems that own canonical fields (ownership table, `ownership.py`)."""

    CRM = "crm"
    CPQ = "cpq"
    BILLING = "billing"
    TAX = "tax"
    PROCESSOR = "processor"
    BANK = "bank"
    ERP = "erp"
    ENTITLEMENT = "entitlement"
    CUSTOMER_SUCCESS = "customer_success"
    FINANCE = "finance"
    HUB = "hub"


class Frozen(BaseModel):
    """A value that never changes after it is made; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Carried(BaseModel):
    """A model that crosses Temporal: frozen, and tolerant of fields a newer version added.

    Fields are only ever added, with a default; none is removed or retyped.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")


class Ref(Carried):
    """A native id in the system that gave it. A bare native id is never stored: ids such as
    `cus_…` are unique only inside one account."""

    system: System
    account: str
    """Salesforce org id, billing account, or `<erp instance>.<company>`."""
    kind: str
    """Vendor-neutral noun: opportunity, account, subscription, customer, booking …"""
    native_id: str

    def __str__(self) -> str:
        return f"{self.system}:{self.account}:{self.kind}:{self.native_id}"


class Provenance(Carried):
    """Where a value came from and when it was seen there."""

    source: Ref
    seen_at: AwareDatetime
    mapping_version: str = "1"


class Entity(Carried):
    """Common fields of canonical entities."""

    key: str
    tenant: str = "default"
    version: int = 1
    provenance: Provenance | None = None
    refs: tuple[Ref, ...] = ()
    created_at: AwareDatetime | None = None
    changed_at: AwareDatetime | None = None


def utc(value: datetime) -> datetime:
    """Refuse a naive time; a local time without zone is not a business instant."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone is refused")
    return value
