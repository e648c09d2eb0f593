"""PayoutToBank: one payout of the processor, from the processor's balance to the bank's account.

    1  read the payout back, with what moved in it
    2  post it: bank and fees against the clearing account, each kind of movement a line
    3  where it came back: the bank's part is taken back, and waits on the clearing account
    4  where it stays: subscribers hear of each payment that its money is in the bank

Until it is paid, and until the processor has told what is in it, it waits for news. One that fails
after it was paid starts this again: what is posted is found, and only its return is new.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow

from activities.settlement import PayoutActivities, PayoutPostingActivities
from activities.settlement_inputs import (
    PayoutInput,
    PayoutToPost,
    PostForeignPayout,
    PostPayout,
    ReadPayout,
    TellPayments,
)
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.paid_out import ForeignPayout
from dealthread.domain.payout import Payout, PayoutStatus
from dealthread.domain.transaction import SagaContext, StepState
from dealthread.naming import BILLING_QUEUE, erp_task_queue, payout_id, payout_key
from dealthread.policies import POST_LEDGER, READ
from dealthread.saga import Saga, SagaStopped, Step
from workflows.decided_by_people import DecidedByPeople
from workflows.desk import CaseDesk
from workflows.wording import PAYOUT, current_details

LOOK_AGAIN = timedelta(hours=1)
"""For what is in a payout, should the news that it is known be lost."""
TELLS_PAYMENTS = "payout-to-bank-tells-payments-202611"
"""Patch: each payment's settlement is told; before, that of the payout alone."""
_UNDER_WAY = (PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT)


@workflow.defn(name="PayoutToBank")
class PayoutToBankWorkflow(DecidedByPeople):
    """One payout of one billing account."""

    @workflow.init
    def __init__(self, order: PayoutInput) -> None:
        self._order = order
        self._context = SagaContext(
            business_key=payout_id(order.billing_account, order.payout_id),
            generation=1,
            contract_key=payout_key(order.billing_account, order.payout_id),
            org="",
            deal_id="",
            tenant=order.tenant,
            business_offset_seconds=order.business_offset_seconds,
        )
        self._desk = CaseDesk(self._context, PAYOUT, "biller", self._tell)
        self._saga = Saga(PAYOUT, self._desk, self._tell)
        self._news = 1
        self._seen = 0
        """News that it was last read after."""

    @workflow.run
    async def run(self, order: PayoutInput) -> str:  # noqa: ARG002 - read by __init__
        while True:
            try:
                told = await self._to_the_ledger()
            except (SagaStopped, asyncio.CancelledError):
                # A person books it by hand, or not at all: what is posted stands.
                return "left_to_people"
            await workflow.wait_condition(workflow.all_handlers_finished)
            if self._seen == self._news:
                return told.payout.status
            # Told while it was being posted: it may have come back meanwhile.

    async def _to_the_ledger(self) -> PayoutToPost:
        while True:
            self._seen = self._news
            told = await self._read()
            if self._is_told(told):
                break
            await self._rest(self._seen)
        if told.settlement is not None:
            await self._post(told, told.settlement)
        elif told.foreign is not None:
            await self._post_foreign(told, told.foreign)
        if told.returned is not None:
            await self._post_return(told, told.returned)
        else:
            self._saga.mark("return", StepState.SKIPPED)
        if _stays(told.payout) and workflow.patched(TELLS_PAYMENTS):
            await self._tell_payments(told)
        return told

    def _is_told(self, told: PayoutToPost) -> bool:
        """Whether the processor has paid it or taken it back, and told what is in it."""
        payout = told.payout
        return payout.status not in _UNDER_WAY and (payout.is_itemised or not payout.is_automatic)

    async def _rest(self, seen: int) -> None:
        try:
            await workflow.wait_condition(lambda: self._news > seen, timeout=LOOK_AGAIN)
        except TimeoutError:
            return

    async def _read(self) -> PayoutToPost:
        order = self._order
        return await self._saga.run(
            Step(
                name="read",
                act=lambda: workflow.execute_activity_method(
                    PayoutActivities.read,
                    ReadPayout(
                        billing_account=order.billing_account,
                        payout_id=order.payout_id,
                        tenant=order.tenant,
                    ),
                    task_queue=BILLING_QUEUE,
                    summary="Read the payout back from the biller",
                    **READ,
                ),
            )
        )

    async def _post(self, told: PayoutToPost, journal: LedgerJournal) -> None:
        await self._saga.run(
            Step(
                name="post",
                act=lambda: workflow.execute_activity_method(
                    PayoutPostingActivities.post,
                    PostPayout(
                        context=self._context,
                        erp=told.erp,
                        journal=journal,
                        payout=told.payout,
                        seller=told.seller,
                    ),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"{journal.description}: {told.payout.amount}",
                    **POST_LEDGER,
                ),
            )
        )

    async def _post_foreign(self, told: PayoutToPost, foreign: ForeignPayout) -> None:
        await self._saga.run(
            Step(
                name="post",
                act=lambda: workflow.execute_activity_method(
                    PayoutPostingActivities.post_foreign,
                    PostForeignPayout(
                        context=self._context,
                        erp=told.erp,
                        foreign=foreign,
                        currency=told.currency,
                        payout=told.payout,
                        seller=told.seller,
                    ),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"{foreign.description}: {told.payout.amount}",
                    **POST_LEDGER,
                ),
            )
        )

    async def _tell_payments(self, told: PayoutToPost) -> None:
        await self._saga.run(
            Step(
                name="tell",
                act=lambda: workflow.execute_activity_method(
                    PayoutActivities.tell_payments,
                    TellPayments(context=self._context, payout=told.payout, seller=told.seller),
                    task_queue=BILLING_QUEUE,
                    summary=f"Payments of {told.payout.ref.native_id} are in the bank",
                    **READ,
                ),
            )
        )

    async def _post_return(self, told: PayoutToPost, journal: LedgerJournal) -> None:
        await self._saga.run(
            Step(
                name="return",
                act=lambda: workflow.execute_activity_method(
                    PayoutPostingActivities.post_return,
                    PostPayout(context=self._context, erp=told.erp, journal=journal),
                    task_queue=erp_task_queue(told.erp, told.company),
                    summary=f"{journal.description}: {told.payout.amount}",
                    **POST_LEDGER,
                ),
            )
        )

    @workflow.signal
    def news(self) -> None:
        """Something happened to the payout: it is read again."""
        self._news += 1

    def _tell(self) -> None:
        workflow.set_current_details(current_details(self._status(), None, ""))


def _stays(payout: Payout) -> bool:
    """Whether its money is in the bank, and the processor tells of what."""
    return payout.status is PayoutStatus.PAID and payout.is_itemised
