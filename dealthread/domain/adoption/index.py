"""A book by the keys that it is asked for, so that a record is not looked for among all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from dealthread.domain.adoption.book import (
    Answer,
    BilledSubscription,
    Book,
    OpenBill,
)
from dealthread.domain.base import Ref
from dealthread.domain.party import Party

T = TypeVar("T")
SHORT_ID = 15
"""A Salesforce id has a short form of so many letters."""


class Index:
    """One book."""

    def __init__(self, book: Book) -> None:
        customers = [one for account in book.biller for one in account.customers]
        subscriptions = [one for account in book.biller for one in account.subscriptions]
        bills = [one for account in book.biller for one in account.open_bills]
        self.subscriptions: tuple[BilledSubscription, ...] = tuple(subscriptions)
        self.customers = {one.ref: one for one in customers}
        self.answers: dict[str, Answer] = {one.deal_id: one for one in book.answers}
        self.subscription_by_id = _by(subscriptions, lambda one: (one.ref.native_id,))
        self.subscriptions_naming = _by(subscriptions, lambda one: one.named)
        self.subscriptions_of = _by(subscriptions, lambda one: (str(one.customer),))
        self.customers_ours = _by(customers, lambda one: (one.customer_key,))
        self.customers_naming = _by(customers, lambda one: one.named)
        self.customers_by_tax = _by(customers, lambda one: map(compact, one.tax_ids))
        self.customers_named = _by(customers, lambda one: (plain(one.name),))
        self.customers_at = _by(customers, lambda one: (one.email_domain,))
        parties = book.ledger.parties
        self.party_by_id = {one.ref.native_id: one for one in parties}
        self.parties_by_code = _by(parties, lambda one: {one.code, one.customer_key})
        self.parties_by_tax = _by(parties, lambda one: map(compact, one.tax_ids))
        self.parties_named = _by(parties, lambda one: (plain(one.name),))
        self.deals_of = _by(
            book.deals, lambda one: (one.account.key if one.account is not None else "",)
        )
        self.bills_of: dict[str, list[OpenBill]] = _by(bills, lambda one: (str(one.customer),))
        self._deal_ids = {
            name for deal in book.deals for name in (deal.deal_id, deal.deal_id[:SHORT_ID])
        }
        self._owing: dict[str, list[str]] = {}
        for item in book.ledger.open_items:
            self._owing.setdefault(item.number, []).append(item.party.native_id)

    def names_a_deal(self, subscription: BilledSubscription) -> bool:
        """Whether the subscription says itself whose it is."""
        return any(one in self._deal_ids for one in subscription.named)

    def parties_of_bills(self, customer: Ref) -> dict[str, str]:
        """Parties that owe invoices of a customer, each with the number of one."""
        return {
            party: bill.number
            for bill in self.bills_of.get(str(customer), ())
            if bill.number
            for party in self._owing.get(bill.number, ())
        }


def naming(rows: dict[str, list[T]], native_id: str) -> list[T]:
    """Rows that name an id, in its long or its short form."""
    found = [*rows.get(native_id, ())]
    if len(native_id) > SHORT_ID:
        found += [one for one in rows.get(native_id[:SHORT_ID], ()) if one not in found]
    return found


def any_of(rows: dict[str, list[T]], keys: Iterable[str]) -> list[T]:
    """Rows that have one of the keys, each once."""
    found: list[T] = []
    for key in sorted(keys):
        found += [one for one in rows.get(key, ()) if one not in found]
    return found


def tax_numbers(party: Party) -> set[str]:
    """Tax identifiers of the CRM's account."""
    return {compact(one.number) for one in party.tax_ids} - {""}


def compact(number: str) -> str:
    """A tax identifier without what people put between its letters and digits."""
    return "".join(char for char in number if char.isalnum()).upper()


def plain(name: str) -> str:
    """A name as it is compared, for suggestions only."""
    return "".join(char for char in name.casefold() if char.isalnum())


def domain_of(website: str) -> str:
    """Host of a website without www."""
    host = website.split("//", 1)[-1].split("/", 1)[0].split(":", 1)[0].casefold()
    return host.removeprefix("www.")


def _by(rows: Iterable[T], keys: Callable[[T], Iterable[str]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for row in rows:
        for key in keys(row):
            if key:
                found.setdefault(key, []).append(row)
    return found
