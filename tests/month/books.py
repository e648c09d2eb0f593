"""The end of the month: what the biller bills, the ledger holds, and our store and the CRM say, to
the cent; and the same in a form that no order of events may change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from dealthread.config import load_config
from dealthread.domain.base import Ref, System
from dealthread.domain.case import CaseState
from dealthread.domain.position.standing import standing_of
from dealthread.domain.posted import DocumentKind, PostedDocument
from dealthread.store.amount_sources import AmountSources
from dealthread.store.bills import PostgresBills
from dealthread.store.money_reading import MoneyReading
from tests.month.fates import closings, fates
from tests.month.house import House
from tests.month.month import Month
from tests.month.plan import LAST
from tests.support.deal_builder import CONFIG_DIR

ZERO = Decimal("0.00")
RECEIVABLES, CUSTOMERS_MONEY = "1100", "2210"
BANK, CLEARING, DISPUTED = "1000", "1050", "1060"
MONEY, TAX = (BANK, CLEARING, DISPUTED), ("2110", "2120")
BAD_DEBT, FEES = "6500", ("6600", "6650")
COSTS = (BAD_DEBT, *FEES)
FOR_EVER = date(2100, 1, 1)


@dataclass
class Books:
    """What was compared, and what differs."""

    differences: list[str] = field(default_factory=list)
    compared: int = 0
    totals: list[tuple[str, str, Decimal, Decimal]] = field(default_factory=list)
    """Company, figure, at the biller, in the ledger."""
    told: list[tuple[int, str, str]] = field(default_factory=list)
    """Contract, its fate, what became of it."""
    state: list[tuple[Any, ...]] = field(default_factory=list)
    """By contract: what must not depend on the order of events."""

    def same(self, what: str, found: object, wanted: object) -> None:
        self.compared += 1
        if found != wanted:
            self.differences.append(f"{what}: {found} instead of {wanted}")


async def compared(month: Month) -> Books:
    """Invoice by invoice, contract by contract, company by company."""
    books, house = Books(), month.house
    for account in house.config.billing_accounts:
        company = house.config.legal_entity(account.seller).erp_company
        invoices, notes = house.biller.invoices(account.key), house.biller.credit_notes(account.key)
        billed = [row for row in invoices if row["total"] > 0]
        books.same(
            f"{account.seller}, invoices in the ledger",
            sorted(one.number for one in _documents(house, company, DocumentKind.INVOICE)),
            sorted(str(row["number"]) for row in billed),
        )
        books.same(
            f"{account.seller}, credit memos in the ledger",
            sorted(one.number for one in _documents(house, company, DocumentKind.CREDIT_MEMO)),
            sorted(str(row["number"]) for row in notes),
        )
        for row in billed:
            await _invoice(books, house, account.key, company, row)
        for row in notes:
            _note(books, house, company, row)
        _accounts(books, house, account.key, company, account.seller, billed, notes)
    await _contracts(books, month)
    await closings(books, month)
    await fates(books, month)
    books.same("writes whose answer nobody knows", await house.it.reading.uncertain(), [])
    unsourced = await AmountSources(house.it.engine).missing()
    books.same("stored amounts without a source", unsourced, [])
    books.same("open cases", await house.it.cases.listing(CaseState.OPEN, "", 1000), [])
    return books


async def _invoice(
    books: Books, house: House, account: str, company: str, row: dict[str, Any]
) -> None:
    number = str(row["number"])
    wanted = (_major(row["total_excluding_tax"]), _tax(row), _major(row["total"]))
    left = _owed(house, account, row)
    for one in _documents(house, company, DocumentKind.INVOICE):
        if one.number == number:
            found = (one.net.amount, one.tax.amount, one.gross.amount)
            books.same(f"{number} in the ledger, net, tax, total", found, wanted)
            books.same(f"{number} in the ledger, open", one.open_amount.amount, left)
    kept = await PostgresBills(house.it.engine).named(number)
    books.same(
        f"{number} in our store",
        kept and (kept.net.amount, kept.tax.amount, kept.gross.amount, kept.remaining.amount),
        (*wanted, _major(row["amount_remaining"])),
    )
    ref = Ref(system=System.BILLING, account=account, kind="invoice", native_id=str(row["id"]))
    shown = house.it.crm.invoices.get(ref)
    books.same(
        f"{number} in the CRM",
        shown and (shown.number, str(shown.status), shown.gross.amount, shown.remaining.amount),
        (number, row["status"], wanted[2], _major(row["amount_remaining"])),
    )


def _note(books: Books, house: House, company: str, row: dict[str, Any]) -> None:
    number = str(row["number"])
    for one in _documents(house, company, DocumentKind.CREDIT_MEMO):
        if one.number == number:
            books.same(
                f"{number} in the ledger, net, tax, total",
                (one.net.amount, one.tax.amount, one.gross.amount),
                (_major(row["total_excluding_tax"]), _tax(row), _major(row["total"])),
            )


def _accounts(
    books: Books,
    house: House,
    account: str,
    company: str,
    seller: str,
    invoices: list[dict[str, Any]],
    notes: list[dict[str, Any]],
) -> None:
    """The ledger's accounts against the sums of the biller's documents and movements."""
    held = {
        row.account: row.balance.amount
        for row in house.it.erp.ledger.trial_balance(company, FOR_EVER)
    }
    of_revenue = set(held) - {RECEIVABLES, CUSTOMERS_MONEY, *MONEY, *TAX, *COSTS}
    net = sum((_major(row["total_excluding_tax"]) for row in invoices), ZERO)
    tax = sum((_tax(row) for row in invoices), ZERO)
    net -= sum((_major(row["total_excluding_tax"]) for row in notes), ZERO)
    tax -= sum((_tax(row) for row in notes), ZERO)
    given_up = _sum(invoices, "amount_remaining", lambda row: row["status"] == "uncollectible")
    disputes = house.biller.disputes(account)
    lost = _sum(disputes, "amount", lambda row: row["status"] == "lost")
    taken = _sum(disputes, "amount", lambda row: row["status"] not in ("lost", "won"))
    moved, payouts = house.biller.movements(account), house.biller.payouts(account)
    arrived = _sum(payouts, "amount", lambda row: row["status"] == "paid")
    out_of_band = _sum(invoices, "amount_paid") - _sum(
        moved, "amount", lambda row: row["type"] == "charge"
    )
    on_its_way = _sum(payouts, "amount", lambda row: row["status"] in ("pending", "in_transit"))
    # The fee of a charge is told to the ledger by the payout that the charge is in.
    not_told = _sum(moved, "fee", lambda row: row["type"] == "charge")
    for payout in payouts:
        if payout["status"] == "paid":
            within = house.biller.movements(account, payout=str(payout["id"]))
            not_told -= _sum(within, "fee", lambda row: row["type"] == "charge")
    for figure, at_biller, accounts, sign in (
        ("billed less credited, net", net, of_revenue, -1),
        ("tax", tax, set(TAX), -1),
        ("owed", _sum(invoices, "amount_remaining") - given_up + lost, {RECEIVABLES}, 1),
        ("paid by transfer and paid out", out_of_band + arrived, {BANK}, 1),
        ("with the processor", _sum(moved, "net") + on_its_way + not_told, {CLEARING}, 1),
        ("fees", _sum(moved, "fee") - not_told, set(FEES), 1),
        ("taken back by banks", taken, {DISPUTED}, 1),
        ("given up", given_up, {BAD_DEBT}, 1),
        ("customers' balances", -_major(house.biller.balances(account)), {CUSTOMERS_MONEY}, -1),
    ):
        in_ledger = sign * sum((held.get(one, ZERO) for one in accounts), ZERO) + ZERO
        books.totals.append((seller, figure, at_biller, in_ledger))
        books.same(f"{seller}, {figure}, in the ledger", in_ledger, at_biller)
    books.same(f"{seller}, trial balance", sum(held.values(), ZERO), ZERO)


async def _contracts(books: Books, month: Month) -> None:
    """What the money view says of each contract, and the state that is compared between runs."""
    house, config = month.house, load_config(CONFIG_DIR)
    by_customer: dict[str, list[dict[str, Any]]] = {}
    for account in house.biller.clients:
        for row in house.biller.invoices(account):
            by_customer.setdefault(str(row["customer"]), []).append(row)
    for number, one in sorted(month.lives.items()):
        rows = by_customer.get(one.customer, [])
        key = one.contract.key
        account = one.contract.billing_account
        left = sum((_owed(house, account, row) for row in rows), ZERO)
        async for (facts,) in MoneyReading(house.it.engine).facts(LAST, contract_key=key):
            position = standing_of(facts, LAST, config).position
            books.same(f"contract {number}, receivable", position.receivable.amount, left)
        held = sorted(
            (str(d.kind), str(d.gross.amount), str(d.open_amount.amount), str(d.state))
            for d in house.it.erp.ledger.documents.values()
            if d.customer_key == one.contract.customer_key
        )
        billed = sorted((row["total"], row["amount_remaining"], row["status"]) for row in rows)
        present = await house.it.contracts.read(key)
        assert present is not None
        version = (present.version, str(present.tcv().amount))
        books.state.append((number, *version, tuple(billed), tuple(held)))


def _documents(house: House, company: str, kind: DocumentKind) -> Iterator[PostedDocument]:
    for (owner, _), one in house.it.erp.ledger.documents.items():
        if owner == company and one.kind is kind:
            yield one


def _owed(house: House, account: str, row: dict[str, Any]) -> Decimal:
    """What the customer owes of a bill: what is open and not given up, and what his bank took back
    for good, though the biller counts it as paid."""
    lost = _sum(house.biller.lost(account, str(row["id"])), "amount")
    is_given_up = row["status"] == "uncollectible"
    return lost if is_given_up else _major(row["amount_remaining"]) + lost


def _sum(
    rows: list[dict[str, Any]], name: str, keep: Callable[[dict[str, Any]], bool] = lambda _: True
) -> Decimal:
    return sum((_major(row[name]) for row in rows if keep(row)), ZERO)


def _tax(row: dict[str, Any]) -> Decimal:
    return _major(row["total"] - row["total_excluding_tax"])


def _major(minor: int) -> Decimal:
    """Every currency of the month has two decimals."""
    return (Decimal(minor) / 100).quantize(ZERO)
