"""The first life: deal D1, upgraded while the ERP is down, renewed with an uplift, cancelled.

Amounts: the demonstration's worked deal D1 (`facts/domain.md` §9.6, §9.7). The cancellation is not
in it: 306 of 365 days are unused, 70 × 283.50 × 306 ÷ 365 = 16,637.178, and 6.6 % tax on it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.change_order import CancellationOrder, ChangeTiming
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import amendment_id, cancellation_id, renewal_id, renewal_notice_id
from dealthread.sandbox.records import Customer
from dealthread.sandbox.worked_deals import d1
from tests.year.ledger_down import ledger_down
from tests.year.life import ChangedLine, End, Life

BEGINS = date(2026, 1, 1)
END = End(
    tcv=Decimal("20930.01"),  # 15,000.00 + 2,722.19 + 19,845.00 − 16,637.18
    invoices=[Decimal("15891.00"), Decimal("2901.86"), Decimal("21154.77")],
    credit_notes=[Decimal("17735.23")],  # 16,637.18 + 1,098.05
    balance=Decimal("17735.23"),
    bookings=[Decimal("15000.00"), Decimal("2722.19"), Decimal("19845.00"), Decimal("-16637.18")],
    items=[],
    grants=[
        ("50", "2026-01-01", "2026-07-01"),
        ("70", "2026-07-01", "2027-01-01"),
        ("70", "2027-01-01", "2027-03-01"),
    ],
    version=4,
    status="ended",
    awaiting=Decimal("2500.00"),  # onboarding, on its acceptance
    months={
        "2026-01": Decimal("1061.64"),
        "2026-02": Decimal("958.90"),
        "2026-06": Decimal("1027.40"),
        "2026-07": Decimal("1520.27"),  # 1,061.64 + 458.63
        "2026-09": Decimal("1471.24"),  # 1,027.40 + 443.84
        "2026-12": Decimal("1520.28"),  # 1,061.66 + 458.62
    },
)


async def lived(life: Life, customer: Customer, tryton_proxy: str) -> None:
    """From won to cancelled."""
    deal = await life.sell(
        d1(customer), "", Dealthread_Auto_Renew__c=True, Dealthread_Renewal_Uplift__c=5
    )
    await life.quote_to_cash(deal)
    known = life.new_bills(deal, [])
    contract = await life.office.contract(deal.contract_key)
    seats = next(line for line in contract.lines if line.kind == "recurring")

    await life.on(date(2026, 7, 1))
    async with ledger_down(tryton_proxy):
        await life.tell("the ERP is down")
        asked = life.won_amendment(
            deal,
            "Upgrade",
            [ChangedLine("quantity", seats.line_key, "SEAT-STD", 70, "270.00")],
            CloseDate=date(2026, 7, 1),
            Dealthread_Signed_On__c=date(2026, 7, 1),
            Dealthread_Effective_From__c=date(2026, 7, 1),
            Dealthread_Timing__c="on_date",
        )
        change = amendment_id(deal.contract_key, asked)
        await life.ask(deal, ChangeKind.AMENDMENT, change, asked_by=asked)
        await life.until_step(change, "entitlement")
        await life.tell("won in Salesforce: 50 → 70 seats; billed and entitled, not yet booked")
        known += life.new_bills(deal, known)
        life.sheet.agree(
            "entitlement while the ERP is down",
            life.accounts.grants(deal)[-1],
            ("70", "2026-07-01", "2027-01-01"),
        )
        life.sheet.agree("bookings while the ERP is down", len(life.accounts.bookings(deal)), 1)
        await life.on(date(2026, 7, 2))
    await life.tell("the ERP is back")
    await life.completed(change)
    await life.tell("the upgrade is booked; nothing was lost")

    end = date(2027, 1, 1)
    await life.on(date(2026, 11, 2))
    await life.completed(renewal_notice_id(deal.contract_key, end))
    forecast = life.accounts.renewal(renewal_id(deal.contract_key, end))
    await life.tell("the renewal is announced")
    life.sheet.agree(
        "CRM, forecast of the renewal",
        Decimal(str(forecast["Amount"])) if forecast else None,
        Decimal("19845.00"),
    )
    await life.on(date(2026, 12, 2))
    await life.completed(renewal_id(deal.contract_key, end))
    await life.tell("nobody refused: renewed for a year at 5 % more")
    await life.on(date(2027, 1, 2))
    await life.tell("the new term has begun and is billed")
    known += life.new_bills(deal, known)

    day = date(2027, 3, 1)
    await life.on(day)
    stop = cancellation_id(deal.contract_key, "X1")
    await life.ask(
        deal,
        ChangeKind.CANCELLATION,
        stop,
        CancellationOrder(
            change_id=stop,
            contract_key=deal.contract_key,
            accepted_on=day,
            timing=ChangeTiming.ON_DATE,
            effective_from=day,
        ),
    )
    await life.completed(stop, may_ask=True)
    await life.tell("cancelled; the unused time is credited")
    known += life.new_bills(deal, known)
    await life.close(deal, END)
