"""A person's credit through the saga over the simulated biller: one of each document (PF-09)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from adapters.stripe.billing import StripeBilling
from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import ErpCustomer
from dealthread.naming import quote_to_cash_id
from dealthread.outcome import Done
from dealthread.ports.crm import CrmWriteBack
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2
from tests.adapters.test_stripe_bills import DE, begun, by_card, first_id
from tests.support.credit_lab import balances, credit, outcome_of, told_of_credits
from tests.support.running_contract import running_contract
from tests.support.saga_lab import Lab, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


def _over(it: Lab, billing: StripeBilling) -> None:
    """Bills and credits are the simulated biller's."""
    for name in ("read_bill", "preview_credit", "credit_invoice", "find_credit"):
        setattr(it.billing, name, getattr(billing, name))


async def known(it: Lab, contract: Contract) -> None:
    """To the ledger and the CRM, as the deal left it there."""
    ref = Ref(system=System.ERP, account="fake", kind="customer", native_id="party-d2")
    customer = ErpCustomer(ref=ref, customer_key=contract.customer_key)
    it.erp.customers[contract.erp_company, contract.customer_key] = customer
    sold = CrmWriteBack(
        deal_id=contract.deal_id,
        account_id=contract.customer_ref.native_id,
        contract_key=contract.key,
        contract=contract,
        status="active",
        status_at=datetime(2026, 3, 15, tzinfo=UTC),
        sequence=1,
        workflow_id=quote_to_cash_id(contract.org, contract.deal_id),
        customer_key=contract.customer_key,
    )
    assert isinstance(await it.crm.record_contract(sold, idempotency_key="sold"), Done)


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
        await running_contract(engine, contract)
        await known(it, contract)
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
