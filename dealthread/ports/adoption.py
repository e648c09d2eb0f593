"""What is asked of biller and ledger for the adoption of a book that was there before us: read all
of it, and put our references on what becomes ours. Nothing that is money is made or changed."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from dealthread.domain.adoption.book import BillerBook, LedgerBook
from dealthread.domain.base import Carried, Ref
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement, ErpCustomer
from dealthread.outcome import Outcome

FOREIGN_REFERENCE = "reference_of_another"
"""Code of the refusal of a record that carries a reference to something else of ours."""


class TakeOverAgreement(Carried):
    """Our references on a subscription, its items and its customer. Where the contract has an end
    and the subscription has none, it ends with its term (docs/adr/0010)."""

    contract: Contract
    customer: Ref
    subscription: Ref
    items: dict[str, str]
    """Line key → native id of the item."""


class TakeOverCustomer(Carried):
    """Our reference on the ledger's customer. What is posted there stays as others posted it."""

    company: str
    party: Ref
    customer_key: str


class BillerBookPort(Protocol):
    """The book of a billing account."""

    async def read_book(self, billing_account: str) -> BillerBook:
        """Customers, subscriptions in force and invoices that are open, whoever made them."""

    async def take_over(
        self, command: TakeOverAgreement, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        """Put on the references that are missing; what has them is left alone. Bills nothing.
        Rejected where a record carries another one of ours."""

    async def find_taken_over(self, command: TakeOverAgreement) -> Agreement | None:
        """The agreement, where every reference is on it."""


class LedgerBookPort(Protocol):
    """The book of one company of a ledger."""

    async def read_ledger(self, company: str, opening: date, reading: date) -> LedgerBook:
        """Customers, what they owe now, the balances before `opening` and up to `reading`."""

    async def take_over_customer(
        self, command: TakeOverCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        """Put on the reference where it is missing; posts nothing. Rejected where there is another
        of ours."""

    async def find_taken_over_customer(self, command: TakeOverCustomer) -> ErpCustomer | None:
        """The customer, where it carries our reference."""
