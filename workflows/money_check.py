"""MoneyCheck: what do the biller and the ledger say now? Reads only, writes nothing."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.money_check import (
    BillCheckActivities,
    BillId,
    CustomerOfBiller,
    LedgerCheckActivities,
    ReadBills,
    ReadLedger,
)
from dealthread.domain.base import Carried
from dealthread.domain.position.owners import SeenBills, SeenLedger
from dealthread.naming import BILLING_QUEUE, erp_task_queue
from dealthread.policies import Timing

# The caller waits: one try each, and no longer than his budget.
_PROMPT = Timing(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(maximum_attempts=1),
)


class MoneyCheckInput(Carried):
    """What is to be read."""

    bills: tuple[BillId, ...] = ()
    ledgers: tuple[ReadLedger, ...] = ()
    customers: tuple[CustomerOfBiller, ...] = ()
    known: tuple[str, ...] = ()


class OwnersSay(Carried):
    """What was read."""

    biller: SeenBills = SeenBills()
    ledgers: tuple[SeenLedger, ...] = ()


@workflow.defn(name="MoneyCheck")
class MoneyCheckWorkflow:
    """One look at the owners of invoices and entries."""

    @workflow.run
    async def run(self, order: MoneyCheckInput) -> OwnersSay:
        biller = SeenBills()
        if order.bills or order.customers:
            biller = await workflow.execute_activity_method(
                BillCheckActivities.read,
                ReadBills(bills=order.bills, customers=order.customers, known=order.known),
                task_queue=BILLING_QUEUE,
                summary=f"Read {len(order.bills)} bills, look for others",
                **_PROMPT,
            )
        ledgers = [
            await workflow.execute_activity_method(
                LedgerCheckActivities.read,
                one,
                task_queue=erp_task_queue(one.erp, one.company),
                summary=f"Read the ledger of company {one.company}",
                **_PROMPT,
            )
            for one in order.ledgers
        ]
        return OwnersSay(biller=biller, ledgers=tuple(ledgers))
