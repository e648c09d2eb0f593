"""The eighth life: a year of platform and usage in two regions, over-used while the ERP is down.

Amounts follow from the demonstration's prices and rates (`facts/domain.md` §9): the worked deals
have no such contract. 100,000 calls are free. US01: 200,000 calls are worth 100,000 × 0.0050 =
500.00; 1,200,000 are worth 400,000 × 0.0050 + 700,000 × 0.0040 = 4,800.00; tax 6.6 %. DE01:
300,000 calls are worth 200,000 × 0.0046 = 920.00; tax 19 %.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from dealthread.domain.transaction import ChangeKind
from dealthread.naming import amendment_id, renewal_id, renewal_notice_id
from dealthread.sandbox.records import Customer, Sale, SoldLine
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.worked_deals import d2, seats
from tests.year.accounts import Bill
from tests.year.cash import posted
from tests.year.ledger_down import ledger_down
from tests.year.life import ChangedLine, Life
from tests.year.metering import Gateway
from tests.year.standing import recognised, stands

D = Decimal
BEGINS, JOINS, OVER_USED = date(2026, 2, 1), date(2026, 4, 1), date(2026, 5, 1)
AGREED, DEARER, ENDS = date(2026, 5, 10), date(2026, 6, 1), date(2027, 2, 1)
Net = tuple[tuple[str, str], ...]
"""Net and total of bills, in the order in which they were issued."""
QUIET: Net = (("500.00", "533.00"),)
QUIET_DE: Net = (("460.00", "547.40"),)
DEARER_BILLS: Net = (("550.00", "586.30"),)
RENEWED: Net = (("572.00", "609.75"),)
FEBRUARY = {"4000": "460.27", "4100": "500.00"}
"""6,000.00 × 28 ÷ 365, and what was used."""
APRIL = {"4000": "493.15", "4100": "4800.00"}
APRIL_DE = {"4000": "453.70", "4100": "920.00"}
MARCH = {
    "sold": "6500.00",
    "billed": "1500.00",
    "invoiced_gross": "1599.00",
    "collected": "1599.00",
    "receivable": "0.00",
    "unbilled_usage": "0.00",
    "arr": "6000.00",
}
END = {
    "sold": "18564.00",  # 6,000.00 + 500.00 + 4,800.00 + 8 × 50.00 + 6,864.00
    "billed": "12272.00",  # 4 × 500.00 + 500.00 + 4,800.00 + 8 × 550.00 + 572.00
    "invoiced_gross": "13081.95",  # 7,781.80 to May, 8 × 586.30, 609.75
    "collected": "13081.95",
    "receivable": "0.00",
    "unbilled_usage": "0.00",
    "arr": "6864.00",
}
END_DE = {
    "sold": "6440.00",  # 5,520.00 + 920.00
    "billed": "5980.00",  # 11 × 460.00, to February, + 920.00
    "invoiced_gross": "7116.20",
    "collected": "7116.20",
    "receivable": "0.00",
    "arr": "5520.00",
}


def american(customer: Customer) -> Sale:
    """The platform with its usage for a year, billed by the month, by card."""
    model = seats("H-US", "SEAT-STD", 1, customer, BEGINS, card=True)
    return replace(model, lines=_platform("500.00", "0.0050"), frequency="monthly")


def german(customer: Customer) -> Sale:
    """The same of DE01, from the third month on."""
    return replace(
        d2(customer),
        code="H-DE",
        closed_on=date(2026, 3, 30),
        start=JOINS,
        last_day=date(2027, 3, 31),
        lines=_platform("460.00", "0.0046"),
        frequency="monthly",
        payment_terms="DUE",
        collection="card",
    )


def _platform(price: str, call: str) -> tuple[SoldLine, ...]:
    return (SoldLine("PLAT-M", D(1), D(price)), SoldLine("API-USE", D(1), D(call)))


async def lived(life: Life, customer: Customer, sister: Customer, tryton_proxy: str) -> None:
    """From won to renewed."""
    deal = await life.sell(
        american(customer), "", Dealthread_Renewal_Uplift__c=4, Dealthread_Auto_Renew__c=True
    )
    await life.quote_to_cash(deal)
    known: list[Bill] = []
    await _billed(life, deal, known, QUIET)
    us = Gateway(life, deal.contract_key, "acct_alder_us")
    await _used(life, us, date(2026, 2, 20), 200_000)
    await life.on(date(2026, 3, 2))
    await _billed(life, deal, known, (("1000.00", "1066.00"),))
    await recognised(life, deal, "US01", "2026-02", FEBRUARY)
    await stands(life, deal, date(2026, 3, 2), MARCH)

    region, known_de = await _joined(life, deal, sister)
    await _billed(life, deal, known, QUIET)
    de = Gateway(life, region.contract_key, "acct_alder_de")
    await _used(life, us, date(2026, 4, 20), 1_200_000)
    await _used(life, de, date(2026, 4, 20), 300_000)
    await _over_used(life, deal)
    await life.on(OVER_USED)
    async with ledger_down(tryton_proxy):
        await life.tell("the ERP is down")
        await _billed(life, deal, known, (("5300.00", "5649.80"),), is_posted=False)
        await _billed(life, region, known_de, (("1380.00", "1642.20"),), is_posted=False)
        life.sheet.agree("entitlement", life.accounts.access(deal), "active")
        await life.on(date(2026, 5, 2))
    await life.tell("the ERP is back")
    await life.posted(deal)
    await life.posted(region)
    await recognised(life, deal, "US01", "2026-04", APRIL)
    await recognised(life, region, "DE01", "2026-04", APRIL_DE)

    await _dearer(life, deal)
    await _renewed(life, deal)
    await _billed(life, deal, known, DEARER_BILLS * 8 + RENEWED)
    await _billed(life, region, known_de, QUIET_DE * 9)
    await _end(life, deal, region)


async def _joined(life: Life, deal: Entered, sister: Customer) -> tuple[Entered, list[Bill]]:
    """Germany joins: a contract of its own company and ledger that belongs to the first."""
    await life.on(JOINS)
    region = await life.sell(german(sister), "")
    asked = life.won_amendment(
        deal,
        "Germany joins",
        [],
        CloseDate=JOINS,
        Dealthread_Signed_On__c=JOINS,
        Dealthread_Effective_From__c=JOINS,
        Dealthread_Timing__c="on_date",
        Dealthread_Regional_Deals__c=region.deal_id,
    )
    await life.ask(
        deal, ChangeKind.AMENDMENT, amendment_id(deal.contract_key, asked), asked_by=asked
    )
    await life.completed(amendment_id(deal.contract_key, asked), may_ask=True)
    await life.tell("DE01 joined")
    known: list[Bill] = []
    await _billed(life, region, known, QUIET_DE)
    return region, known


async def _used(life: Life, gateway: Gateway, day: date, calls: int) -> None:
    """Told and sent, of one day."""
    await life.on(day)
    event = gateway.event(f"{day}", await life.office.time.now(), calls)
    life.sheet.agree("told", await gateway.tell(event), ["accepted"])
    life.sheet.agree("sent", (await gateway.send())["waiting"], 0)
    await life.tell(f"{calls:,} calls")


async def _over_used(life: Life, deal: Entered) -> None:
    """More than the licence: customer success has a case; nobody is shut out."""
    seen = await life.office.api.get(f"/v1/customers/{deal.customer_key}")
    life.sheet.agree("cases", [one["kind"] for one in seen["cases"]], ["entitlement.over_use"])


async def _dearer(life: Life, deal: Entered) -> None:
    """From the next period on: eight months at 50.00 more."""
    await life.on(AGREED)
    (platform,) = [
        one
        for one in (await life.office.contract(deal.contract_key)).lines
        if one.product_code == "PLAT-M"
    ]
    asked = life.won_amendment(
        deal,
        "Support included",
        [ChangedLine("price", platform.line_key, "PLAT-M", 1, "550.00")],
        CloseDate=AGREED,
        Dealthread_Signed_On__c=AGREED,
        Dealthread_Effective_From__c=DEARER,
        Dealthread_Timing__c="on_date",
    )
    change = amendment_id(deal.contract_key, asked)
    await life.ask(deal, ChangeKind.AMENDMENT, change, asked_by=asked)
    await life.completed(change, may_ask=True)
    await life.tell("won in Salesforce: 500.00 → 550.00 from June")


async def _renewed(life: Life, deal: Entered) -> None:
    """Nobody refuses: another year, 4 % dearer."""
    await life.on(date(2026, 12, 3))
    await life.completed(renewal_notice_id(deal.contract_key, ENDS))
    await life.on(date(2027, 1, 2))
    await life.completed(renewal_id(deal.contract_key, ENDS))
    await life.tell("renewed for a year at 4 % more")
    await life.on(date(2027, 2, 2))


async def _billed(
    life: Life, deal: Entered, known: list[Bill], wanted: Net, *, is_posted: bool = True
) -> None:
    """The new bills, paid by card, and each in the ledger of its company."""
    found = life.new_bills(deal, known)
    known += found
    life.sheet.agree(
        "billing, new invoices",
        [(one.status, str(one.net), str(one.total)) for one in found],
        [("paid", *amounts) for amounts in wanted],
    )
    if is_posted:
        await life.posted(deal)
        return
    numbers = {one.number for one in posted(life.accounts, deal)}
    life.sheet.agree("in the ledger", sorted({one.number for one in found} & numbers), [])


async def _end(life: Life, deal: Entered, region: Entered) -> None:
    """Every document of both contracts hangs on its key, and the money ties."""
    await life.office.told()
    for one, net in (
        (deal, ["6000.00", "400.00", "6864.00"]),
        (region, ["5520.00"]),
    ):
        booked = life.accounts.bookings(one)
        life.sheet.agree("ERP, bookings, net", [str(row["untaxed_amount"]) for row in booked], net)
        await life.posted(one)
        await life.compared(one)
    day = date(2027, 2, 2)
    await stands(life, deal, day, END, waits=("revenue_not_posted",))
    await stands(life, region, day, END_DE, waits=("revenue_not_posted",))
    crm = life.accounts.crm(deal)
    life.sheet.agree(
        "CRM, version and status",
        (int(crm["Dealthread_Version__c"]), crm["Dealthread_Status__c"]),
        (4, "active"),
    )
    life.sheet.agree("store, writes whose outcome is not known", await life.office.uncertain(), [])
    life.sheet.agree("store, amounts without a source", await life.office.unsourced(), [])
