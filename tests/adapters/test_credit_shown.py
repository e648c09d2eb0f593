"""PF-09: a credit note of the biller in the account's history of the simulated org, through the
invoice's own run; also where the answer is lost, and once the biller has taken it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from adapters.salesforce.crm import SalesforceCrm
from dealthread.domain.bill import PaymentWay
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.outcome import Done
from tests.adapters.conftest import Simulator
from tests.adapters.crm_world import CrmWorld
from tests.adapters.stripe_deals import d2
from tests.adapters.test_salesforce_write import command_for
from tests.adapters.test_stripe_credit_saga import known
from tests.fakes.bills import credited
from tests.support.invoice_lab import bill_of, news, until
from tests.support.running_contract import running_contract
from tests.support.saga_lab import lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
DAY = date(2026, 3, 16)


def _rows(world: CrmWorld) -> list[dict[str, Any]]:
    return world.query(
        "SELECT Id, Dealthread_Number__c, Dealthread_Status__c, Dealthread_Total__c, "
        "Dealthread_Reason__c, Dealthread_Issued_On__c, Dealthread_Voided_On__c, "
        "Dealthread_Account__c, Dealthread_Invoice__r.Dealthread_Number__c, "
        "Dealthread_Invoice__r.Dealthread_Amount_Due__c FROM Dealthread_Credit_Note__c"
    )


async def test_a_credit_is_shown_under_its_invoice_and_marked_when_it_is_taken_back(
    dev_server: Client,
    engine: AsyncEngine,
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    salesforce: Simulator,
) -> None:
    """D2's invoice; 100.00 and 19.00 of it are credited, and taken back."""
    account = crm_world.account("Nordwerk Maschinenbau GmbH")
    contract = d2()
    ref = contract.customer_ref.model_copy(update={"native_id": account})
    contract = contract.model_copy(update={"customer_ref": ref})
    told = command_for(crm_world.deal(account), account, contract_key=contract.key)
    told = told.model_copy(update={"contract": contract})
    assert isinstance(await crm.record_contract(told, idempotency_key="first"), Done)
    await running_contract(engine, contract)
    async with lab(dev_server, engine, DAY, exchange=lambda ports: replace(ports, crm=crm)) as it:
        await known(it, contract)
        bill = bill_of(contract, f"in_{contract.key}", DAY)
        native_id = bill.ref.native_id
        less = credited(
            bill, Money.of("100.00", "EUR"), Money.of("19.00", "EUR"), DAY, CreditForm.OPEN_INVOICE
        )
        it.billing.bills[native_id] = less
        salesforce.fault("lose_answer", method="POST", path="/composite$")
        handle = await news(dev_server, bill)
        await until(lambda: bool(_rows(crm_world)))
        (row,) = _rows(crm_world)
        (memo,) = less.credit_memos
        shown = {
            "Dealthread_Number__c": memo.number,
            "Dealthread_Status__c": "issued",
            "Dealthread_Total__c": 119.0,
            "Dealthread_Reason__c": "order_change",
            "Dealthread_Issued_On__c": DAY.isoformat(),
            "Dealthread_Voided_On__c": None,
            "Dealthread_Account__c": account,
        }
        assert {name: row[name] for name in shown} == shown
        assert row["Dealthread_Invoice__r"]["Dealthread_Number__c"] == bill.number
        assert row["Dealthread_Invoice__r"]["Dealthread_Amount_Due__c"] == 21015.4

        voided = tuple(one.model_copy(update={"voided_on": DAY}) for one in less.credit_memos)
        it.billing.bills[native_id] = bill.model_copy(update={"voided_credits": voided})
        await news(dev_server, bill)
        await until(lambda: _rows(crm_world)[0]["Dealthread_Status__c"] == "void")
        (after,) = _rows(crm_world)
        assert (after["Id"], after["Dealthread_Total__c"]) == (row["Id"], 119.0)
        assert after["Dealthread_Voided_On__c"] == DAY.isoformat()
        assert after["Dealthread_Invoice__r"]["Dealthread_Amount_Due__c"] == 21134.4

        it.billing.pay(native_id, bill.gross, DAY, PaymentWay.BANK)
        await news(dev_server, bill)
        assert await handle.result() == "paid"
        assert len(_rows(crm_world)) == 1
