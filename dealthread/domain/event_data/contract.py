"""Data of events about contracts, their changes and the deals they come from."""

from __future__ import annotations

from datetime import date

from dealthread.domain.event_data.base import Amount, Currency, OfContract


class OpportunityClosed(OfContract):
    """A deal was won and its quote-to-cash accepted."""

    org: str
    deal_id: str
    customer_key: str = ""
    currency: Currency
    amount: Amount


class ContractEntered(OfContract):
    """A contract that is active, or scheduled for a later start."""

    customer_key: str
    seller: str
    region: str
    currency: Currency
    tcv: Amount
    start_date: date
    end_date: date | None
    """First day not served; none for an evergreen contract."""
    state: str
    subscription: str | None
    booking: str | None
    entitlement: str | None


class ContractOver(OfContract):
    """Why a contract ended, or a deal that had been told was withdrawn."""

    reason: str
    customer_key: str = ""


class ChangeScheduled(OfContract):
    """An accepted change that waits for its day."""

    change_id: str
    due_on: date


class ContractChanged(OfContract):
    """A contract after one of its changes, with the documents of the change."""

    change_id: str
    customer_key: str
    seller: str
    region: str
    currency: Currency
    version: int
    state: str
    effective_from: date
    end_date: date | None
    tcv: Amount
    quantities: dict[str, str]
    """`<line key>@<start date>` to quantity."""
    invoice: str | None
    credit_memos: tuple[str, ...]
    booking: str | None
    renewal_price: Amount | None


class SubscriptionStarted(OfContract):
    """The billing agreement that can bill."""

    billing_account: str
    subscription: str
    status: str


class RenewalRiskRaised(OfContract):
    """A signal that the next term is in doubt: a code and where it came from, no free text."""

    customer_key: str
    signal: str
    source: str
    term_end_date: date | None
