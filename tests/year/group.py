"""The third life: another legal entity joins on new payment terms, and its ledger refuses the tax.

Amounts follow from the demonstration's prices, rates and day counts (`facts/domain.md` §9): the
worked deals have no such contract. 184 of 365 days are left at the reduction:
4 × 300.00 × 184 ÷ 365 = 604.931; 6.6 % of it = 39.93.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import httpx

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import AmendmentOrder, ChangeTiming, LineAction, LineOrder
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import amendment_id, quote_to_cash_id
from dealthread.sandbox.records import Customer, Sale, SoldLine
from dealthread.sandbox.worked_deals import d2, seats
from dealthread.stack.info import StackInfo
from dealthread.stack.tryton_setup.session import SetupSession
from tests.year.accounts import ZERO
from tests.year.life import End, Life

BEGINS = date(2026, 2, 1)
JOINS = date(2026, 5, 1)
END = End(
    tcv=Decimal("5395.07"),
    invoices=[Decimal("6396.00")],
    credit_notes=[Decimal("644.86")],
    balance=Decimal("644.86"),
    bookings=[Decimal("6000.00"), Decimal("-604.93")],
    items=[(16, Decimal("300.00"))],
    grants=[("20", "2026-02-01", "2026-08-01"), ("16", "2026-08-01", "2027-02-01")],
    version=3,
    status="active",
)
REGIONAL_END = End(
    tcv=Decimal("4440.00"),
    invoices=[Decimal("5283.60")],
    credit_notes=[],
    balance=ZERO,
    bookings=[Decimal("4440.00")],
    items=[(10, Decimal("444.00"))],
    grants=[("10", "2026-05-01", "2027-05-01")],
    version=1,
    status="active",
)
DRAFTED = timedelta(hours=2)
"""The biller keeps the invoice of a bank transfer as a draft for about an hour."""
TAX = "DE-19"
GERMAN_COMPANY = 2


def regional(customer: Customer) -> Sale:
    """Ten business seats of DE01, on 60 days."""
    return replace(
        d2(customer),
        code="C-DE",
        closed_on=date(2026, 4, 28),
        start=JOINS,
        last_day=date(2027, 4, 30),
        lines=(SoldLine("SEAT-PRO", Decimal(10), Decimal("444.00")),),
        payment_terms="NET60",
    )


async def lived(life: Life, stack: StackInfo, american: Customer, german: Customer) -> None:
    """From won to reduced, with a sister contract."""
    deal = await life.sell(seats("C-US", "SEAT-STD", 20, american, BEGINS), "")
    await life.quote_to_cash(deal)
    await life.office.time.by(DRAFTED)
    life.new_bills(deal, [])
    contract = await life.office.contract(deal.contract_key)
    (line,) = contract.lines
    await life.on(date(2026, 3, 3))
    life.accounts.pay_out_of_band(deal)
    await life.tell("paid by bank transfer")
    known = [*life.accounts.billed(deal).invoices]

    await life.on(JOINS)
    sister = await life.sell(regional(german), "")
    asked = life.won_amendment(
        deal,
        "Germany joins",
        [],
        CloseDate=JOINS,
        Dealthread_Signed_On__c=JOINS,
        Dealthread_Effective_From__c=JOINS,
        Dealthread_Timing__c="on_date",
        Dealthread_Payment_Terms__c="NET45",
        Dealthread_Regional_Deals__c=sister.deal_id,
    )
    change = amendment_id(deal.contract_key, asked)
    first = quote_to_cash_id(life.org, sister.deal_id)
    with _tax_inactive(stack):
        await life.tell(f"the tax code {TAX} is inactive in the German ledger")
        await life.ask(deal, ChangeKind.AMENDMENT, change, asked_by=asked)
        case = await life.stopped(first, "erp.rejected")
        life.sheet.agree("written before the case", await life.office.writes(first), {})
    await life.tell("the operator makes the tax code active and retries")
    async with _confirmation_refused(stack.urls.tryton):
        await life.office.decide(case, DecisionKind.RETRY, "the tax code is active again")
        case = await life.stopped(first, "erp.rejected")
    before = await life.office.writes(first)
    done = {key: row for key, row in before.items() if row[0] == "done"}
    steps = sorted(key.split("/")[1] for key in done)
    life.sheet.line("done before the second case: " + ", ".join(steps))
    await life.tell("the operator mends the tax configuration and retries")
    await life.office.decide(case, DecisionKind.RETRY, "the tax rule is mended")
    await life.completed(first)
    after = await life.office.writes(first)
    life.sheet.agree(
        "done steps, how and attempts, after the retry",
        {key: after[key] for key in done} == done,
        True,
    )
    await life.completed(change)
    await life.tell("DE01 joined on 60 days, the contract of US01 is on 45 days")
    life.new_bills(sister, [])
    life.sheet.agree(
        "payment terms", (await life.office.contract(deal.contract_key)).payment_terms, "NET45"
    )

    day = date(2026, 8, 1)
    await life.on(day)
    change = amendment_id(deal.contract_key, "A2")
    await life.ask(
        deal,
        ChangeKind.AMENDMENT,
        change,
        AmendmentOrder(
            change_id=change,
            contract_key=deal.contract_key,
            accepted_on=day,
            timing=ChangeTiming.ON_DATE,
            effective_from=day,
            lines=(
                LineOrder(action=LineAction.QUANTITY, line_key=line.line_key, quantity=Decimal(16)),
            ),
        ),
    )
    await life.completed(change)
    await life.tell("20 → 16 seats; the unused time is credited")
    life.new_bills(deal, known)
    await life.close(deal, END)
    await life.close(sister, REGIONAL_END)


@contextmanager
def _tax_inactive(stack: StackInfo) -> Iterator[None]:
    """In the ledger itself, by its administrator; active again afterwards."""
    login = "admin"
    session = SetupSession(
        stack.urls.tryton_direct, stack.tryton.database, login, stack.tryton.logins[login]
    )
    try:
        tax = session.one(
            "account.tax",
            [["name", "=", TAX], ["company", "=", GERMAN_COMPANY], ["active", "in", [True, False]]],
            company=GERMAN_COMPANY,
        )
        session.write("account.tax", tax, {"active": False}, company=GERMAN_COMPANY)
        try:
            yield
        finally:
            session.write("account.tax", tax, {"active": True}, company=GERMAN_COMPANY)
    finally:
        session.close()


@asynccontextmanager
async def _confirmation_refused(proxy: str) -> AsyncIterator[None]:
    """Tryton's fault proxy refuses confirmations in Tryton's own words for a user's error."""
    async with httpx.AsyncClient(base_url=proxy, trust_env=False) as control:
        fault = {
            "kind": "reject",
            "body": r"model\.sale\.sale\.confirm",
            "dialect": "tryton",
            "times": 0,
            "message": "No tax rule of DE01 covers this line.",
        }
        answer = (await control.post("/_sim/faults", json=fault)).raise_for_status().json()
        try:
            yield
        finally:
            await control.delete(f"/_sim/faults/{answer['id']}")
