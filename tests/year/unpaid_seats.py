"""The seventh life: more seats within the term, whose charge fails; it is pursued, then paid.

Amounts follow from the demonstration's prices, rates and day counts (`facts/domain.md` §9): the
worked deals have no such contract. 184 of 365 days are left: −10 × 300.00 × 184 ÷ 365 = −1,512.329
and 15 × 300.00 × 184 ÷ 365 = 2,268.493; 6.6 % of each are −99.81 and 149.72.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.transaction import ChangeKind
from dealthread.naming import amendment_id
from dealthread.sandbox.records import Customer
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.worked_deals import seats
from tests.year.accounts import ZERO, Bill
from tests.year.life import ChangedLine, End, Life

BEGINS, UPGRADED, REMINDED = date(2026, 2, 1), date(2026, 8, 1), date(2026, 8, 5)
EMPTY_CARD, GOOD_CARD = "pm_card_chargeCustomerFail", "pm_card_visa"
END = End(
    tcv=Decimal("3756.16"),
    invoices=[Decimal("3198.00"), Decimal("806.07")],
    credit_notes=[],
    balance=ZERO,
    bookings=[Decimal("3000.00"), Decimal("756.16")],
    items=[(15, Decimal("300.00"))],
    grants=[("10", "2026-02-01", "2026-08-01"), ("15", "2026-08-01", "2027-02-01")],
    version=2,
    status="active",
)


async def lived(life: Life, customer: Customer) -> None:
    """From won to paid."""
    deal = await life.sell(seats("G", "SEAT-STD", 10, customer, BEGINS, card=True), "")
    await life.quote_to_cash(deal)
    known = life.new_bills(deal, [])
    await life.on(UPGRADED)
    life.accounts.change_card(deal, EMPTY_CARD)
    await life.tell("the customer's card is empty from now on")
    bill = await _upgraded(life, deal, known)
    await _pursued(life, deal, bill)
    life.accounts.change_card(deal, GOOD_CARD)
    life.accounts.charge(deal)
    await life.posted(deal)
    await life.tell("another card: paid")
    await _agree(life, deal, bill, ("paid", "ended"))
    await life.close(deal, END)


async def _upgraded(life: Life, deal: Entered, known: list[Bill]) -> Bill:
    """Every system has the new seats, although their bill is not paid."""
    (line,) = (await life.office.contract(deal.contract_key)).lines
    asked = life.won_amendment(
        deal,
        "More seats",
        [ChangedLine("quantity", line.line_key, "SEAT-STD", 15, "300.00")],
        CloseDate=UPGRADED,
        Dealthread_Signed_On__c=UPGRADED,
        Dealthread_Effective_From__c=UPGRADED,
        Dealthread_Timing__c="on_date",
    )
    change = amendment_id(deal.contract_key, asked)
    await life.ask(deal, ChangeKind.AMENDMENT, change, asked_by=asked)
    await life.completed(change)
    await life.tell("won in Salesforce: 10 → 15 seats")
    (bill,) = life.new_bills(deal, known)
    life.sheet.agree(
        "billing, its invoice",
        (bill.status, bill.total, bill.due),
        ("open", END.invoices[1], END.invoices[1]),
    )
    crm = life.accounts.crm(deal)
    life.sheet.agree(
        "CRM, version and total contract value",
        (int(crm["Dealthread_Version__c"]), crm["Dealthread_TCV__c"]),
        (2, END.tcv),
    )
    life.sheet.agree("entitlement", life.accounts.grants(deal), [*END.grants])
    return bill


async def _pursued(life: Life, deal: Entered, bill: Bill) -> None:
    """The failed charge opens the pursuit at once; a reminder follows."""
    await life.posted(deal)
    await _agree(life, deal, bill, ("open", "started"))
    await life.on(REMINDED)
    await life.office.told()
    life.sheet.agree("customer, told", life.accounts.notices(deal)[-1:], ["payment_reminder"])
    life.sheet.agree("entitlement", life.accounts.access(deal), "active")
    await life.tell("reminded")


async def _agree(life: Life, deal: Entered, bill: Bill, states: tuple[str, str]) -> None:
    """The pursuit as the CRM and customer success have it."""

    async def is_so() -> bool:
        await life.office.told()
        return _pursuit(life, deal, bill) == states

    await life.office.until_settled(is_so)
    life.sheet.agree("pursuit: CRM, customer success", _pursuit(life, deal, bill), states)


def _pursuit(life: Life, deal: Entered, bill: Bill) -> tuple[str, str]:
    row = life.accounts.mirrored(bill.number)
    heard = life.accounts.heard(deal, "collections")
    return str(row.get("Dealthread_Collections__c") or ""), str(heard.get("state", ""))
