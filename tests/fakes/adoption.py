"""What biller and ledger held before us, in memory, and our references put on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from dealthread.domain.adoption.book import (
    BilledCustomer,
    BilledSubscription,
    BillerBook,
    LedgerBook,
    LedgerParty,
    OpenBill,
    OpenItem,
)
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import (
    Agreement,
    AgreementStatus,
    BillingCustomer,
    ErpCustomer,
)
from dealthread.domain.ledger import EntryLine, PostedJournal, trial_balance_of
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind, DocumentState, PostedDocument
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.revenue.journal import Side
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.adoption import FOREIGN_REFERENCE, TakeOverAgreement, TakeOverCustomer
from tests.fakes.ledger import FakeLedger
from tests.fakes.world import World


@dataclass
class OldAccount:
    """One billing account: records by native id."""

    customers: dict[str, BilledCustomer] = field(default_factory=dict)
    subscriptions: dict[str, BilledSubscription] = field(default_factory=dict)
    open_bills: dict[str, OpenBill] = field(default_factory=dict)
    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    """Line key → item, by subscription: our marks."""


class OldBiller:
    """`BillerBookPort`."""

    _world: World
    customers: dict[str, BillingCustomer]
    agreements: dict[str, list[Agreement]]

    @property
    def old(self) -> dict[str, OldAccount]:
        """Accounts by key, made when first asked for."""
        return self.__dict__.setdefault("_old", {})

    def account(self, key: str) -> OldAccount:
        """One account."""
        return self.old.setdefault(key, OldAccount())

    async def read_book(self, billing_account: str) -> BillerBook:
        held = self.account(billing_account)
        return await self._world.read(
            "billing.read_book",
            lambda: BillerBook(
                account=billing_account,
                customers=tuple(held.customers.values()),
                subscriptions=tuple(held.subscriptions.values()),
                open_bills=tuple(held.open_bills.values()),
            ),
        )

    async def take_over(
        self, command: TakeOverAgreement, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        held, contract = self.account(command.subscription.account), command.contract
        customer = held.customers[command.customer.native_id]
        subscription = held.subscriptions[command.subscription.native_id]
        if customer.customer_key not in ("", contract.customer_key):
            return Rejected("billing.rejected", FOREIGN_REFERENCE, "customer")
        if subscription.contract_key not in ("", contract.key):
            return Rejected("billing.rejected", FOREIGN_REFERENCE, "subscription")

        def effect() -> Agreement:
            held.customers[command.customer.native_id] = customer.model_copy(
                update={"customer_key": contract.customer_key}
            )
            held.subscriptions[command.subscription.native_id] = subscription.model_copy(
                update={"contract_key": contract.key, "ends_on": contract.committed_until}
            )
            held.lines[command.subscription.native_id] = dict(command.items)
            self.customers[contract.customer_key] = BillingCustomer(
                ref=command.customer, customer_key=contract.customer_key
            )
            made = _agreement(command)
            self.agreements[contract.key] = [made]
            return made

        return await self._world.write("billing.take_over", contract.key, effect)

    async def find_taken_over(self, command: TakeOverAgreement) -> Agreement | None:
        held, contract = self.account(command.subscription.account), command.contract

        def look() -> Agreement | None:
            subscription = held.subscriptions.get(command.subscription.native_id)
            marked = held.lines.get(command.subscription.native_id)
            if subscription is None or subscription.contract_key != contract.key:
                return None
            return _agreement(command) if marked == command.items else None

        return await self._world.read("billing.find_taken_over", look)


def _agreement(command: TakeOverAgreement) -> Agreement:
    return Agreement(
        ref=command.subscription,
        subscription=command.subscription,
        status=AgreementStatus.ACTIVE,
        items=dict(command.items),
        committed_until=command.contract.committed_until,
    )


@dataclass
class OldBooks:
    """What accounting kept by itself, by company."""

    parties: dict[tuple[str, str], LedgerParty] = field(default_factory=dict)
    items: dict[tuple[str, str], OpenItem] = field(default_factory=dict)


class OldLedger:
    """`LedgerBookPort`."""

    _world: World
    ledger: FakeLedger
    customers: dict[tuple[str, str], ErpCustomer]

    @property
    def old(self) -> OldBooks:
        """Made when first asked for."""
        return self.__dict__.setdefault("_old", OldBooks())

    def enter_by_hand(
        self, company: str, day: date, debit: str, credit: str, amount: Money
    ) -> None:
        """An entry that others made."""
        number = str(len(self.ledger.entries) + 1)
        self.ledger.entries.append(
            PostedJournal(
                ref=Ref(
                    system=System.ERP, account=f"fake.{company}", kind="journal", native_id=number
                ),
                company=company,
                number=number,
                posting_date=day,
                lines=(
                    EntryLine(account=debit, side=Side.DEBIT, amount=amount),
                    EntryLine(account=credit, side=Side.CREDIT, amount=amount),
                ),
            )
        )

    async def read_ledger(self, company: str, opening: date, reading: date) -> LedgerBook:
        currency = self.ledger.currency(company)

        def balances(until: date) -> tuple[object, ...]:
            return trial_balance_of(
                [
                    one
                    for one in self.ledger.entries
                    if one.company == company and one.posting_date < until
                ],
                currency,
            )

        def look() -> LedgerBook:
            return LedgerBook.model_validate(
                {
                    "erp": "tryton",
                    "company": company,
                    "currency": currency,
                    "parties": [row for (of, _), row in self.old.parties.items() if of == company],
                    "open_items": self._open(company),
                    "at_opening": balances(opening),
                    "at_reading": balances(reading + timedelta(days=1)),
                }
            )

        return await self._world.read("erp.read_ledger", look)

    def with_old(
        self, command: LedgerReceipt, post: Callable[[LedgerReceipt], PostedDocument]
    ) -> PostedDocument:
        """Post a receipt that may settle what others posted: it has no key of ours before or
        after."""
        parts = [part for part in command.applications if part.native_id]
        for part in parts:
            item = self.old.items.get((command.company, part.native_id))
            if item is not None:
                self.ledger.documents[command.company, part.document_key] = PostedDocument(
                    ref=item.ref,
                    kind=DocumentKind.INVOICE,
                    state=DocumentState.POSTED,
                    document_key=part.document_key,
                    number=item.number,
                    company=command.company,
                    customer_key=command.customer_key,
                    currency=item.currency,
                    net=item.gross,
                    tax=Money.zero(item.currency),
                    gross=item.gross,
                    open_amount=item.open_amount,
                )
        try:
            made = post(command)
        finally:
            left = {
                part.native_id: self.ledger.documents.pop(
                    (command.company, part.document_key), None
                )
                for part in parts
            }
        for native_id, document in left.items():
            assert document is not None
            item = self.old.items[command.company, native_id]
            amount = document.open_amount
            update = {"open_amount": amount, "open_ledger_amount": amount}
            self.old.items[command.company, native_id] = item.model_copy(update=update)
        return made

    def _open(self, company: str) -> list[OpenItem]:
        """What others posted and what we did, as far as it is open."""
        found = [item for (of, _), item in self.old.items.items() if of == company]
        for (of, key), document in self.ledger.documents.items():
            invoice = document.kind in (DocumentKind.INVOICE, DocumentKind.CREDIT_MEMO)
            if of == company and invoice and document.open_amount:
                found.append(
                    OpenItem(
                        ref=document.ref,
                        number=document.number,
                        party=document.ref.model_copy(update={"kind": "customer"}),
                        currency=document.currency,
                        gross=document.gross,
                        open_amount=document.open_amount,
                        open_ledger_amount=document.open_ledger_amount or document.open_amount,
                        document_key=key,
                    )
                )
        return [one for one in found if one.open_amount]

    async def take_over_customer(
        self, command: TakeOverCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        party = self.old.parties.get((command.company, command.party.native_id))
        if party is None:
            return Rejected("customer.sync_failed", "customer_unknown", "party")
        if party.customer_key not in ("", command.customer_key):
            return Rejected("customer.sync_failed", FOREIGN_REFERENCE, "party.code")

        def effect() -> ErpCustomer:
            self.old.parties[command.company, command.party.native_id] = party.model_copy(
                update={"customer_key": command.customer_key}
            )
            made = ErpCustomer(ref=command.party, customer_key=command.customer_key)
            self.customers[command.company, command.customer_key] = made
            return made

        return await self._world.write("erp.take_over_customer", command.customer_key, effect)

    async def find_taken_over_customer(self, command: TakeOverCustomer) -> ErpCustomer | None:
        def look() -> ErpCustomer | None:
            return self.customers.get((command.company, command.customer_key))

        return await self._world.read("erp.find_taken_over_customer", look)
