"""A person's credit through the saga over the simulated biller: one of each document (PF-09)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from adapters.stripe.billing import StripeBilling
from dealthread.domain.transaction import SagaContext
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2
from tests.adapters.test_stripe_bills import DE, begun, by_card, first_id
from tests.support.credit_lab import balances, credit, outcome_of, told_of_credits
from tests.support.saga_lab import Lab, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


def _over(it: Lab, billing: StripeBilling) -> None:
    """Bills and credits are the simulated biller's."""
    for name in ("read_bill", "preview_credit", "credit_invoice", "find_credit"):
        setattr(it.billing, name, getattr(billing, name))


async def test_a_credit_whose_answer_is_lost_is_one_note_one_refund_and_one_memo(
    dev_server: Client,
    engine: AsyncEngine,
    dated_billing: StripeBilling,
    days: Days,
    stripe_simulator: Simulator,
) -> None:
    """D2's 21,134.40, paid by card; 500.00 and 95.00 go back to the card."""
    native_id = first_id(await begun(dated_billing, days))
    by_card(stripe_simulator, DE, native_id, 2113440)
    contract = d2()
    async with lab(dev_server, engine, date(2026, 3, 16)) as it:
        _over(it, dated_billing)
        sale = SagaContext(
            business_key="quote-to-cash:d2",
            generation=1,
            contract_key=contract.key,
            org=contract.org,
            deal_id=contract.deal_id,
        )
        await it.contracts.record_pending(sale, contract, "Nordwerk")
        stripe_simulator.fault("lose_answer", method="POST", path="/v1/credit_notes$")
        bill = await dated_billing.read_bill(DE, native_id)
        handle = await credit(it, contract, bill, "500.00", refund=True)
        assert await handle.result() == "completed"
        client = native(stripe_simulator, DE)
        (note,) = client.v1.credit_notes.list({"invoice": native_id}).data
        (refund,) = client.v1.refunds.list({"limit": 9}).data
        assert (note.total, refund.amount) == (59500, 59500)
        # 17,760.00 and 3,374.40, less what went back; the processor holds what is left of it.
        assert balances(it, contract.erp_company) == {
            "1050": Decimal("20539.40"),
            "2300": Decimal("-17260.00"),
            "2120": Decimal("-3279.40"),
        }
        assert await outcome_of(it, handle) == "completed"
        (told,) = await told_of_credits(it, contract)
        assert (told["credit_memo_number"], told["reason"]) == (note.number, "service")
