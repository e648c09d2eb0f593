"""The steps of a change of a running contract as calls: which activity, queue and policy."""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow

from activities.billing_change import BillingChangeActivities
from activities.change_assessment import ChangeAssessmentActivities
from activities.change_hub import ChangeHubActivities
from activities.change_inputs import (
    AssessChange,
    AssessedChange,
    AwaitRegional,
    BillChange,
    BilledChange,
    ChangeAccess,
    ConfirmAdjustment,
    DraftAdjustment,
    RecordChange,
    RecordHeld,
    RegionalDeals,
    RegionalOutcome,
)
from activities.crm_change import CrmChangeActivities
from activities.entitlement_change import EntitlementChangeActivities
from activities.erp_adjustment import ErpAdjustmentActivities
from activities.hub import HubActivities
from activities.inputs import RecordOutcome
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import Booking, CrmRecord, Entitlement
from dealthread.domain.transaction import ChangeInput, ChangeOutcome, SagaContext
from dealthread.naming import BILLING_QUEUE, CRM_QUEUE, ENTITLEMENT_QUEUE, erp_task_queue
from dealthread.policies import (
    COMPENSATE,
    FIRST_DELAY,
    POST_LEDGER,
    READ,
    STORE,
    WRITE,
    Timing,
    patient,
)

REGIONAL_NAMED = "change-regional-named-202611"
"""Patch: regional contracts that stand when their amendment stops are put before a person."""


class ChangeSteps:
    """The steps of one run of one change."""

    def __init__(self, order: ChangeInput, context: SagaContext) -> None:
        self._order = order
        self._context = context

    async def assess(self, *, ask_erp: bool) -> AssessedChange:
        """Rules, amounts, the biller's preview, the ERP's posting rules."""
        return await workflow.execute_activity_method(
            ChangeAssessmentActivities.assess,
            AssessChange(
                context=self._context,
                kind=self._order.request.kind,
                is_due=self._order.is_due,
                risk=self._order.risk,
                ask_erp=ask_erp,
            ),
            task_queue=BILLING_QUEUE,
            summary="Read the order, validate, preview at the biller, ask the ERP's posting rules",
            **READ,
        )

    async def record_held(self, due_on: date, deal_id: str) -> None:
        """Accepted, and held until its day."""
        await workflow.execute_activity_method(
            ChangeHubActivities.record_held,
            RecordHeld(context=self._context, due_on=due_on, deal_id=deal_id),
            summary=f"Record that the change waits for {due_on}",
            **STORE,
        )

    async def join_regional(self, deals: tuple[str, ...]) -> None:
        """Start the contracts of other legal entities in the group."""
        await workflow.execute_activity_method(
            ChangeHubActivities.join_regional,
            RegionalDeals(
                context=self._context, deals=deals, requested_by=self._order.request.requested_by
            ),
            summary=f"Start {len(deals)} regional contracts",
            **STORE,
        )

    async def await_regional(self, deals: tuple[str, ...]) -> RegionalOutcome:
        """Until none of them can fall any more."""
        return await workflow.execute_activity_method(
            ChangeHubActivities.await_regional,
            AwaitRegional(context=self._context, deals=deals),
            summary="Wait until the regional contracts stand",
            **STORE,
        )

    async def name_regional(self, deals: tuple[str, ...]) -> None:
        """What stands of them when the change that asked for them stops."""
        if workflow.patched(REGIONAL_NAMED):
            await workflow.execute_activity_method(
                ChangeHubActivities.regional_left_standing,
                AwaitRegional(context=self._context, deals=deals),
                summary="Undo: name the regional contracts that stand",
                **COMPENSATE,
            )

    async def draft(self, booking: Contract, amends: str, patience: timedelta | None) -> Booking:
        """The adjustment as a draft; with `patience`, gives up when the ERP stays away."""
        policy: Timing = POST_LEDGER.copy()
        if patience is not None:
            policy["retry_policy"] = patient(patience)
            # While the ERP is known to be away nothing of its queue is taken up.
            policy["schedule_to_start_timeout"] = max(patience, FIRST_DELAY)
        return await workflow.execute_activity_method(
            ErpAdjustmentActivities.draft,
            DraftAdjustment(context=self._context, booking=booking, amends=amends),
            task_queue=erp_task_queue(booking.erp, booking.erp_company),
            summary=f"Draft the adjustment at {booking.erp_company}",
            **policy,
        )

    async def confirm(self, booking: Contract, draft: Booking) -> Booking:
        """Quotation to confirmed."""
        return await workflow.execute_activity_method(
            ErpAdjustmentActivities.confirm,
            ConfirmAdjustment(context=self._context, booking=booking, draft=draft),
            task_queue=erp_task_queue(booking.erp, booking.erp_company),
            summary="Confirm the adjustment",
            **POST_LEDGER,
        )

    async def undo_draft(self, booking: Contract) -> None:
        """Cancel the draft."""
        await workflow.execute_activity_method(
            ErpAdjustmentActivities.undo,
            ConfirmAdjustment(context=self._context, booking=booking),
            task_queue=erp_task_queue(booking.erp, booking.erp_company),
            summary="Undo: cancel the adjustment",
            **COMPENSATE,
        )

    async def bill(self, change: AssessedChange) -> BilledChange:
        """Agreement, invoice and credit memos at the biller."""
        wanted = change.billing
        if wanted is None:
            raise ValueError("nothing to bill")
        return await workflow.execute_activity_method(
            BillingChangeActivities.change,
            BillChange(
                context=self._context,
                change=wanted,
                preview=change.preview,
                money=change.at_risk,
            ),
            task_queue=BILLING_QUEUE,
            summary=f"Change the agreement at {wanted.after.billing_account}",
            **WRITE,
        )

    async def entitle(self, contract: Contract, patience: timedelta) -> Entitlement:
        """The rights of the new version, confirmed within `patience`."""
        policy: Timing = WRITE.copy()
        policy["schedule_to_close_timeout"] = patience
        return await workflow.execute_activity_method(
            EntitlementChangeActivities.change,
            ChangeAccess(context=self._context, contract=contract),
            task_queue=ENTITLEMENT_QUEUE,
            summary="Change the entitlement",
            **policy,
        )

    async def record_change(self, record: RecordChange) -> CrmRecord:
        """Tell the CRM; the new version becomes the present one; ends the run in our store."""
        return await workflow.execute_activity_method(
            CrmChangeActivities.record,
            record,
            task_queue=CRM_QUEUE,
            summary="Tell the CRM, record the new version",
            **WRITE,
        )

    async def tell_stopped(self, record: RecordChange) -> None:
        """Tell the CRM that the change stopped: the contract stands as before."""
        await workflow.execute_activity_method(
            CrmChangeActivities.stopped,
            record,
            task_queue=CRM_QUEUE,
            summary="Tell the CRM that the change stopped",
            **COMPENSATE,
        )

    async def record_stop(
        self,
        outcome: ChangeOutcome,
        state: ContractState,
        reason: str,
        residue: tuple[str, ...],
    ) -> None:
        """How a stopped run ended."""
        await workflow.execute_activity_method(
            HubActivities.record_outcome,
            RecordOutcome(
                context=self._context,
                outcome=outcome,
                state=state,
                reason=reason,
                residue=residue,
            ),
            summary=f"Record that the change ended {outcome}",
            **STORE,
        )
