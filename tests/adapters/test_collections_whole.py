"""A pursuit through the real adapters: the simulated biller, org and entitlement service, the real
workflow in virtual time (PF-16). The ledger has no part in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp
from temporalio.testing import WorkflowEnvironment

from activities.collections_inputs import CollectionsInput
from activities.entitlement import grants_of
from adapters.events.entitlement import SignedEventEntitlement
from adapters.events.settings import EntitlementSettings
from adapters.events.subscribers import SignedEventDelivery
from adapters.salesforce.crm import SalesforceCrm
from adapters.stripe.billing import StripeBilling
from dealthread.bridge.starting import tell_collections
from dealthread.naming import WORKFLOW_QUEUE, collections_id
from dealthread.outcome import Done
from dealthread.ports.entitlement import GrantEntitlement
from dealthread.settings import Subscriber
from dealthread.simulators.receivers.app import ReceiverConfig, Role, create_app
from dealthread.stack.environment import COMMUNICATIONS_EVENTS, CUSTOMER_SUCCESS_EVENTS
from tests.adapters.conftest import Simulator, native
from tests.adapters.crm_world import CrmWorld
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import by_bank, d2, started
from tests.adapters.test_salesforce_write import command_for
from tests.store.telling import Office
from tests.support import deals
from tests.support.overdue import go_to, quiet
from tests.support.running_contract import running_contract
from tests.support.saga_lab import lab
from workflows.collections import CollectionsWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

DE = "acct_de01"
SECRET = "whsec_ZW50aXRsZW1lbnQtb2YtdGhlLXRlc3Rz"
ISSUED, SUSPENDED = date(2026, 3, 16), date(2026, 5, 19)
"""D2 is due on 14 April (30 days after the 15th of March); stages of DE01 follow it."""


async def test_an_overdue_invoice_is_pursued_through_the_real_adapters(
    skipping_server: WorkflowEnvironment,
    engine: AsyncEngine,
    dated_billing: StripeBilling,
    stripe_simulator: Simulator,
    days: Days,
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    serve: Callable[[ASGIApp], str],
) -> None:
    """Read at the biller, shown in the CRM, withheld and given back; customer success
    and the customer are told."""
    server = skipping_server
    account = crm_world.account("Nordwerk Maschinenbau GmbH")
    contract = by_bank(d2())
    ref = contract.customer_ref.model_copy(update={"native_id": account})
    contract = contract.model_copy(update={"customer_ref": ref})
    told = command_for(crm_world.deal(account), account, contract_key=contract.key)
    told = told.model_copy(update={"contract": contract})
    assert isinstance(await crm.record_contract(told, idempotency_key="first"), Done)
    await running_contract(engine, contract)
    days.go(date(2026, 3, 15))
    agreement, _ = await started(dated_billing, contract, deals.NORDWERK)
    days.go(ISSUED)
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.ref is not None
    invoice = agreement.first_invoice.ref.native_id

    service = serve(create_app(ReceiverConfig(Role.ENTITLEMENT, (SECRET,), "token")))
    entitlement = SignedEventEntitlement(
        EntitlementSettings(url=service, secret=SecretStr(SECRET), token=SecretStr("token")), days
    )

    def access() -> dict[str, Any]:
        return _got(f"{service}/entitlements/{contract.key}")

    def shown() -> dict[str, Any]:
        (row,) = crm_world.query(
            "SELECT Dealthread_Collections__c, Dealthread_Collections_Stage__c, "
            "Dealthread_Suspended__c, Dealthread_Account__c FROM Dealthread_Invoice__c"
        )
        return row

    grant = GrantEntitlement(
        contract_key=contract.key,
        customer_key=contract.customer_key,
        grants=grants_of(contract),
    )
    assert isinstance(await entitlement.grant(grant, idempotency_key="sold"), Done)
    real = {"crm": crm, "billing": dated_billing, "entitlement": entitlement}
    async with lab(
        server.client, engine, ISSUED, exchange=lambda ports: replace(ports, **real)
    ) as it:
        await it.follow_the_server()
        assert it.clock.offset is not None
        offset = it.clock.offset = timedelta(seconds=int(it.clock.offset.total_seconds()))
        run = collections_id(DE, invoice)
        handle = await server.client.start_workflow(
            CollectionsWorkflow.run,
            CollectionsInput(
                billing_account=DE,
                invoice_id=invoice,
                business_offset_seconds=int(offset.total_seconds()),
            ),
            id=run,
            task_queue=WORKFLOW_QUEUE,
        )
        await go_to(server, SUSPENDED, offset, [run])
        assert access()["state"] == "suspended"
        assert access()["holds"] == [f"{run}#1"]
        row = shown()
        assert (row["Dealthread_Collections__c"], row["Dealthread_Suspended__c"]) == ("open", True)
        assert row["Dealthread_Collections_Stage__c"] == 3
        assert row["Dealthread_Account__c"] == account
        native(stripe_simulator, DE).v1.invoices.pay(invoice, {"paid_out_of_band": True})
        await tell_collections(server.client, DE, invoice)
        await quiet(server.client, [run])
        assert await handle.result() == "paid"
        assert (access()["state"], access()["holds"]) == ("active", [])
        row = shown()
        assert (row["Dealthread_Collections__c"], row["Dealthread_Suspended__c"]) == ("paid", False)
        success, notices = await told_to_subscribers(engine, serve, contract.key)
        assert success["collections"]["state"] == "ended"
        assert success["entitlement"]["data"]["change"] == "restored"
        assert notices == [
            "payment_reminder",
            "final_notice",
            "suspension_notice",
            "collections_over",
        ]
    await entitlement.aclose()


async def told_to_subscribers(
    engine: AsyncEngine, serve: Callable[[ASGIApp], str], contract_key: str
) -> tuple[dict[str, Any], list[str]]:
    """What customer success knows of the contract, and what the customer was told, in order: by
    the relay's own way out, with what the local stack subscribes them to."""
    urls = {
        role: serve(create_app(ReceiverConfig(role, (SECRET,), "token")))
        for role in (Role.CUSTOMER_SUCCESS, Role.COMMUNICATIONS)
    }
    types = {
        Role.CUSTOMER_SUCCESS: CUSTOMER_SUCCESS_EVENTS,
        Role.COMMUNICATIONS: COMMUNICATIONS_EVENTS,
    }
    way_out = SignedEventDelivery({"SUBSCRIBER": SecretStr(SECRET)})
    office = Office(engine, way_out)  # type: ignore[arg-type]
    for role, url in urls.items():
        subscriber = Subscriber(
            name=role.value, url=f"{url}/events", secret_name="SUBSCRIBER", types=tuple(types[role])
        )
        while await office.telling.deliver_events(subscriber):
            pass
    await way_out.aclose()
    account = _got(f"{urls[Role.CUSTOMER_SUCCESS]}/accounts/{deals.d2().customer_key}")
    desk = _got(f"{urls[Role.COMMUNICATIONS]}/notices/{contract_key}")
    return account["contracts"][contract_key], [one["template"] for one in desk["notices"]]


def _got(url: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(url, headers={"authorization": "Bearer token"}).json()
    return answer
