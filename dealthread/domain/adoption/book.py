"""What each system holds of a company on the day on which its book is read. Ends are exclusive."""

from __future__ import annotations

from datetime import date

from pydantic import model_validator

from dealthread.domain.base import Carried, Ref
from dealthread.domain.deal import Deal
from dealthread.domain.ledger import TrialBalanceRow
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money, UnitPrice


class BilledCustomer(Carried):
    """A customer at the biller."""

    ref: Ref
    name: str
    email_domain: str = ""
    """Of the address that invoices go to; the address itself stays with the biller."""
    tax_ids: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    """Ids of other systems that stand on the record, whatever their field is called."""
    customer_key: str = ""
    """Ours, where it is there already."""


class BilledItem(Carried):
    """What one item of a subscription bills in each of its periods."""

    native_id: str
    product: str
    quantity: ExactDecimal | None
    """None of what is charged as used."""
    unit_price: UnitPrice | None
    """For one unit and one billing period."""
    period_months: int


class BilledSubscription(Carried):
    """A subscription that is in force."""

    ref: Ref
    customer: Ref
    status: str
    currency: CurrencyCode
    items: tuple[BilledItem, ...]
    period_start: date
    period_end: date
    ends_on: date | None = None
    is_discounted: bool = False
    """Whether it bills less than its prices say."""
    named: tuple[str, ...] = ()
    contract_key: str = ""


class OpenBill(Carried):
    """An invoice of which something is left to pay."""

    ref: Ref
    number: str
    customer: Ref
    subscription: str = ""
    """Native id; "" of an invoice that no subscription made."""
    currency: CurrencyCode
    net: Money
    gross: Money
    remaining: Money
    issue_date: date | None = None
    contract_key: str = ""


class BillerBook(Carried):
    """One billing account."""

    account: str
    customers: tuple[BilledCustomer, ...] = ()
    subscriptions: tuple[BilledSubscription, ...] = ()
    open_bills: tuple[OpenBill, ...] = ()


class LedgerParty(Carried):
    """A customer in the ledger."""

    ref: Ref
    code: str
    name: str
    tax_ids: tuple[str, ...] = ()
    customer_key: str = ""
    """Ours, where it is there already."""


class OpenItem(Carried):
    """A customer's invoice or credit memo of which something is open. A memo's amounts are below
    nought."""

    ref: Ref
    number: str
    """The biller's, under which it was posted."""
    party: Ref
    currency: CurrencyCode
    gross: Money
    open_amount: Money
    open_ledger_amount: Money
    """In the ledger's currency."""
    document_key: str = ""
    """Ours; "" where somebody else posted it."""


class LedgerBook(Carried):
    """One company of a ledger."""

    erp: str
    company: str
    currency: CurrencyCode
    parties: tuple[LedgerParty, ...] = ()
    open_items: tuple[OpenItem, ...] = ()
    at_opening: tuple[TrialBalanceRow, ...] = ()
    """Up to the day before the opening: deferred revenue is taken from it."""
    at_reading: tuple[TrialBalanceRow, ...] = ()
    """Up to the day of reading: what is open now is held against it."""


class OwnBook(Carried):
    """What the hub has in the books of the company already, in the ledger's currency."""

    contract_keys: frozenset[str] = frozenset()
    deferred: Money
    """Deferred less unbilled at the opening, of its own contracts."""


class Answer(Carried):
    """What a person said of a deal that could not be settled from the systems alone."""

    deal_id: str
    subscription_id: str = ""
    party_id: str = ""
    """Native id of the ledger's customer."""
    done_lines: tuple[str, ...] = ()
    """Keys of services that were accepted before the opening: their revenue is in the ledger."""
    waiting_lines: tuple[str, ...] = ()
    """Keys of services that were billed and are still to be accepted."""
    deferred: Money | None = None
    """What the ledger has deferred of the deal, where its own rounding differs from ours."""
    said_by: str

    @model_validator(mode="after")
    def _says_something(self) -> Answer:
        parts = (self.subscription_id, self.party_id, self.done_lines, self.waiting_lines)
        if not any(parts) and self.deferred is None:
            raise ValueError("an answer names a subscription, a party, lines or an amount")
        return self

    def with_later(self, later: Answer) -> Answer:
        """This answer and a later one of the same deal: what the later one names holds."""
        told = {k: v for k, v in later.model_dump().items() if v not in ("", (), None)}
        kept = self.model_dump() | told
        for mine, other in (("done_lines", "waiting_lines"), ("waiting_lines", "done_lines")):
            kept[mine] = tuple(sorted({*getattr(self, mine), *getattr(later, mine)}))
            kept[mine] = tuple(one for one in kept[mine] if one not in getattr(later, other))
        return Answer.model_validate(kept)


class Book(Carried):
    """Everything that a proposal is made from."""

    seller: str
    as_of: date
    """The opening: the first day, of a month, whose revenue is ours to recognise."""
    read_on: date
    deals: tuple[Deal, ...]
    """Won, of the seller, and not yet contracts of ours."""
    biller: tuple[BillerBook, ...]
    ledger: LedgerBook
    own: OwnBook
    answers: tuple[Answer, ...] = ()

    @model_validator(mode="after")
    def _opens_with_a_month(self) -> Book:
        if self.as_of.day != 1:
            raise ValueError("as_of: revenue is recognised by the month: give its first day")
        if self.as_of > self.read_on:
            raise ValueError("as_of: an opening is not in the future")
        return self
