"""Money that came to the bank: whose it is, and which invoices it pays (facts/domain.md §5).

Order of evidence: the invoices that are named, numbers in the remittance text, then the amount,
where it is exactly what one invoice, or all invoices, of the customer have left. Anything less is
a person's to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from dealthread.domain.base import Carried, Ref
from dealthread.domain.money import Money

UNAPPLIED_CASH = "2200"
"""Account that holds what is received until it is applied."""
_WORDS = re.compile(r"[^\s,;]+")


class BankReceipt(Carried):
    """One receipt of a seller's bank account."""

    seller: str
    source: str
    """The bank's own id of the receipt: one of a seller, for ever."""
    amount: Money
    value_date: date
    customer_key: str = ""
    invoices: tuple[str, ...] = ()
    """Legal numbers, in the order in which they are to be paid."""
    reference: str = ""
    """The payer's remittance text."""
    on_account: bool = False
    """A person has said that what is left stays the customer's, unapplied."""
    actor: str = ""


class OwedBill(Carried):
    """An invoice as it was last read, and whose it is."""

    ref: Ref
    number: str
    contract_key: str
    customer_key: str
    customer_name: str = ""
    region: str = ""
    remaining: Money
    issue_date: date | None = None


class CashMatch(Carried):
    """What a receipt is for."""

    erp: str = ""
    company: str = ""
    customer_key: str = ""
    """"" where nobody can be named."""
    customer_name: str = ""
    region: str = ""
    bills: tuple[OwedBill, ...] = ()
    """In the order in which they are paid."""
    unknown: tuple[str, ...] = ()
    """Numbers that are named and that no invoice has yet."""


class RecordedAs(StrEnum):
    """What became of an invoice when a payment was to be recorded."""

    PAID = "paid"
    SHORT = "short"
    """More is left to pay than there is, and the biller takes no part of it."""
    SETTLED = "settled"
    """Nothing was left to pay, by another way than this receipt."""


def numbers_in(receipt: BankReceipt) -> tuple[str, ...]:
    """Legal numbers that a receipt may name, most reliable first."""
    return receipt.invoices or tuple(dict.fromkeys(_WORDS.findall(receipt.reference)))


def matched(receipt: BankReceipt, known: Sequence[OwedBill]) -> CashMatch:
    """Which of the known invoices it pays. Invoices of two customers are matched by nobody but a
    person: the money is one customer's. One in another currency than the receipt's says whose the
    money is, and is not paid by it."""
    named = numbers_in(receipt)
    of_number = {one.number: one for one in known}
    found = [of_number[number] for number in named if number in of_number]
    unknown = tuple(number for number in receipt.invoices if number not in of_number)
    mine = [one for one in known if one.customer_key == receipt.customer_key]
    if not found and not unknown:
        found = _by_amount(receipt.amount, mine)
    payers = {one.customer_key for one in found} | {receipt.customer_key} - {""}
    if len(payers) != 1:
        return CashMatch(unknown=unknown)
    (payer,) = payers
    of_payer = next((one for one in (*found, *mine) if one.customer_key == payer), None)
    return CashMatch(
        customer_key=payer,
        customer_name=of_payer.customer_name if of_payer else "",
        region=of_payer.region if of_payer else "",
        bills=tuple(one for one in found if one.remaining.currency == receipt.amount.currency),
        unknown=unknown,
    )


def _by_amount(amount: Money, mine: Sequence[OwedBill]) -> list[OwedBill]:
    """The one invoice that has exactly this left, else all where they have it together."""
    owed = [
        one for one in mine if one.remaining.currency == amount.currency and one.remaining.amount
    ]
    exact = [one for one in owed if one.remaining == amount]
    if len(exact) == 1:
        return exact
    if not exact and Money.total((one.remaining for one in owed), amount.currency) == amount:
        return sorted(owed, key=lambda one: (one.issue_date or date.max, one.number))
    return []
