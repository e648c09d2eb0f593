"""What a day had still to bill of service that had begun by then: bills that came only later.

The billing plan would have billed it by that day (a deal that was dated back, an invoice that
waited for an open month). It counts by the bills that were issued since, so that what nobody ever
billed is told by T1 as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dealthread.domain.bill import Bill
from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingTiming
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.difference import usage_keys
from dealthread.domain.position.facts import ContractFacts

_NEVER_OWED = (InvoiceStatus.DRAFT, InvoiceStatus.PREVIEW, InvoiceStatus.VOID)


def billed_later(facts: ContractFacts, day: date) -> Money:
    """Net without use of the bills after a day, less credits after it, for what these versions had
    begun to serve. `facts` are cut off at the day."""
    contract = facts.versions[-1].contract
    return Money.total(_parts(facts, contract, day), contract.currency)


def _parts(facts: ContractFacts, contract: Contract, day: date) -> Iterator[Money]:
    posted = facts.posted
    usage = usage_keys(contract)
    # What a change moves that takes effect later is in the plan's rest already.
    effective = [one.effective_from for one in facts.versions if one.effective_from is not None]
    pending = min((one for one in effective if one > day), default=None)

    def is_late(number: str, issued: date | None) -> bool:
        document = posted.get(number)
        counted = issued if document is None else document.posting_date
        if counted is None or issued is None or counted <= day:
            return False
        # From a version on that was agreed later, bills may be for that one.
        return facts.changed_on is None or issued < facts.changed_on

    for bill in facts.bills:
        if bill.status in _NEVER_OWED:
            continue
        if is_late(bill.number, bill.issue_date):
            yield from _begun(bill, contract, usage, day)
        for memo in bill.credit_memos:
            asked = memo.ref is not None and memo.ref.native_id in bill.credit_reasons
            of_change = pending is None or memo.issue_date is None or memo.issue_date < pending
            # A person's credit changes what is sold on its own day, and no day before it.
            if is_late(memo.number, memo.issue_date) and of_change and not asked:
                yield from (-one.net for one in memo.lines if one.line_key not in usage)


def _begun(bill: Bill, contract: Contract, usage: frozenset[str], day: date) -> Iterator[Money]:
    for line in bill.lines:
        if line.line_key not in usage and _is_begun(line, contract, day):
            yield line.net


def _is_begun(line: InvoiceLine, contract: Contract, day: date) -> bool:
    """Whether the plan would have billed a bill's line by the day."""
    spans = [one for one in contract.lines if one.line_key == line.line_key]
    if any(one.kind == ChargeKind.ONE_TIME for one in spans):
        return min(one.start_date for one in spans) <= day
    in_arrears = contract.billing_timing is BillingTiming.ARREARS
    due = line.period_end if in_arrears else line.period_start
    return due is not None and due <= day
