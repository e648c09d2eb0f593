"""The plan of an adoption: every contract with its reasons, everything left over, and the opening
balances beside the ledger. What is approved is its digest: another plan is another digest."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import date

from pydantic import computed_field

from dealthread.domain.adoption.book import Book, LedgerBook, OpenBill, OpenItem
from dealthread.domain.adoption.index import Index
from dealthread.domain.adoption.matching import Match, Pairing, Unmatched, paired
from dealthread.domain.adoption.opening import Adopted, adopted
from dealthread.domain.base import Carried, Ref
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.ledger import TrialBalanceRow
from dealthread.domain.money import CurrencyCode, Money

DEFERRED, UNBILLED, RECEIVABLE = "2300", "1150", "1100"
"""Accounts of the chart (config/accounts.yaml)."""


class OpenInvoice(Carried):
    """An invoice that is open at the biller and in the ledger."""

    bill: OpenBill
    item: OpenItem


class Proposal(Carried):
    """One contract to be adopted."""

    adopted: Adopted
    customer_name: str
    customer: Ref
    """At the biller."""
    subscription: Ref
    party: Ref
    """In the ledger."""
    party_code: str
    """As the ledger has it; our key is put beside it."""
    matches: tuple[Match, ...]
    invoices: tuple[OpenInvoice, ...] = ()


class OpeningTotal(Carried):
    """One account of a company beside what it is made of, in the ledger's currency."""

    account: str
    what: str
    currency: CurrencyCode
    adopted: Money
    own: Money
    """Of contracts that are ours already."""
    ledger: Money

    @computed_field  # type: ignore[prop-decorator]
    @property
    def difference(self) -> Money:
        """What the ledger has beyond them."""
        return self.ledger - self.adopted - self.own


class AdoptionPlan(Carried):
    """What would be adopted of one company."""

    seller: str
    as_of: date
    read_on: date
    currency: CurrencyCode
    proposals: tuple[Proposal, ...]
    unmatched: tuple[Unmatched, ...]
    totals: tuple[OpeningTotal, ...]

    @property
    def is_tied(self) -> bool:
        """Whether every opening balance is the ledger's, to the cent."""
        return not any(one.difference for one in self.totals)

    def digest(self) -> str:
        """SHA-256 of all that it says, but for the day on which it was read."""
        content = self.model_dump_json(exclude={"read_on"})
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def plan_id(self) -> str:
        """The same plan, the same id."""
        packed = base64.b32encode(bytes.fromhex(self.digest())).decode()
        return f"AP-{packed[:13]}"


def proposed(book: Book, config: ConfigSet) -> AdoptionPlan:
    """The plan that follows from a book."""
    index = Index(book)
    pairs = paired(book, index)
    found: list[Proposal] = []
    left = list(pairs.unmatched)
    items = {one.number: one for one in book.ledger.open_items if one.number}
    for pair in pairs.found:
        made = adopted(pair, book, config, index.answers.get(pair.deal.deal_id))
        if isinstance(made, list):
            left += made
            continue
        invoices, refused = _invoices(pair, index, items)
        if refused:
            left += refused
            continue
        found.append(_proposal(pair, made, invoices))
    left += _not_ours(book, found)
    return AdoptionPlan(
        seller=book.seller,
        as_of=book.as_of,
        read_on=book.read_on,
        currency=book.ledger.currency,
        proposals=tuple(found),
        unmatched=tuple(sorted(left, key=lambda one: (one.kind, one.native_id, one.cause))),
        totals=_totals(book, found),
    )


def _proposal(pair: Pairing, made: Adopted, invoices: tuple[OpenInvoice, ...]) -> Proposal:
    contract = made.contract
    refs = (
        pair.deal.ref,
        pair.subscription.ref,
        pair.customer.ref,
        pair.party.ref,
        *(one.bill.ref for one in invoices),
    )
    account = pair.deal.account
    return Proposal(
        adopted=made.model_copy(
            update={"contract": contract.model_copy(update={"refs": refs, "provenance": None})}
        ),
        customer_name=account.legal_name if account else "",
        customer=pair.customer.ref,
        subscription=pair.subscription.ref,
        party=pair.party.ref,
        party_code=pair.party.code,
        matches=pair.matches,
        invoices=invoices,
    )


def _invoices(
    pair: Pairing, index: Index, items: dict[str, OpenItem]
) -> tuple[tuple[OpenInvoice, ...], list[Unmatched]]:
    """Open invoices of the subscription with the ledger's, each equal to the cent."""
    found, refused = [], []
    for bill in _bills_of(index, pair):
        item = items.get(bill.number)
        if item is None:
            refused.append(_bill(bill, "invoice_not_in_ledger", "it is open at the biller alone"))
        elif item.party != pair.party.ref:
            refused.append(_bill(bill, "invoice_of_another", f"{item.party.native_id} owes it"))
        elif (item.gross, item.open_amount) != (bill.gross, bill.remaining):
            refused.append(
                _bill(
                    bill,
                    "invoice_differs",
                    f"the biller has {bill.remaining} of {bill.gross} left, the ledger "
                    f"{item.open_amount} of {item.gross}",
                )
            )
        else:
            found.append(OpenInvoice(bill=bill, item=item))
    return tuple(found), refused


def _bills_of(index: Index, pair: Pairing) -> list[OpenBill]:
    found = [
        bill
        for bill in index.bills_of.get(str(pair.customer.ref), ())
        if bill.subscription == pair.subscription.ref.native_id
    ]
    return sorted(found, key=lambda one: (one.issue_date or date.max, one.number))


def _not_ours(book: Book, found: Iterable[Proposal]) -> list[Unmatched]:
    """What is open in the ledger or at the biller and belongs to no proposal."""
    known = {one.bill.ref for proposal in found for one in proposal.invoices}
    numbers = {one.bill.number for proposal in found for one in proposal.invoices}
    left = [
        _bill(bill, "invoice_of_no_contract", f"{bill.remaining} is left to pay")
        for account in book.biller
        for bill in account.open_bills
        if bill.ref not in known and bill.contract_key not in book.own.contract_keys
    ]
    left += [
        Unmatched(
            system="erp",
            kind="document",
            native_id=item.number or item.ref.native_id,
            cause="document_of_no_contract",
            detail=f"{item.open_amount} is open",
        )
        for item in book.ledger.open_items
        if item.number not in numbers and not item.document_key
    ]
    return left


def _bill(bill: OpenBill, cause: str, detail: str) -> Unmatched:
    return Unmatched(
        system="billing",
        kind="invoice",
        native_id=bill.number or bill.ref.native_id,
        cause=cause,
        detail=detail,
    )


def _totals(book: Book, found: Iterable[Proposal]) -> tuple[OpeningTotal, ...]:
    proposals, currency = tuple(found), book.ledger.currency
    taken = {one.item.ref for proposal in proposals for one in proposal.invoices}
    own = [
        one.open_ledger_amount
        for one in book.ledger.open_items
        if one.document_key and one.ref not in taken
    ]
    return (
        OpeningTotal(
            account=DEFERRED,
            what="deferred revenue, less what is unbilled",
            currency=currency,
            adopted=Money.total((one.adopted.opening.deferred for one in proposals), currency),
            own=book.own.deferred,
            ledger=-_balance(book.ledger, book.ledger.at_opening, (DEFERRED, UNBILLED)),
        ),
        OpeningTotal(
            account=RECEIVABLE,
            what="receivables",
            currency=currency,
            adopted=Money.total(
                (one.item.open_ledger_amount for p in proposals for one in p.invoices), currency
            ),
            own=Money.total(own, currency),
            ledger=_balance(book.ledger, book.ledger.at_reading, (RECEIVABLE,)),
        ),
    )


def _balance(
    ledger: LedgerBook, rows: Iterable[TrialBalanceRow], accounts: tuple[str, ...]
) -> Money:
    return Money.total((row.balance for row in rows if row.account in accounts), ledger.currency)
