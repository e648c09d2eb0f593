"""An existing book for adoption: the worked deals as the systems hold them without us."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache

from dealthread.config import load_config
from dealthread.domain.adoption.book import (
    Answer,
    BilledCustomer,
    BilledItem,
    BilledSubscription,
    BillerBook,
    Book,
    LedgerBook,
    LedgerParty,
    OpenBill,
    OpenItem,
    OwnBook,
)
from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.deal import Deal
from dealthread.domain.ledger import TrialBalanceRow
from dealthread.domain.money import Money, UnitPrice
from tests.support.deal_builder import CONFIG_DIR, d1

OPENING = date(2026, 9, 1)
ACCOUNT = "acct_alder_us"
LEDGER = "tryton.1"


@cache
def _config() -> ConfigSet:
    return load_config(CONFIG_DIR)


def usd(amount: str) -> Money:
    """Dollars and cents."""
    return Money.of(amount, "USD")


def billing_ref(kind: str, native_id: str) -> Ref:
    """Of the American company's billing account."""
    return Ref(system=System.BILLING, account=ACCOUNT, kind=kind, native_id=native_id)


def ledger_ref(kind: str, native_id: str) -> Ref:
    """Of the American company's ledger."""
    return Ref(system=System.ERP, account=LEDGER, kind=kind, native_id=native_id)


def customer(native_id: str = "cus_1", **more: object) -> BilledCustomer:
    """As a person entered it years ago."""
    values: dict[str, object] = {"ref": billing_ref("customer", native_id), "name": "Harborline"}
    return BilledCustomer.model_validate(values | more)


def subscription(native_id: str = "sub_1", **more: object) -> BilledSubscription:
    """Fifty seats at 270.00 a year, from January to January."""
    values: dict[str, object] = {
        "ref": billing_ref("subscription", native_id),
        "customer": billing_ref("customer", "cus_1"),
        "status": "active",
        "currency": "USD",
        "items": (seats(),),
        "period_start": date(2026, 1, 1),
        "period_end": date(2027, 1, 1),
    }
    return BilledSubscription.model_validate(values | more)


def seats(quantity: str = "50", price: str = "270.00", native_id: str = "si_1") -> BilledItem:
    """An item that bills seats by the year."""
    product = _config().product("SEAT-STD", OPENING)
    assert product is not None
    return BilledItem(
        native_id=native_id,
        product=product.billing_product,
        quantity=Decimal(quantity),
        unit_price=UnitPrice.of(price, "USD"),
        period_months=12,
    )


def party(native_id: str = "17", code: str = "10017", **more: object) -> LedgerParty:
    """As accounting keeps it."""
    values: dict[str, object] = {
        "ref": ledger_ref("customer", native_id),
        "code": code,
        "name": "Harborline Logistics LLC",
    }
    return LedgerParty.model_validate(values | more)


def bill(number: str = "AL-0007", left: str = "15891.00", **more: object) -> OpenBill:
    """The first invoice of the deal, not paid."""
    values: dict[str, object] = {
        "ref": billing_ref("invoice", f"in_{number}"),
        "number": number,
        "customer": billing_ref("customer", "cus_1"),
        "subscription": "sub_1",
        "currency": "USD",
        "net": usd("15000.00"),
        "gross": usd("15891.00"),
        "remaining": usd(left),
        "issue_date": date(2026, 1, 1),
    }
    return OpenBill.model_validate(values | more)


def item(number: str = "AL-0007", left: str = "15891.00", **more: object) -> OpenItem:
    """The same in the ledger."""
    values: dict[str, object] = {
        "ref": ledger_ref("invoice", f"9-{number}"),
        "number": number,
        "party": ledger_ref("customer", "17"),
        "currency": "USD",
        "gross": usd("15891.00"),
        "open_amount": usd(left),
        "open_ledger_amount": usd(left),
    }
    return OpenItem.model_validate(values | more)


def balance(account: str, amount: str) -> TrialBalanceRow:
    """Debit above nought, credit below."""
    signed, zero = usd(amount), usd("0.00")
    debit, credit = (signed, zero) if signed.amount >= 0 else (zero, -signed)
    return TrialBalanceRow(account=account, debit=debit, credit=credit, balance=signed)


def book(
    *,
    deals: Iterable[Deal] = (),
    customers: Iterable[BilledCustomer] | None = None,
    subscriptions: Iterable[BilledSubscription] | None = None,
    bills: Iterable[OpenBill] = (),
    parties: Iterable[LedgerParty] | None = None,
    items: Iterable[OpenItem] = (),
    deferred: str = "4178.10",
    receivable: str = "0.00",
    answers: Iterable[Answer] | None = None,
    own: OwnBook | None = None,
    read_on: date = OPENING,
) -> Book:
    """One company with the first worked deal, all of whose keys are there."""
    return Book(
        seller="US01",
        as_of=OPENING,
        read_on=read_on,
        deals=tuple(deals) or (d1(),),
        biller=(
            BillerBook(
                account=ACCOUNT,
                customers=tuple(customers) if customers is not None else (customer(),),
                subscriptions=(
                    tuple(subscriptions)
                    if subscriptions is not None
                    else (subscription(named=(d1().deal_id,)),)
                ),
                open_bills=tuple(bills),
            ),
        ),
        ledger=LedgerBook(
            erp="tryton",
            company="1",
            currency="USD",
            parties=tuple(parties) if parties is not None else (party(code="cus_1"),),
            open_items=tuple(items),
            at_opening=(balance("2300", f"-{deferred}"),),
            at_reading=(balance("1100", receivable),) if receivable != "0.00" else (),
        ),
        own=own or OwnBook(deferred=usd("0.00")),
        answers=tuple(answers) if answers is not None else (accepted(),),
    )


def accepted(**more: object) -> Answer:
    """The onboarding was accepted in February."""
    values: dict[str, object] = {
        "deal_id": d1().deal_id,
        "done_lines": ("L2",),
        "said_by": "rita",
    }
    return Answer.model_validate(values | more)
