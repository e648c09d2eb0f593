"""The fifth life: changes told ahead, backdated over a period's end and taken back, by the month.

Amounts follow from the demonstration's prices, rates and day counts (`facts/domain.md` §9): the
worked deals have no such contract. Tax is 6.6 %; a month that is not changed within costs its
price. By card: every invoice is paid when it is issued.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from dealthread.naming import renewal_notice_id
from dealthread.sandbox.records import Customer, Sale, SoldLine
from dealthread.sandbox.worked_deals import seats
from tests.year.change_table import (
    BookedLine,
    Change,
    Document,
    Line,
    Priced,
    Right,
    Says,
    ToCome,
)
from tests.year.changing import Changing
from tests.year.life import End, Life

BEGINS = date(2026, 4, 1)
ENDS = date(2027, 4, 1)
D = Decimal


def platform(price: str) -> tuple[Priced, ...]:
    """The one item at the biller."""
    return (Priced("plat-m", D(1), D(price)),)


def paid(number: int, net: str, total: str, due: str = "") -> Document:
    """An invoice to the card; what it takes may be less than its total."""
    return Document(f"invoice {number}", D(net), D(total), D(due or total))


SOLD = Says(
    bills=(paid(1, "500.00", "533.00"),),
    agreement=platform("500.00"),
    booked=(BookedLine("PLAT-M", D(1), D("6000.00")),),
    rights=(Right("platform", 1, "2026-04-01", "2027-04-01"),),
    tcv=D("6000.00"),
    version=1,
    terms="DUE",
)
CHANGES = (
    Change(
        "another price from the next period",
        on=date(2026, 5, 10),
        timing="period_end",
        lines=(Line("price", of="PLAT-M", price="475.00"),),
        billed_before=(paid(2, "500.00", "533.00"),),
        says=Says(
            # Ten months at 25.00 less.
            agreement=platform("500.00"),
            to_come=(ToCome(date(2026, 6, 1), platform("475.00")),),
            booked=(BookedLine("PLAT-M", D(-1), D("-250.00")),),
            rights=(
                Right("platform", 1, "2026-04-01", "2026-06-01"),
                Right("platform", 1, "2026-06-01", "2027-04-01"),
            ),
            tcv=D("5750.00"),
            version=2,
            terms="DUE",
        ),
    ),
    Change(
        "another price from a day to come",
        on=date(2026, 6, 20),
        timing="on_date",
        effective=date(2026, 9, 1),
        lines=(Line("price", of="PLAT-M", price="510.00"),),
        billed_before=(paid(3, "475.00", "506.35"),),
        says=Says(
            # Seven months at 35.00 more.
            agreement=platform("475.00"),
            to_come=(ToCome(date(2026, 9, 1), platform("510.00")),),
            booked=(BookedLine("PLAT-M", D(1), D("245.00")),),
            rights=(
                Right("platform", 1, "2026-06-01", "2026-09-01"),
                Right("platform", 1, "2026-09-01", "2027-04-01"),
            ),
            tcv=D("5995.00"),
            version=3,
            terms="DUE",
        ),
    ),
    Change(
        "another price from a day in the period before",
        on=date(2026, 7, 10),
        timing="on_date",
        effective=date(2026, 6, 16),
        lines=(Line("price", of="PLAT-M", price="450.00"),),
        billed_before=(paid(4, "475.00", "506.35"),),
        says=Says(
            # Until September, for which 510.00 was agreed. June: 15 of 30 days, 237.50 − 225.00;
            # tax 0.825. July: 475.00 − 450.00. Each on the invoice that billed it; August 25.00.
            bills=(
                Document("credit of invoice 3", D("12.50"), D("13.33"), D(0)),
                Document("credit of invoice 4", D("25.00"), D("26.65"), D(0)),
            ),
            agreement=platform("450.00"),
            to_come=(ToCome(date(2026, 9, 1), platform("510.00")),),
            booked=(BookedLine("PLAT-M", D(-1), D("-62.50")),),
            rights=(
                Right("platform", 1, "2026-06-16", "2026-09-01"),
                Right("platform", 1, "2026-09-01", "2027-04-01"),
            ),
            tcv=D("5932.50"),
            version=4,
            terms="DUE",
            balance=D("39.98"),
        ),
    ),
    Change(
        "a lower price from November",
        on=date(2026, 9, 10),
        timing="on_date",
        effective=date(2026, 11, 1),
        lines=(Line("price", of="PLAT-M", price="490.00"),),
        # August takes the balance of 39.98.
        billed_before=(paid(5, "450.00", "479.70", "439.72"), paid(6, "510.00", "543.66")),
        says=Says(
            # Five months at 20.00 less.
            agreement=platform("510.00"),
            to_come=(ToCome(date(2026, 11, 1), platform("490.00")),),
            booked=(BookedLine("PLAT-M", D(-1), D("-100.00")),),
            rights=(
                Right("platform", 1, "2026-09-01", "2026-11-01"),
                Right("platform", 1, "2026-11-01", "2027-04-01"),
            ),
            tcv=D("5832.50"),
            version=5,
            terms="DUE",
        ),
    ),
    Change(
        "the lower price is taken back",
        on=date(2026, 10, 5),
        takes_back="a lower price from November",
        billed_before=(paid(7, "510.00", "543.66"),),
        says=Says(
            agreement=platform("510.00"),
            booked=(BookedLine("PLAT-M", D(1), D("100.00")),),
            rights=(Right("platform", 1, "2026-09-01", "2027-04-01"),),
            tcv=D("5932.50"),
            version=6,
            terms="DUE",
        ),
    ),
)
END = End(
    tcv=D("5932.50"),
    invoices=[
        D(total) for total in ("533.00", "533.00", "506.35", "506.35", "479.70", *["543.66"] * 7)
    ],
    credit_notes=[D("13.33"), D("26.65")],
    balance=D("0.00"),
    bookings=[D(net) for net in ("6000.00", "-250.00", "245.00", "-62.50", "-100.00", "100.00")],
    items=[(1, D("510.00"))],
    grants=[
        ("1", "2026-04-01", "2026-06-01"),
        ("1", "2026-06-01", "2026-06-16"),
        ("1", "2026-06-16", "2026-09-01"),
        ("1", "2026-09-01", "2027-04-01"),
    ],
    version=6,
    status="active",
    # 6,000.00 ÷ 365 × 30 and × 31: the term is committed, its price is earned by the day.
    months={"2026-04": D("493.15"), "2026-05": D("509.59")},
)


def monthly(customer: Customer) -> Sale:
    """The platform for a year, by card, a month at a time."""
    model = seats("E", "SEAT-STD", 1, customer, BEGINS, card=True)
    line = SoldLine("PLAT-M", D(1), D("500.00"))
    return replace(model, lines=(line,), frequency="monthly")


async def lived(life: Life, customer: Customer) -> None:
    """From won until the last month is billed."""
    deal = await life.sell(monthly(customer), "")
    await life.quote_to_cash(deal)
    changing = Changing(life, deal)
    await changing.sold(SOLD)
    await changing.carry_out(*CHANGES)
    await life.on(ENDS - timedelta(days=60))
    await life.completed(renewal_notice_id(deal.contract_key, ENDS))
    await life.on(date(2027, 3, 2))
    await life.tell("the last month is billed")
    await life.close(deal, END)
