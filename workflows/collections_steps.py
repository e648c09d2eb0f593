"""The steps of Collections: each one activity, with its undo where it withholds something."""

from __future__ import annotations

from datetime import date

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.collections import (
    AccessHoldActivities,
    OverdueActivities,
    PursuitActivities,
    PursuitMirrorActivities,
)
from activities.collections_inputs import (
    CollectionsInput,
    HeldAccess,
    HoldAccess,
    OpenPursuit,
    Overdue,
    ReadOverdue,
    RecordPursuit,
    ShowPursuit,
)
from dealthread.domain.documents import CrmRecord
from dealthread.domain.dunning import DunningStage, Pursuit, PursuitState, outcome_of
from dealthread.domain.transaction import SagaContext
from dealthread.failure import problem_of
from dealthread.naming import BILLING_QUEUE, CRM_QUEUE, ENTITLEMENT_QUEUE
from dealthread.policies import COMPENSATE, SHOW, STORE, WRITE, Timing
from dealthread.saga import Saga, Step
from workflows.desk import CaseDesk


class CollectionsSteps:
    """Steps of one run."""

    def __init__(
        self, order: CollectionsInput, context: SagaContext, saga: Saga, desk: CaseDesk
    ) -> None:
        self._order = order
        self._saga = saga
        self._desk = desk
        self._account_id = ""
        self._restored = ""
        self.unshown = False
        """The CRM was away when it was to be told where the pursuit stands."""
        self._hold = HoldAccess(context=context, seller="", customer_key="")
        self.context = context

    async def read(self) -> Overdue:
        """The invoice as its owner has it. A biller that is away is asked for a day before a
        person is: nothing of a pursuit is so urgent, and nothing is done unread."""
        told = await self._saga.run(Step(name="read", act=self._read_once))
        self._account_id = told.account_id
        self._is_of(
            {
                "contract_key": told.bill.contract_key,
                "org": told.org,
                "deal_id": told.deal_id,
            },
            told,
        )
        return told

    def _is_of(self, update: dict[str, object], told: Overdue) -> None:
        self.context = self.context.model_copy(update=update)
        self._desk.move_to(self.context, told.bill.customer_key)
        self._hold = HoldAccess(
            context=self.context, seller=told.seller, customer_key=told.bill.customer_key
        )

    async def read_if_there(self) -> Overdue | None:
        """The same without a case: None from a biller that is away, who is asked again later."""
        try:
            return await self._saga.to_its_end(self._read_once())
        except ActivityError:
            return None
        finally:
            self._saga.raise_if_cancelled()

    async def _read_once(self) -> Overdue:
        return await workflow.execute_activity_method(
            OverdueActivities.read,
            ReadOverdue(
                billing_account=self._order.billing_account, invoice_id=self._order.invoice_id
            ),
            task_queue=BILLING_QUEUE,
            summary="Read the invoice back from the biller",
            **WRITE,
        )

    async def open(self, told: Overdue, due: date) -> Pursuit:
        """A pursuit of its own generation: one that was closed before keeps its keys."""
        bill = told.bill
        opened = await self._saga.run(
            Step(
                name="open",
                act=lambda: workflow.execute_activity_method(
                    PursuitActivities.open,
                    OpenPursuit(
                        context=self.context,
                        wanted=Pursuit(
                            business_key=self.context.business_key,
                            generation=1,
                            contract_key=bill.contract_key,
                            customer_key=bill.customer_key,
                            seller=told.seller,
                            invoice=bill.ref,
                            invoice_number=bill.number,
                            amount_due=bill.remaining,
                            due_date=due,
                            state=PursuitState.OPEN,
                        ),
                    ),
                    summary=f"Open the pursuit of {bill.number}",
                    **STORE,
                ),
            )
        )
        self._is_of({"generation": opened.generation}, told)
        return opened

    async def suspend(self) -> HeldAccess | None:
        """Withhold the right to use; None where the invoice turned out to be settled. It is read
        again before every attempt that a person asks for: days may have passed."""
        hold = self._hold
        attempts = 0

        async def act() -> HeldAccess | None:
            nonlocal attempts
            attempts += 1
            if attempts > 1 and outcome_of((await self._read_once()).bill) is not None:
                return None
            return await workflow.execute_activity_method(
                AccessHoldActivities.suspend,
                hold,
                task_queue=ENTITLEMENT_QUEUE,
                summary="Suspend the entitlement",
                **WRITE,
            )

        return await self._saga.run(
            Step(
                name="suspend",
                act=act,
                undo=lambda: self._give_back(hold),
            )
        )

    async def _give_back(self, hold: HoldAccess) -> None:
        left = await workflow.execute_activity_method(
            AccessHoldActivities.restore,
            hold,
            task_queue=ENTITLEMENT_QUEUE,
            summary="Give the entitlement back",
            **COMPENSATE,
        )
        self._restored = "" if left.is_suspended else left.entitlement

    async def record(
        self, pursuit: Pursuit, stage: DunningStage | None, *, is_new: bool, actor: str
    ) -> None:
        """In our store with its events, then in the CRM."""
        context = self.context.model_copy(update={"actor": actor})
        await self._saga.run(
            Step(
                name="record",
                act=lambda: workflow.execute_activity_method(
                    PursuitActivities.record,
                    RecordPursuit(
                        context=context,
                        pursuit=pursuit,
                        notice=stage.notice if stage is not None else None,
                        escalate=stage.escalate if stage is not None else False,
                        is_new=is_new,
                        restored=self._restored,
                    ),
                    summary=f"Pursuit {pursuit.state}, stage {pursuit.stage}",
                    **STORE,
                ),
            )
        )
        await self.show(pursuit, may_wait=pursuit.state is not PursuitState.CLOSED)

    async def show(self, pursuit: Pursuit, *, may_wait: bool) -> None:
        """In the CRM. One that is away is not waited for while there may be a payment to hear of:
        `unshown` says that it is to be told later. What it refuses is a person's."""
        self.unshown = False
        if may_wait:
            try:
                await self._saga.to_its_end(self._show(pursuit, SHOW))
            except ActivityError as error:
                problem = problem_of(error)
                self.unshown = problem.is_unavailable or problem.is_uncertain
                is_told = self.unshown
            else:
                is_told = True
            self._saga.raise_if_cancelled()
            if is_told:
                return
        await self._saga.run(Step(name="crm", act=lambda: self._show(pursuit, WRITE)))

    async def _show(self, pursuit: Pursuit, timing: Timing) -> CrmRecord:
        return await workflow.execute_activity_method(
            PursuitMirrorActivities.show,
            ShowPursuit(context=self.context, account_id=self._account_id, pursuit=pursuit),
            task_queue=CRM_QUEUE,
            summary=f"The CRM shows {pursuit.invoice_number}: {pursuit.state}",
            **timing,
        )
