"""What is recorded of comparisons: every system was read; one did not answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from activities.contract_check import AgreementId, BookingId, ReadAgreements, ReadBookings
from dealthread.naming import WORKFLOW_QUEUE
from tests.fakes.world import Fault
from tests.replay.record_changes import START, Recorded
from tests.support.change_lab import on, sold
from tests.support.deal_builder import d1
from tests.support.saga_lab import Lab, fresh
from workflows.contract_check import ContractCheckInput, ContractCheckWorkflow


async def contract_check_all_read(it: Lab) -> Recorded:
    """One contract, every system."""
    return await _checked(it, "all-read")


async def contract_check_one_unread(it: Lab) -> Recorded:
    """The entitlement service does not answer."""
    it.world.plan("entitlement.find", Fault.REFUSED, times=0)
    return await _checked(it, "one-unread")


async def _checked(it: Lab, name: str) -> Recorded:
    on(it, START)
    contract = await sold(it, fresh(d1()))
    (agreement,) = it.billing.live(contract.key)
    (booking,) = (
        one
        for made in it.erp.bookings.values()
        for one in made
        if one.context.get("contract_key") == contract.key
    )
    order = ContractCheckInput(
        records=(contract.key,),
        agreements=ReadAgreements(
            agreements=(
                AgreementId(
                    contract_key=contract.key,
                    billing_account=contract.billing_account,
                    subscription=agreement.ref.native_id,
                ),
            )
        ),
        bookings=(
            ReadBookings(
                erp=contract.erp,
                company=contract.erp_company,
                bookings=(
                    BookingId(
                        contract_key=contract.key,
                        document_key=booking.document_key,
                        native_id=booking.ref.native_id,
                    ),
                ),
            ),
        ),
        entitlements=(contract.key,),
    )
    handle = await it.client.start_workflow(
        ContractCheckWorkflow.run,
        order,
        id=f"contract-check:{name}",
        task_queue=WORKFLOW_QUEUE,
    )
    await handle.result()
    return Recorded(handle.id)


CHECKS: tuple[Callable[[Lab], Awaitable[Recorded]], ...] = (
    contract_check_all_read,
    contract_check_one_unread,
)
