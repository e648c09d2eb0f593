"""The sixth life: deal D3, a platform with usage; its second bill is not paid, and given up.

Amounts: the demonstration's worked deal D3 (`facts/domain.md` §9.6 to §9.9).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from dealthread.domain.change_order import CancellationOrder, ChangeTiming
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import cancellation_id
from dealthread.sandbox.records import Customer
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.worked_deals import d3
from tests.year.accounts import Bill
from tests.year.cash import posted
from tests.year.life import Life
from tests.year.metering import LAST_SECOND, STRAGGLER, Gateway
from tests.year.standing import recognised, stands

BEGINS = date(2026, 4, 1)
ACCOUNT, SELLER, COMPANY = "acct_alder_uk", "UK01", 3
DRAFTED = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
"""April is over, and its bill is a draft for half an hour yet."""
EMPTY_CARD, GOOD_CARD = "pm_card_chargeCustomerFail", "pm_card_visa"
APRIL = {
    "sold": "400.00",
    "billed": "400.00",
    "recognised": "2337.04",
    "deferred": "0.00",
    "unbilled_usage": "1937.04",
    "receivable": "0.00",
    "arr": "4800.00",
}
ON_THE_BILL = {
    "sold": "2737.04",
    "billed": "2737.04",
    "recognised": "2337.04",
    "deferred": "400.00",
    "unbilled_usage": "0.00",
    "receivable": "2804.45",
}
END = {
    "sold": "2737.04",
    "billed": "2737.04",
    "recognised": "2737.04",
    "deferred": "0.00",
    "unbilled_usage": "0.00",
    "unbilled_backlog": "0.00",
    "remaining_obligations": "0.00",
    "invoiced_gross": "3284.45",
    "collected": "1480.00",
    "written_off": "1804.45",
    "receivable": "0.00",
    "credit_balance": "0.00",
    "unapplied_cash": "0.00",
    "arr": "0.00",
}
"""§9.9, column D3."""


async def lived(life: Life, customer: Customer) -> None:
    """From won to written off."""
    deal = await life.sell(d3(customer), "")
    await life.quote_to_cash(deal)
    known = life.new_bills(deal, [])
    life.sheet.agree("first invoice", _said(known), [("paid", "480.00", "0.00")])
    await life.posted(deal)
    gateway = Gateway(life, deal.contract_key, ACCOUNT)
    await _used(life, gateway)
    life.accounts.change_card(deal, EMPTY_CARD)
    await life.tell("the customer's card is empty from now on")
    await _accrued(life, deal, gateway)
    bill = await _billed(life, deal, gateway, known)
    await _not_paid(life, deal, gateway)
    await _ended(life, deal, [*known, bill])
    await _given_up(life, deal, bill.number)


async def _used(life: Life, gateway: Gateway) -> None:
    """Three weeks of April, some of it told twice; all of it is at the biller."""
    events = gateway.april()
    await life.on(date(2026, 4, 15))
    early = [one for one in events if one["time"] < "2026-04-15"]
    life.sheet.agree("told", set(await gateway.tell(*early)), {"accepted"})
    await gateway.by_the_relay()
    await life.on(date(2026, 4, 30))
    answers = await gateway.tell(*events)
    life.sheet.agree(
        "told once more and the rest", [answers.count("duplicate"), answers.count("accepted")],
        [len(early), len(events) - len(early)],
    )  # fmt: skip
    life.sheet.agree("sent", (await gateway.send())["waiting"], 0)
    await life.tell("609,000 calls of April")


async def _accrued(life: Life, deal: Entered, gateway: Gateway) -> None:
    """April's revenue is posted before anything is billed; what comes late is posted too."""
    await recognised(life, deal, SELLER, "2026-04", {"4000": "400.00", "4100": "1927.00"})
    await life.office.time.to(DRAFTED)
    late = gateway.event("last", LAST_SECOND, STRAGGLER)
    life.sheet.agree("half an hour late", await gateway.tell(late), ["accepted"])
    life.sheet.agree("sent", (await gateway.send())["waiting"], 0)
    await life.tell("the last 3,345 calls, half an hour after the end of the period")
    await recognised(life, deal, SELLER, "2026-04", {"4000": "400.00", "4100": "1937.04"})
    await stands(life, deal, date(2026, 4, 30), APRIL)


async def _billed(life: Life, deal: Entered, gateway: Gateway, known: list[Bill]) -> Bill:
    """The bill of May has what was used in April, and its charge fails."""
    await life.on(date(2026, 5, 1))
    late = gateway.event("too-late", LAST_SECOND, 1)
    life.sheet.agree("nine hours late", await gateway.tell(late), ["period_billed"])
    (bill,) = life.new_bills(deal, known)
    life.sheet.agree("second invoice", _said([bill]), [("open", "2804.45", "2804.45")])
    await life.posted(deal)
    lines = life.accounts.tryton.search_read(
        "account.invoice.line",
        [["invoice.reference", "=", bill.number]],
        ["amount"],
        COMPANY,
    )
    life.sheet.agree(
        "ledger, lines of the invoice",
        sorted(row["amount"] for row in lines),
        [Decimal(one) for one in ("0.00", "337.04", "400.00", "1600.00")],
    )
    traced = await life.office.api.get(f"/v1/usage/invoices/{bill.number}?limit=100")
    (line,) = traced["lines"]
    life.sheet.agree(
        "traced to its events",
        (line["net"]["amount"], line["events"], Decimal(line["quantity"]), line["is_rated_so"]),
        ("1937.04", 30, Decimal(612_345), True),
    )
    life.sheet.agree(
        "their sum", sum(Decimal(one["quantity"]) for one in line["shown"]), Decimal(612_345)
    )
    await stands(life, deal, date(2026, 5, 1), ON_THE_BILL)
    return bill


async def _not_paid(life: Life, deal: Entered, gateway: Gateway) -> None:
    """Told on the first day, suspended on the seventeenth."""
    await life.on(date(2026, 5, 5))
    await life.tell("a reminder")
    await life.on(date(2026, 5, 19))
    life.sheet.agree("entitlement", life.accounts.access(deal), "suspended")
    await life.tell("suspended")
    await life.on(date(2026, 5, 20))
    used = gateway.event("may", await life.office.time.now(), 90_000)
    life.sheet.agree("in May", await gateway.tell(used), ["accepted"])
    life.sheet.agree("sent", (await gateway.send())["waiting"], 0)


async def _ended(life: Life, deal: Entered, known: list[Bill]) -> None:
    """The customer leaves; May's use is within what is included."""
    accepted, end = date(2026, 5, 28), date(2026, 6, 1)
    await life.on(accepted)
    stop = cancellation_id(deal.contract_key, "X1")
    order = CancellationOrder(
        change_id=stop,
        contract_key=deal.contract_key,
        accepted_on=accepted,
        timing=ChangeTiming.ON_DATE,
        effective_from=end,
    )
    await life.ask(deal, ChangeKind.CANCELLATION, stop, order)
    await life.completed(stop, may_ask=True)
    await life.tell(f"the customer leaves on {end}")
    await life.on(date(2026, 5, 31))
    await recognised(life, deal, SELLER, "2026-05", {"4000": "400.00"})
    await life.on(end)
    (last,) = life.new_bills(deal, known)
    life.sheet.agree("last invoice, of what is included", _said([last]), [("paid", "0.00", "0.00")])


async def _given_up(life: Life, deal: Entered, number: str) -> None:
    """A part is paid by another card, the rest is written off with relief of its tax. By a card, as
    of what a card is charged for the biller takes no part of a bank transfer; nothing but the
    account of the money differs."""
    await life.on(date(2026, 6, 10))
    life.accounts.pay_a_part(deal, number, Decimal("1000.00"), GOOD_CARD)
    await life.office.hear_bills()
    await _open(life, deal, number, Decimal("1804.45"))
    await life.tell("1,000.00 are paid")
    await life.on(date(2026, 12, 5))
    path = f"/v1/invoices/{number}/write-off"
    previewed = await life.office.api.post(f"{path}/preview", {})
    life.sheet.agree(
        "what bears it",
        sorted((one["account"], one["amount"]["amount"]) for one in previewed["parts"]),
        [("2120", "300.74"), ("6500", "1503.71")],
    )
    asked = await life.office.api.post(path, {"reason": "six months after it was due"})
    await life.completed(asked["business_key"], may_ask=True)
    await _open(life, deal, number, Decimal("0.00"))
    await life.tell("written off")
    await stands(life, deal, date(2026, 12, 5), END)


# ------------------------------------------------------------ parts


def _said(bills: list[Bill]) -> list[tuple[str, str, str]]:
    """Status, total, and what is due."""
    return [
        (one.status, str(one.total), "0.00" if one.status == "paid" else str(one.due))
        for one in bills
    ]


async def _open(life: Life, deal: Entered, number: str, left: Decimal) -> None:
    def open_now() -> Decimal:
        (row,) = [one for one in posted(life.accounts, deal) if one.number == number]
        return row.open

    async def is_so() -> bool:
        await life.office.hear_bills()
        return open_now() == left

    await life.office.until_settled(is_so)
    life.sheet.agree("ledger, open of it", open_now(), left)
