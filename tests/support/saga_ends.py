"""The two clean ends of a deal, read back from every system in memory; and how to cancel a saga."""

from __future__ import annotations

import asyncio
from collections import Counter

from temporalio.client import WorkflowHandle

from dealthread.domain.deal import Deal
from dealthread.domain.documents import AgreementStatus, BookingState, EntitlementState
from dealthread.naming import contract_key, erp_document_key
from tests.fakes.world import Fault, settled
from tests.support.saga_lab import Lab

ACTS = (
    "erp.create_customer",
    "erp.draft_booking",
    "billing.create_customer",
    "billing.start_agreement",
    "billing.release_first_invoice",
    "entitlement.grant",
    "erp.confirm_booking",
    "crm.record_contract",
)
"""Every write of a deal under the review policy that starts today, in order."""
UNDO_OF = {
    "erp.create_customer": "erp.retire_customer",
    "erp.draft_booking": "erp.cancel_booking",
    "billing.create_customer": "billing.retire_customer",
    "billing.start_agreement": "billing.cancel_agreement",
    "entitlement.grant": "entitlement.revoke",
}
TRANSIENT = (Fault.REFUSED, Fault.LOST, Fault.LATE, Fault.RATE_LIMITED)


async def exactly_one(it: Lab, deal: Deal, seller: str) -> None:
    """Each act took effect once, nothing was undone, every system says that the deal is active."""
    await settled(it.world)
    key = contract_key(deal.org, deal.deal_id)
    did = Counter(it.did(deal))
    assert [did[act] for act in ACTS] == [1] * len(ACTS)
    assert not set(did) & {*UNDO_OF.values(), "crm.withdraw_contract"}
    assert [one.status for one in it.billing.agreements[key]] == [AgreementStatus.ACTIVE]
    assert [one.state for one in _bookings(it, deal, seller)] == [BookingState.CONFIRMED]
    assert it.entitlement.held[key].state is EntitlementState.ACTIVE
    assert key in it.crm.records
    assert it.crm.statuses[deal.deal_id] == "active"
    assert customers_in_use(it, deal) == [True, True]
    assert (await it.reading.find(deal.deal_id)).contract_state == "active"
    assert await it.reading.uncertain() == []


async def nothing_live(it: Lab, deal: Deal, seller: str, why: str) -> None:
    """What was made is undone in every system, the customers of this run are out of use, and the
    CRM says why. An empty `why`: the CRM refused to be told."""
    await settled(it.world)
    key = contract_key(deal.org, deal.deal_id)
    did = Counter(it.did(deal))
    for act, undo in UNDO_OF.items():
        assert did[act] <= 1, act
        assert (did[undo] > 0) == (did[act] > 0), f"{act} {did[act]}, {undo} {did[undo]}"
    agreements = it.billing.agreements.get(key, [])
    assert {one.status for one in agreements} <= {AgreementStatus.CANCELLED}
    assert {one.state for one in _bookings(it, deal, seller)} <= {BookingState.CANCELLED}
    assert "billing.release_first_invoice" not in did
    assert "erp.confirm_booking" not in did
    held = it.entitlement.held.get(key)
    assert held is None or held.state is EntitlementState.REVOKED
    assert not any(customers_in_use(it, deal))
    assert key not in it.crm.records
    assert it.crm.statuses.get(deal.deal_id, "") == (f"stopped: {why}" if why else "")
    standing = await it.reading.find(deal.deal_id)
    assert (standing.contract_state, standing.case_id) == ("never_activated", "")
    assert await it.reading.uncertain() == []


def _bookings(it: Lab, deal: Deal, seller: str):
    return it.erp.bookings.get(erp_document_key("default", seller, "booking", deal.deal_id, 1), [])


def customers_in_use(it: Lab, deal: Deal) -> list[bool]:
    """One entry for each record of the deal's customer: at the biller, in the ERP."""
    assert deal.account is not None
    key = deal.account.key
    billing = [key not in it.billing.retired] if key in it.billing.customers else []
    return billing + [
        one.active for (_, customer), one in it.erp.customers.items() if customer == key
    ]


def all_met(it: Lab) -> None:
    """Every planned fault happened, each as often as planned."""
    for planned in it.world.faults:
        assert planned.met == planned.times or (planned.times == 0 and planned.met > 0), planned


async def cancel(handle: WorkflowHandle[object, object]) -> None:
    """Ask twice, and wait until the workflow knows: the request is in its history, and it has
    answered a query after."""
    await handle.cancel()
    await handle.cancel()
    for _ in range(200):
        history = await handle.fetch_history()
        if any(
            event.HasField("workflow_execution_cancel_requested_event_attributes")
            for event in history.events
        ):
            await handle.query("ledger")
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the cancel request never arrived")


async def called(it: Lab, method: str) -> None:
    """Wait for the first call of a method."""
    for _ in range(500):
        if it.world.calls[method]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{method} was never called")
