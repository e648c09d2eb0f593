"""Whether an invoice that was read is posted by itself, or waits for its day's summary."""

from __future__ import annotations

from collections.abc import Callable

from dealthread.domain.bill import Bill
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.posting_policy import InvoicePosting
from dealthread.domain.posting_rule import LATE_AFTER, due_of, why_not_in_summary
from dealthread.domain.posting_summary import Held, HeldState, SummaryPlace
from dealthread.hub_summaries import Summaries
from dealthread.naming import idempotency_key, invoice_id
from dealthread.ports.clock import BusinessClock


class PostingPlaces:
    """By the seller's policy, and by what was decided before."""

    def __init__(
        self, store: Summaries, config: Callable[[], ConfigSet], clock: BusinessClock
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock

    async def of(self, bill: Bill, contract: Contract, tenant: str) -> Held | None:
        """Where it stands in a summary; None where it is posted by itself. What waits and cannot
        be summarised any more is sent back."""
        entity = next(
            (one for one in self._config().legal_entities if one.code == contract.seller), None
        )
        held = await self._store.held(bill.ref)
        why_not = ""
        if entity is not None:
            why_not = why_not_in_summary(bill, contract, entity.functional_currency)
        if held is not None:
            if held.state is HeldState.WAITING and (why_not or held.single_on):
                await self._store.freeze(bill.ref, None)
                # It may have been frozen with the summary a moment before: then it stays in.
                held = await self._store.held(bill.ref)
            if held is None or held.state is HeldState.SINGLE:
                return None
            is_late = not held.is_in_ledger and self._clock.now() >= held.due_at + LATE_AFTER
            return held.model_copy(update={"is_late": is_late})
        if entity is None or bill.issue_date is None or why_not:
            return None
        policy = entity.posting
        if policy.invoices is not InvoicePosting.DAILY_SUMMARY:
            return None
        if not await self._store.is_above(entity.code, bill.issue_date, policy.above):
            return None
        place = SummaryPlace(
            tenant=tenant,
            seller=entity.code,
            erp=contract.erp,
            company=contract.erp_company,
            currency=bill.currency,
            issue_date=bill.issue_date,
            part=1,
            customer_key=policy.summary_customer,
        )
        run = invoice_id(bill.ref.account, bill.ref.native_id)
        return await self._store.join(
            place,
            bill.ref,
            contract.key,
            due_of(bill.issue_date, self._clock.now()),
            idempotency_key(run, 1, "invoice", "do"),
        )
