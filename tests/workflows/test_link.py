"""RS-05: a person made the ERP's document by hand, and names it: it is read back, and adopted where
it is what was to be made."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.domain.base import Ref, System
from dealthread.domain.case import DecisionKind
from dealthread.domain.deal import Deal
from dealthread.domain.documents import Booking, BookingState
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeOutcome
from dealthread.naming import contract_key
from tests.fakes.world import Fault
from tests.support.deal_builder import d2
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
TODAY = date(2026, 3, 15)


def _by_hand(it: Lab, deal: Deal, state: BookingState) -> Booking:
    """The order that somebody entered in the ERP itself: 40 seats at 444.00, 19 % on top."""
    assert deal.account is not None
    native_id = f"sale-by-hand-{state}"
    net, tax = Money.of("17760.00", "EUR"), Money.of("3374.40", "EUR")
    made = Booking(
        ref=Ref(system=System.ERP, account="fake.DE01", kind="booking", native_id=native_id),
        document_key=native_id,
        number="17",
        state=state,
        customer=Ref(
            system=System.ERP,
            account="fake.DE01",
            kind="customer",
            native_id=f"party-{deal.account.key}",
        ),
        currency="EUR",
        net=net,
        tax=tax,
        gross=net + tax,
    )
    it.erp.bookings[native_id] = [made]
    it.erp.adopt(native_id, contract_key(deal.org, deal.deal_id))
    return made


@pytest.mark.parametrize("wrong", [BookingState.QUOTATION, BookingState.CANCELLED])
async def test_a_refused_confirmation_is_settled_by_a_confirmed_document_only(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, wrong: BookingState
) -> None:
    """A quotation or a cancelled order books nothing: it is refused, naming its state."""
    async with lab(skipping_server.client, engine, TODAY) as it:
        deal = fresh(d2())
        it.world.plan("erp.confirm_booking", Fault.REJECTED, times=0)
        handle = await it.start(deal)
        case = await it.case(deal)
        named = _by_hand(it, deal, wrong).ref.native_id
        await it.decide(case, DecisionKind.LINK, link_to=named)
        again = await it.case(deal, version=case.version + 1)
        assert (again.code, again.evidence["field"]) == ("linked_document_differs", "state")
        assert again.evidence["found"] == wrong

        right = _by_hand(it, deal, BookingState.CONFIRMED)
        await it.decide(again, DecisionKind.LINK, link_to=right.ref.native_id)
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        told, _ = it.crm.records[contract_key(deal.org, deal.deal_id)]
        assert told.booking == right.ref


async def test_a_draft_that_the_erp_refuses_after_the_pivot_is_settled_by_a_document_by_hand(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine
) -> None:
    """The ERP was away, so billing came first; the refused draft is not asked for once more."""
    async with lab(skipping_server.client, engine, TODAY) as it:
        deal = fresh(d2())
        for method in ("erp.check_posting_rules", "erp.find_customer", "erp.find_booking"):
            it.world.plan(method, Fault.REFUSED, times=0)

        def after(method: str) -> None:
            if method == "entitlement.grant":
                it.world.faults.clear()
                it.world.plan("erp.draft_booking", Fault.REJECTED, times=0)

        it.world.after_effect = after
        handle = await it.start(deal)
        await skipping_server.sleep(60 * 60)
        case = await it.case(deal)
        assert (case.kind, case.step) == ("erp.rejected", "booking")
        assert DecisionKind.LINK in case.allowed
        made = _by_hand(it, deal, BookingState.QUOTATION)
        await it.decide(case, DecisionKind.LINK, link_to=made.ref.native_id)
        assert (await handle.result()).outcome is ChangeOutcome.COMPLETED
        assert it.world.calls["erp.draft_booking"] == 1, "the refused draft was not sent again"
        (booked,) = it.erp.bookings[made.document_key]
        assert booked.state is BookingState.CONFIRMED
        assert it.bookings(deal, "DE01") == 0, "there is no second document"
