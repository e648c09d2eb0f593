"""The fourth life: every kind of change of a contract billed by the year, by bank transfer.

Amounts follow from the demonstration's prices, rates and day counts (`facts/domain.md` §9): the
worked deals have no such contract. A year is 365 days, tax 6.6 % of each line's rounded net; what
is credited, a share of what was billed, and what is charged are rounded each by itself.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.naming import renewal_notice_id
from dealthread.sandbox.records import Customer
from dealthread.sandbox.worked_deals import seats
from tests.year.change_table import (
    SALESFORCE,
    BookedLine,
    Change,
    Document,
    Line,
    Priced,
    Right,
    Says,
)
from tests.year.changing import Changing
from tests.year.life import End, Life

BEGINS = date(2026, 1, 1)
ENDS = date(2027, 1, 1)
D = Decimal
PLATFORM = Priced("plat-m", D(1), D("6000.00"))  # twelve months of 500.00
PLATFORM_RIGHT = Right("platform", 1, "2026-03-02", "2027-01-01")

SOLD = Says(
    # 20 × 300.00; 6.6 % of it is 396.00.
    bills=(Document("invoice 1", D("6000.00"), D("6396.00"), D("6396.00"), date(2026, 1, 31)),),
    agreement=(Priced("seat-std", D(20), D("300.00")),),
    booked=(BookedLine("SEAT-STD", D(20), D("6000.00")),),
    rights=(Right("seats", 20, "2026-01-01", "2027-01-01"),),
    tcv=D("6000.00"),
    version=1,
)
CHANGES = (
    Change(
        "a product is added",
        on=date(2026, 3, 2),
        by=SALESFORCE,
        lines=(Line("add", product="PLAT-M", quantity=1, price="500.00"),),
        says=Says(
            # 305 days are left: 6,000.00 × 305 ÷ 365 = 5,013.699; tax 330.904.
            bills=(
                Document("invoice 2", D("5013.70"), D("5344.60"), D("5344.60"), date(2026, 4, 1)),
            ),
            agreement=(Priced("seat-std", D(20), D("300.00")), PLATFORM),
            booked=(BookedLine("PLAT-M", D(1), D("5013.70")),),
            rights=(PLATFORM_RIGHT, Right("seats", 20, "2026-01-01", "2027-01-01")),
            tcv=D("11013.70"),
            version=2,
        ),
    ),
    Change(
        "a product is swapped for another",
        on=date(2026, 5, 1),
        by=SALESFORCE,
        lines=(Line("swap", of="SEAT-STD", product="SEAT-PRO", quantity=20, price="450.00"),),
        says=Says(
            # 245 days: −20 × 300.00 × 245 ÷ 365 = −4,027.397; 20 × 450.00 × 245 ÷ 365 = 6,041.096;
            # tax −265.808 and 398.713.
            bills=(
                Document("invoice 3", D("2013.70"), D("2146.60"), D("2146.60"), date(2026, 5, 31)),
            ),
            agreement=(Priced("seat-pro", D(20), D("450.00")), PLATFORM),
            booked=(
                BookedLine("SEAT-STD", D(-20), D("-4027.40")),
                BookedLine("SEAT-PRO", D(20), D("6041.10")),
            ),
            rights=(PLATFORM_RIGHT, Right("seats", 20, "2026-05-01", "2027-01-01")),
            tcv=D("13027.40"),
            version=3,
        ),
    ),
    Change(
        "payment terms are changed",
        on=date(2026, 5, 18),
        by=SALESFORCE,
        terms="NET45",
        says=Says(
            agreement=(Priced("seat-pro", D(20), D("450.00")), PLATFORM),
            rights=(PLATFORM_RIGHT, Right("seats", 20, "2026-05-01", "2027-01-01")),
            tcv=D("13027.40"),
            version=4,
            terms="NET45",
        ),
    ),
    Change(
        "seats are added backdated",
        on=date(2026, 6, 15),
        timing="on_date",
        effective=date(2026, 6, 1),
        lines=(Line("quantity", of="SEAT-PRO", quantity=25),),
        says=Says(
            # 214 days from the day it takes effect, of the 245 that were billed with the swap:
            # −6,041.10 × 214 ÷ 245 = −5,276.716; 25 × 450.00 × 214 ÷ 365 = 6,595.890;
            # tax −348.264 and 435.329. Due 45 days from today.
            bills=(
                Document("invoice 4", D("1319.17"), D("1406.24"), D("1406.24"), date(2026, 7, 30)),
            ),
            agreement=(Priced("seat-pro", D(25), D("450.00")), PLATFORM),
            booked=(BookedLine("SEAT-PRO", D(5), D("1319.17")),),
            rights=(PLATFORM_RIGHT, Right("seats", 25, "2026-06-01", "2027-01-01")),
            tcv=D("14346.57"),
            version=5,
            terms="NET45",
        ),
    ),
    Change(
        "a price is raised from a day to come",
        on=date(2026, 6, 20),
        timing="on_date",
        effective=date(2026, 7, 1),
        is_held=True,
        lines=(Line("price", of="SEAT-PRO", price="480.00"),),
        says=Says(
            # 184 of the 214 days: −6,595.89 × 184 ÷ 214 = −5,671.233;
            # 25 × 480.00 × 184 ÷ 365 = 6,049.315; tax −374.301 and 399.255.
            bills=(
                Document("invoice 5", D("378.09"), D("403.05"), D("403.05"), date(2026, 8, 15)),
            ),
            agreement=(Priced("seat-pro", D(25), D("480.00")), PLATFORM),
            booked=(BookedLine("SEAT-PRO", D(25), D("378.09")),),
            rights=(PLATFORM_RIGHT, Right("seats", 25, "2026-07-01", "2027-01-01")),
            tcv=D("14724.66"),
            version=6,
            terms="NET45",
        ),
    ),
    Change(
        "a price is lowered",
        on=date(2026, 8, 10),
        lines=(Line("price", of="PLAT-M", price="450.00"),),
        says=Says(
            # 144 of 305 days: −5,013.70 × 144 ÷ 305 = −2,367.124; 5,400.00 × 144 ÷ 365 = 2,130.411.
            # What billed it is paid: the customer has 236.71 and the tax of it, 15.623, good.
            bills=(Document("credit of invoice 2", D("236.71"), D("252.33"), D(0)),),
            agreement=(
                Priced("seat-pro", D(25), D("480.00")),
                Priced("plat-m", D(1), D("5400.00")),
            ),
            booked=(BookedLine("PLAT-M", D(-1), D("-236.71")),),
            rights=(
                Right("platform", 1, "2026-08-10", "2027-01-01"),
                Right("seats", 25, "2026-07-01", "2027-01-01"),
            ),
            tcv=D("14487.95"),
            version=7,
            terms="NET45",
            balance=D("252.33"),
        ),
    ),
    Change(
        "a product is removed",
        on=date(2026, 10, 1),
        lines=(Line("remove", of="PLAT-M"),),
        says=Says(
            # 92 of the 144 days: 2,130.41 × 92 ÷ 144 = 1,361.095; tax 89.833.
            bills=(Document("credit of invoice 2", D("1361.10"), D("1450.93"), D(0)),),
            agreement=(Priced("seat-pro", D(25), D("480.00")),),
            booked=(BookedLine("PLAT-M", D(-1), D("-1361.10")),),
            rights=(Right("seats", 25, "2026-07-01", "2027-01-01"),),
            tcv=D("13126.85"),
            version=8,
            terms="NET45",
            balance=D("1703.26"),
        ),
    ),
    Change(
        "seats are reduced",
        on=date(2026, 10, 15),
        lines=(Line("quantity", of="SEAT-PRO", quantity=22),),
        says=Says(
            # 78 of the 184 days: 6,049.32 × 78 ÷ 184 = 2,564.386;
            # 22 × 480.00 × 78 ÷ 365 = 2,256.658; tax 20.310.
            bills=(Document("credit of invoice 5", D("307.73"), D("328.04"), D(0)),),
            agreement=(Priced("seat-pro", D(22), D("480.00")),),
            booked=(BookedLine("SEAT-PRO", D(-3), D("-307.73")),),
            rights=(Right("seats", 22, "2026-10-15", "2027-01-01"),),
            tcv=D("12819.12"),
            version=9,
            terms="NET45",
            balance=D("2031.30"),
        ),
    ),
    Change(
        "seats are added after a reduction",
        on=date(2026, 12, 1),
        lines=(Line("quantity", of="SEAT-PRO", quantity=24),),
        says=Says(
            # 31 of the 78 days: 2,256.66 × 31 ÷ 78 = 896.878; 24 × 480.00 × 31 ÷ 365 = 978.411.
            # The reduction was a credit, which the biller does not count: the new state is charged
            # by itself. Invoice 5 has 403.05 − 328.04 = 75.01 left to give, ÷ 1.066 net, rounded
            # down; the one before it the rest: 826.52, tax 54.551. The balance pays the invoice.
            bills=(
                Document("invoice 6", D("978.41"), D("1042.99"), D(0), date(2027, 1, 15)),
                Document("credit of invoice 4", D("826.52"), D("881.07"), D(0)),
                Document("credit of invoice 5", D("70.36"), D("75.00"), D(0)),
            ),
            agreement=(Priced("seat-pro", D(24), D("480.00")),),
            booked=(BookedLine("SEAT-PRO", D(2), D("81.53")),),
            rights=(Right("seats", 24, "2026-12-01", "2027-01-01"),),
            tcv=D("12900.65"),
            version=10,
            terms="NET45",
            balance=D("1944.38"),
        ),
    ),
)
END = End(
    tcv=D("12900.65"),
    invoices=[D("6396.00"), D("5344.60"), D("2146.60"), D("1406.24"), D("403.05"), D("1042.99")],
    credit_notes=[D("252.33"), D("1450.93"), D("881.07"), D("328.04"), D("75.00")],
    balance=D("1944.38"),
    bookings=[
        D(net)
        for net in (
            "6000.00",
            "5013.70",
            "2013.70",
            "1319.17",
            "378.09",
            "-236.71",
            "-1361.10",
            "-307.73",
            "81.53",
        )
    ],
    items=[(24, D("480.00"))],
    grants=[
        ("20", "2026-01-01", "2026-05-01"),
        ("20", "2026-05-01", "2026-06-01"),
        ("25", "2026-06-01", "2026-07-01"),
        ("25", "2026-07-01", "2026-10-15"),
        ("22", "2026-10-15", "2026-12-01"),
        ("24", "2026-12-01", "2027-01-01"),
        ("1", "2026-03-02", "2026-08-10"),
        ("1", "2026-08-10", "2026-10-01"),
    ],
    version=10,
    status="active",
    months={"2026-01": D("509.59"), "2026-02": D("460.27")},
)


async def lived(life: Life, customer: Customer) -> None:
    """From won to the last change; twice the customer pays what is open."""
    deal = await life.sell(seats("D", "SEAT-STD", 20, customer, BEGINS), "")
    await life.quote_to_cash(deal)
    changing = Changing(life, deal)
    await changing.sold(SOLD)
    added, *until_july, lowered, removed, reduced, grown = CHANGES
    await changing.carry_out(added)
    await changing.paid(date(2026, 4, 1))
    await changing.carry_out(*until_july)
    await changing.paid(date(2026, 7, 20))
    await changing.carry_out(lowered, removed, reduced)
    await life.on(date(2026, 11, 2))
    await life.completed(renewal_notice_id(deal.contract_key, ENDS))
    await life.tell("the renewal is announced")
    await changing.carry_out(grown)
    await life.close(deal, END)
