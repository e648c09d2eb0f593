"""What each system says of a contract now, as it was read there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Ref
from dealthread.domain.documents import Booking, Entitlement
from dealthread.domain.money import ExactDecimal, Money


class CrmContract(Carried):
    """The contract's record in the CRM."""

    contract_key: str
    ref: Ref
    account_id: str
    status: str
    start_date: date | None
    end_date: date | None
    """First day not served; the CRM's own form of it is inclusive."""
    term_months: int | None
    version: int
    total_value: Decimal | None
    """Net of the committed term, in the contract's currency."""
    billing_account: str
    booking_company: str
    subscription: str
    booking: str
    entitlement: str
    """Native ids that the record names; "" where it names none."""
    changed_at: AwareDatetime
    """When anybody last wrote to the record."""


class BilledState(StrEnum):
    """Whether an agreement bills."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    INCOMPLETE = "incomplete"
    """Its first payment was not made: it lapses by itself."""
    PAUSED = "paused"
    """It goes on and collects nothing."""
    ENDED = "ended"


class BilledAgreement(Carried):
    """An agreement as the biller holds it."""

    ref: Ref
    contract_key: str
    """Our key on it; "" where it carries none."""
    customer: str
    """The biller's id of its customer."""
    state: BilledState
    ends_on: date | None
    """First day that it does not bill."""
    quantities: dict[str, ExactDecimal] = {}
    """By line key; an item that names no line of ours by its native id. Usage is not among it."""
    periods: dict[str, Money] = {}
    """What each of them comes to in one billing period, net, by the same keys."""


class SeenRecords(Carried):
    """Records of the CRM; a contract that has none is not among them."""

    records: tuple[CrmContract, ...] = ()
    unread: str = ""
    """Code of what kept the CRM from being read."""


class SeenAgreement(Carried):
    """None and read: the biller does not know it any more."""

    contract_key: str
    agreement: BilledAgreement | None = None
    unread: str = ""


class SeenBooking(Carried):
    """None and read: the ledger does not know it any more."""

    contract_key: str
    native_id: str
    """By which it was asked for."""
    booking: Booking | None = None
    unread: str = ""


class SeenEntitlement(Carried):
    """None and read: nothing is granted."""

    contract_key: str
    entitlement: Entitlement | None = None
    unread: str = ""


class HeldContract(Carried):
    """A contract as a customer-success system holds it: what it made of what it was told, and of
    what its people entered."""

    contract_key: str
    state: str
    """As the events tell it, or a word of the system's own."""
    version: int | None = None
    """None where it keeps none."""
    changed_at: AwareDatetime | None = None
    """When anybody last changed it there, where the system says so."""


class SeenHeld(Carried):
    """None and read: the system knows nothing of the contract."""

    subscriber: str
    contract_key: str
    contract: HeldContract | None = None
    unread: str = ""


class SystemsSay(Carried):
    """All that was read of some contracts in one look."""

    crm: SeenRecords = SeenRecords()
    agreements: tuple[SeenAgreement, ...] = ()
    bookings: tuple[SeenBooking, ...] = ()
    entitlements: tuple[SeenEntitlement, ...] = ()
    held: tuple[SeenHeld, ...] = ()
    """By customer-success systems that can be read."""
