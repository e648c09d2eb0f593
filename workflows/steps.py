"""The steps of the sagas as calls: which activity, on which queue, under which policy.

One method a step, so that a workflow reads as the process and this reads as the plumbing.
"""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow

from activities.assessment import AssessmentActivities
from activities.billing import BillingActivities
from activities.crm import CrmActivities
from activities.entitlement import EntitlementActivities
from activities.erp import ErpActivities
from activities.hub import HubActivities
from activities.inputs import (
    AssessDeal,
    Assessment,
    ConfirmBooking,
    GrantAccess,
    PrepareBooking,
    PreparedBooking,
    ReadBooking,
    ReadSetUp,
    RecordOutcome,
    ReleaseInvoice,
    SetUp,
    StartBilling,
    StartedBilling,
    UndoBilling,
    UndoBooking,
    Withdraw,
    WriteBack,
)
from activities.service_status import ServiceActivities, TellService
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.corrections import Corrections
from dealthread.domain.documents import Agreement, Booking, CrmRecord, Entitlement
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.party import Party
from dealthread.domain.service_status import ServiceAct
from dealthread.domain.transaction import ChangeOutcome, FrozenDeal, ReadDeal, SagaContext
from dealthread.naming import BILLING_QUEUE, CRM_QUEUE, ENTITLEMENT_QUEUE, erp_task_queue
from dealthread.policies import (
    COMPENSATE,
    FIRST_DELAY,
    HOLD_PATIENCE,
    POST_LEDGER,
    POST_REVENUE,
    READ,
    STORE,
    WRITE,
    Timing,
    patient,
)


class Steps:
    """The steps of one run."""

    def __init__(self, context: SagaContext) -> None:
        self._context = context

    async def read_deal(self) -> FrozenDeal:
        """The deal from its owner."""
        return await workflow.execute_activity_method(
            CrmActivities.read_deal,
            ReadDeal(context=self._context),
            task_queue=CRM_QUEUE,
            summary="Read the deal back from the CRM",
            **READ,
        )

    async def assess(
        self, frozen: FrozenDeal, corrections: Corrections, approved_hash: str, *, ask_erp: bool
    ) -> Assessment:
        """Rules, preview, posting rules."""
        return await workflow.execute_activity_method(
            AssessmentActivities.assess,
            AssessDeal(
                context=self._context,
                frozen=frozen,
                corrections=corrections,
                ask_erp=ask_erp,
                approved_hash=approved_hash,
            ),
            task_queue=BILLING_QUEUE,
            summary="Validate, price with the biller's preview, ask the ERP's posting rules",
            **READ,
        )

    async def prepare_booking(
        self,
        contract: Contract,
        party: Party,
        parent: Party | None,
        patience: timedelta | None,
    ) -> PreparedBooking:
        """Customer and draft; with `patience`, gives up when the ERP stays away that long. Without,
        the invoice may be waiting for the customer."""
        policy: Timing = POST_REVENUE.copy() if patience is None else POST_LEDGER.copy()
        if patience is not None:
            policy["retry_policy"] = patient(patience)
            # While the ERP is known to be away nothing of its queue is taken up.
            policy["schedule_to_start_timeout"] = max(patience, FIRST_DELAY)
        return await workflow.execute_activity_method(
            ErpActivities.prepare_booking,
            PrepareBooking(context=self._context, contract=contract, party=party, parent=parent),
            task_queue=_erp_queue(contract),
            summary=f"Customer and draft booking at {contract.erp_company}",
            **policy,
        )

    async def link_booking(
        self, contract: Contract, native_id: str, *, confirmed: bool = False
    ) -> Booking:
        """Adopt a document that a person named."""
        return await workflow.execute_activity_method(
            ErpActivities.link_booking,
            ReadBooking(
                context=self._context,
                contract=contract,
                native_id=native_id,
                confirmed=confirmed,
            ),
            task_queue=_erp_queue(contract),
            summary=f"Read back {native_id} and adopt it",
            **POST_LEDGER,
        )

    async def confirm_booking(self, contract: Contract, booking: Booking) -> Booking:
        """Quotation to confirmed."""
        return await workflow.execute_activity_method(
            ErpActivities.confirm_booking,
            ConfirmBooking(context=self._context, contract=contract, booking=booking),
            task_queue=_erp_queue(contract),
            summary="Confirm the booking",
            **POST_LEDGER,
        )

    async def undo_booking(self, contract: Contract) -> None:
        """Cancel the draft, leave a customer of this run inactive."""
        await workflow.execute_activity_method(
            ErpActivities.undo_booking,
            UndoBooking(context=self._context, contract=contract),
            task_queue=_erp_queue(contract),
            summary="Undo: cancel the draft, leave the customer inactive",
            **COMPENSATE,
        )

    async def start_billing(
        self, contract: Contract, party: Party, parent: Party | None, preview: BillingInvoice | None
    ) -> StartedBilling:
        """Customer and agreement at the biller. Where its first invoice is reviewed a person hears
        in time of a biller that stays away: a draft that is not held is finalised by itself."""
        policy: Timing = WRITE.copy()
        if contract.release_policy == "review":
            policy["retry_policy"] = patient(HOLD_PATIENCE)
        return await workflow.execute_activity_method(
            BillingActivities.start_agreement,
            StartBilling(
                context=self._context,
                contract=contract,
                party=party,
                parent_key=parent.key if parent else None,
                preview=preview,
            ),
            task_queue=BILLING_QUEUE,
            summary=f"Customer and agreement at {contract.billing_account}",
            **policy,
        )

    async def undo_billing(self, contract: Contract, party: Party | None) -> None:
        """Cancel the agreement before an invoice."""
        await workflow.execute_activity_method(
            BillingActivities.undo_agreement,
            UndoBilling(context=self._context, contract=contract, party=party),
            task_queue=BILLING_QUEUE,
            summary="Undo: cancel the agreement without an invoice",
            **COMPENSATE,
        )

    async def release_invoice(
        self, contract: Contract, agreement: Agreement, preview: BillingInvoice | None
    ) -> BillingInvoice:
        """Compare the held draft, then finalise it."""
        return await workflow.execute_activity_method(
            BillingActivities.release_first_invoice,
            ReleaseInvoice(
                context=self._context, contract=contract, agreement=agreement, preview=preview
            ),
            task_queue=BILLING_QUEUE,
            summary="Compare the draft with what was previewed, then finalise it",
            **WRITE,
        )

    async def grant(self, contract: Contract, patience: timedelta) -> Entitlement:
        """The right to use, confirmed within `patience`."""
        policy: Timing = WRITE.copy()
        policy["schedule_to_close_timeout"] = patience
        return await workflow.execute_activity_method(
            EntitlementActivities.grant,
            GrantAccess(context=self._context, contract=contract),
            task_queue=ENTITLEMENT_QUEUE,
            summary="Grant the entitlement",
            **policy,
        )

    async def revoke(self, contract: Contract) -> None:
        """Take the right away again."""
        await workflow.execute_activity_method(
            EntitlementActivities.revoke,
            GrantAccess(context=self._context, contract=contract),
            task_queue=ENTITLEMENT_QUEUE,
            summary="Undo: revoke the entitlement",
            **COMPENSATE,
        )

    async def write_back(
        self,
        contract: Contract,
        state: ContractState,
        outcome: ChangeOutcome,
        agreement: Agreement | None,
        booking: Booking | None,
        entitlement: Entitlement | None,
    ) -> CrmRecord:
        """Contract, status and native ids to the CRM; ends the run in our store."""
        return await workflow.execute_activity_method(
            CrmActivities.write_back,
            WriteBack(
                context=self._context,
                contract=contract,
                state=state,
                outcome=outcome,
                agreement=agreement,
                booking=booking,
                entitlement=entitlement,
            ),
            task_queue=CRM_QUEUE,
            summary="Contract, status and native ids to the CRM",
            **WRITE,
        )

    async def withdraw(
        self, contract: Contract | None, account_id: str, customer_key: str, reason: str
    ) -> None:
        """Tell the CRM that the deal stopped."""
        await workflow.execute_activity_method(
            CrmActivities.withdraw,
            Withdraw(
                context=self._context,
                account_id=account_id,
                customer_key=customer_key,
                contract=contract,
                reason=reason,
            ),
            task_queue=CRM_QUEUE,
            summary="Tell the CRM that the deal stopped",
            **COMPENSATE,
        )

    async def record_stop(
        self, outcome: ChangeOutcome, reason: str, residue: tuple[str, ...], *, was_told: bool
    ) -> None:
        """How a stopped run ended; `was_told`: customer success heard that billing had started."""
        await workflow.execute_activity_method(
            HubActivities.record_outcome,
            RecordOutcome(
                context=self._context,
                outcome=outcome,
                state=ContractState.NEVER_ACTIVATED,
                reason=reason,
                residue=residue,
                tell_customer_success=was_told,
            ),
            summary=f"Record that the deal ended {outcome}",
            **STORE,
        )

    async def tell_service(
        self, contract: Contract, act: ServiceAct, day: date, timing: Timing = READ
    ) -> None:
        """What the customer receives from today on, by the dates of what was granted. Beside the
        contract's own work: a service that is away is looked at after the next act, if there is
        one."""
        await workflow.execute_activity_method(
            ServiceActivities.tell,
            TellService(
                context=self._context, customer_key=contract.customer_key, act=act, day=day
            ),
            task_queue=ENTITLEMENT_QUEUE,
            summary="Tell what the customer receives",
            **timing,
        )

    async def read_setup(self) -> SetUp:
        """What was set up for a contract that starts later."""
        return await workflow.execute_activity_method(
            HubActivities.read_setup,
            ReadSetUp(context=self._context),
            summary="Read the contract and what was set up for it",
            **STORE,
        )


def _erp_queue(contract: Contract) -> str:
    return erp_task_queue(contract.erp, contract.erp_company)
