"""The second life: deal D2, released after review, reduced, renewed with the credit used.

Amounts: the demonstration's worked deal D2 (`facts/domain.md` §9.6, §9.7).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.change_order import (
    AmendmentOrder,
    ChangeTiming,
    LineAction,
    LineOrder,
    RenewalDecision,
    RenewalOrder,
)
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import amendment_id, renewal_id, renewal_notice_id
from dealthread.sandbox.records import Customer
from dealthread.sandbox.worked_deals import d2
from tests.year.accounts import ZERO
from tests.year.life import End, Life

BEGINS = date(2026, 3, 15)
END = End(
    tcv=Decimal("29277.85"),  # 17,760.00 − 2,201.75 + 13,719.60
    invoices=[Decimal("21134.40"), Decimal("16326.32")],
    credit_notes=[Decimal("2620.08")],
    balance=ZERO,
    bookings=[Decimal("17760.00"), Decimal("-2201.75"), Decimal("13719.60")],
    items=[(30, Decimal("457.32"))],
    grants=[
        ("40", "2026-03-15", "2026-09-15"),
        ("30", "2026-09-15", "2027-03-15"),
        ("30", "2027-03-15", "2028-03-15"),
    ],
    version=3,
    status="active",
    months={
        "2026-03": Decimal("827.18"),
        "2026-04": Decimal("1459.73"),
        "2026-05": Decimal("1508.38"),
        "2026-06": Decimal("1459.73"),
        "2026-07": Decimal("1508.38"),
        "2026-08": Decimal("1508.38"),
        "2026-09": Decimal("1265.10"),
        "2026-10": Decimal("1131.29"),
        "2026-11": Decimal("1094.79"),
        "2026-12": Decimal("1131.29"),
        "2027-01": Decimal("1131.29"),
        "2027-02": Decimal("1021.81"),
    },
)


async def lived(life: Life, customer: Customer) -> None:
    """From won to renewed."""
    deal = await life.sell(d2(customer), "", Dealthread_Renewal_Uplift__c=3)
    await life.quote_to_cash(deal)
    known = life.new_bills(deal, [])
    contract = await life.office.contract(deal.contract_key)
    seats = next(line for line in contract.lines if line.kind == "recurring")
    await life.on(date(2026, 4, 14))
    life.accounts.pay_out_of_band(deal)
    await life.tell("paid by bank transfer")
    known = [*life.accounts.billed(deal).invoices]

    accepted, effective = date(2026, 9, 10), date(2026, 9, 15)
    await life.on(accepted)
    change = amendment_id(deal.contract_key, "A1")
    await life.ask(
        deal,
        ChangeKind.AMENDMENT,
        change,
        AmendmentOrder(
            change_id=change,
            contract_key=deal.contract_key,
            accepted_on=accepted,
            timing=ChangeTiming.ON_DATE,
            effective_from=effective,
            lines=(
                LineOrder(
                    action=LineAction.QUANTITY, line_key=seats.line_key, quantity=Decimal(30)
                ),
            ),
        ),
    )
    await life.completed(change, outcome="scheduled")
    await life.tell(f"40 → 30 seats from {effective}: accepted, held until its day")
    await life.on(effective)
    await life.completed(change)
    await life.tell("40 → 30 seats")
    known += life.new_bills(deal, known)
    life.sheet.agree(
        "customer's balance after the reduction",
        life.accounts.billed(deal).balance,
        Decimal("2620.08"),
    )

    end = date(2027, 3, 15)
    await life.on(date(2027, 1, 14))
    await life.completed(renewal_notice_id(deal.contract_key, end))
    await life.tell("the renewal is announced")
    accepted = date(2027, 2, 10)
    await life.on(accepted)
    renewal = renewal_id(deal.contract_key, end)
    await life.ask(
        deal,
        ChangeKind.RENEWAL,
        renewal,
        RenewalOrder(
            change_id=renewal,
            contract_key=deal.contract_key,
            accepted_on=accepted,
            decision=RenewalDecision.ACCEPT,
        ),
    )
    await life.completed(renewal)
    await life.tell("the customer renews for a year at 3 % more")
    await life.on(date(2027, 3, 16))
    await life.tell("the new term has begun and is billed")
    found = life.new_bills(deal, known)
    life.sheet.agree("due after the balance", [one.due for one in found], [Decimal("13706.24")])
    await life.close(deal, END)
