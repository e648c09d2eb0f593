"""What happens to money in another currency than the ledger's: D5, euros of a company of pounds."""

from __future__ import annotations

from datetime import date

from dealthread.domain.bill import PaymentWay
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import DisputeStatus
from dealthread.domain.money import Money
from dealthread.naming import contract_key
from tests.support.change_lab import on
from tests.support.deal_builder import d5
from tests.support.money_stories import UK, Month, Story, billed, disputed, paid
from tests.support.saga_lab import Lab, fresh

JUNE = date(2026, 6, 1)
_PAID, _TAKEN = date(2026, 6, 12), date(2026, 6, 18)


async def sold_abroad(it: Lab) -> Contract:
    """D5 is prepaid for two years: a second person agrees to that."""
    deal = fresh(d5())
    handle = await it.start(deal)
    await it.decide(await it.case(deal), DecisionKind.APPROVE)
    await handle.result()
    found = await it.contracts.read(contract_key(deal.org, deal.deal_id))
    assert found is not None
    return found


async def a_dispute_of_a_part_in_another_currency_that_was_lost(it: Lab) -> None:
    """3,000.00 of 12,000.00 EUR are owed again, at the invoice's own 0.85; 0.842 when it was paid,
    0.86 when it was taken."""
    it.erp.ledger.rates["EUR", "GBP"] = {JUNE: "0.85", _PAID: "0.842", _TAKEN: "0.86"}
    contract = await sold_abroad(it)
    bill = await billed(it, contract, 1, JUNE)
    on(it, _PAID)
    bill = await paid(it, bill, bill.gross, _PAID, PaymentWay.PROCESSOR)
    part = Money.of("3000.00", "EUR")
    lost = {"amount": part, "withdrawn": part}
    handle = await disputed(it, bill, _TAKEN, status=DisputeStatus.LOST, **lost)
    case = await it.case_of(contract.key, kind="cash.returned")
    await it.decide(case, DecisionKind.HAND_OVER)
    assert await handle.result() == "lost"
    (owed,) = await it.erp.open_documents("3", contract.customer_key)
    assert (str(owed.open_amount), str(owed.open_ledger_amount)) == (
        "3,000.00 EUR",
        "2,550.00 GBP",
    )


ABROAD: tuple[tuple[Month, Story], ...] = (
    (Month(UK, JUNE, JUNE), a_dispute_of_a_part_in_another_currency_that_was_lost),
)
