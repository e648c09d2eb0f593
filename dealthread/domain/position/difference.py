"""What does not agree, with its amount and cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from enum import StrEnum

from dealthread.domain.base import Frozen, Ref
from dealthread.domain.bill import Bill
from dealthread.domain.catalog import ChargeKind, ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.documents import document_entries
from dealthread.domain.position.entry import Figure, sum_of
from dealthread.domain.position.facts import ContractFacts, Posting, run_of
from dealthread.domain.position.figures import Position, untied
from dealthread.domain.posting_summary import HeldState
from dealthread.domain.receivable import taken_back_number
from dealthread.domain.recognition.credited import credited_rows
from dealthread.domain.versions.obligations import obligations_of
from dealthread.domain.versions.without_end import is_without_end

_INVOICE, _CREDIT, _RECEIPT = "erp.invoice", "erp.credit", "erp.receipt"
_TAKEN_BACK, _VOID = "erp.takeback", "erp.void"
_WAITS = {
    "": "the ledger was not asked yet",
    "intent": "it waits for the ledger, which is away or has others to post first",
    "sent": "it waits for the ledger's answer",
    "unknown": "the ledger's answer is lost; it is looked up",
    "rejected": "the ledger refused it",
}


class DifferenceKind(StrEnum):
    NOT_POSTED = "not_posted"
    """Billed, and not in the ledger."""
    CREDIT_NOT_POSTED = "credit_not_posted"
    PAYMENT_NOT_APPLIED = "payment_not_applied"
    POSTED_DIFFERENTLY = "posted_differently"
    VOIDED_AFTER_POSTING = "voided_after_posting"
    BILLER_DISAGREES = "biller_disagrees"
    """What the biller says is left to pay is not what its documents come to."""
    REVENUE_NOT_POSTED = "revenue_not_posted"
    """Planned for months that have ended, and not in the ledger."""
    REVENUE_AHEAD = "revenue_ahead"
    WAITS_FOR_ACCEPTANCE = "waits_for_acceptance"
    """Sold, and in no month until the customer accepts the service."""
    SCHEDULE_DIFFERS = "schedule_differs"
    """T14: the revenue schedule does not come to what was sold."""
    BILLED_BEYOND_SOLD = "billed_beyond_sold"
    UNTIED = "untied"
    """T7: invoiced, paid, owed and given up do not agree."""
    CHANGED_AT_BILLER = "changed_at_biller"
    """The biller tells a bill otherwise than when it was last read."""
    GONE_AT_BILLER = "gone_at_biller"
    NEVER_READ = "never_read"
    """The biller has a bill of the contract that was never read here."""
    LEDGER_DISAGREES = "ledger_disagrees"
    """The ledger's document, or its account, is not what is recorded here."""
    GONE_IN_LEDGER = "gone_in_ledger"
    BOOKED_BY_HAND = "booked_by_hand"
    """A receipt, a write-off or another entry that a person made in the ledger, past us."""


class Difference(Frozen):
    """One of them."""

    contract_key: str
    kind: DifferenceKind
    amount: Money
    document: str
    """Its number; of revenue, its months."""
    cause: str
    source: Ref | None = None
    case_id: str = ""
    customer_key: str = ""
    """Of what the ledger alone has: as the ledger names the customer."""
    day: date | None = None
    """Of what the ledger alone has: the posting date."""
    ledger_amount: Money | None = None
    """Of what the ledger alone has, in the ledger's currency where the entry tells another one."""


def differences_of(
    facts: ContractFacts, position: Position, as_of: date, config: ConfigSet, *, is_sold: bool
) -> Iterator[Difference]:
    """Of one contract; of one that is not sold, what was billed all the same."""
    for bill in facts.bills:
        if bill.issue_date is not None and bill.issue_date <= as_of:
            yield from _of_bill(facts, bill)
    if is_sold:
        yield from _of_revenue(facts, position, as_of, config)
    if position.unbilled_backlog.amount < 0:
        yield difference_of(
            facts,
            DifferenceKind.BILLED_BEYOND_SOLD,
            -position.unbilled_backlog,
            facts.contract_key,
            "the biller charged more than the versions of the contract come to",
        )
    off = untied(position)
    if off:
        yield difference_of(
            facts,
            DifferenceKind.UNTIED,
            off,
            facts.contract_key,
            "the parts of a document do not add up as it was read",
        )


def _of_bill(facts: ContractFacts, bill: Bill) -> Iterator[Difference]:
    if bill.status in (InvoiceStatus.DRAFT, InvoiceStatus.PREVIEW) or not bill.gross:
        return
    mine = [one for one in facts.postings if one.business_key == run_of(bill)]
    if facts.opening is not None and facts.opening.is_before(bill):
        # Others posted it, and applied what was paid of it by then.
        owed = facts.opening.owed.get(bill.ref.native_id, bill.remaining)
        yield from _of_payments(facts, bill, mine, bill.gross - owed)
        return
    is_credit = bill.gross.amount < 0
    step = _CREDIT if is_credit else _INVOICE
    invoice = next((one for one in mine if one.step == step), None)
    is_void = bill.status is InvoiceStatus.VOID
    if invoice is None or invoice.document is None:
        if not is_void:
            yield _not_posted(facts, bill, invoice)
        return
    if is_void and not any(one.step == _VOID and one.document for one in mine):
        reversal = next((one for one in mine if one.step == _VOID), None)
        yield _of_document(
            facts,
            bill,
            DifferenceKind.VOIDED_AFTER_POSTING,
            bill.gross,
            reversal or invoice,
            f"the biller took it back after it was posted: {_cause(reversal)}"
            if reversal is not None
            else "the biller took it back after it was posted: its reversal is not in the ledger",
        )
    document = invoice.document
    has = (document.net, document.tax, document.gross)
    net, tax, gross = (-one for one in has) if is_credit else has
    if (net, tax, gross) != (bill.net, bill.tax, bill.gross):
        yield _of_document(
            facts,
            bill,
            DifferenceKind.POSTED_DIFFERENTLY,
            gross - bill.gross,
            invoice,
            f"the ledger has {net} and {tax} of tax, the biller {bill.net} and {bill.tax}",
        )
    if is_credit:
        return
    yield from _of_credits(facts, bill, mine)
    yield from _withdrawn(facts, bill, mine)
    yield from _of_payments(facts, bill, mine, Money.zero(bill.currency))


def _not_posted(facts: ContractFacts, bill: Bill, invoice: Posting | None) -> Difference:
    waits = facts.summaries.get(run_of(bill))
    if invoice is not None or waits is None:
        return _of_document(facts, bill, DifferenceKind.NOT_POSTED, bill.gross, invoice)
    due = f"{waits.due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    said = {
        HeldState.FROZEN: f"the summary {waits.number} is being posted",
        HeldState.POSTED: f"the summary {waits.number} has it; its own run has not read that yet",
    }
    return difference_of(
        facts,
        DifferenceKind.NOT_POSTED,
        bill.gross,
        bill.number,
        said.get(waits.state, f"it waits for its day's summary {waits.number}, due {due}"),
        bill.ref,
        waits.summary_id if waits.summary_id in facts.open_cases else run_of(bill),
    )


def _of_credits(facts: ContractFacts, bill: Bill, mine: list[Posting]) -> Iterator[Difference]:
    posted = {one.document.number for one in mine if one.step == _CREDIT and one.document}
    waiting = [one for one in mine if one.step == _CREDIT and not one.is_posted]
    for memo in bill.credit_memos:
        if memo.number not in posted:
            yield difference_of(
                facts,
                DifferenceKind.CREDIT_NOT_POSTED,
                memo.gross,
                memo.number,
                _cause(waiting[0] if waiting else None),
                memo.ref,
                run_of(bill),
            )


def _withdrawn(facts: ContractFacts, bill: Bill, mine: list[Posting]) -> Iterator[Difference]:
    given = {memo.number for memo in bill.credit_memos}
    undone = {one.document.number for one in mine if one.step == _TAKEN_BACK and one.document}
    for one in mine:
        if one.step != _CREDIT or one.document is None:
            continue
        number = one.document.number
        if number not in given and taken_back_number(number) not in undone:
            yield difference_of(
                facts,
                DifferenceKind.POSTED_DIFFERENTLY,
                one.document.gross,
                one.document.number,
                "the biller withdrew the credit, the ledger has it",
                one.document.ref,
                run_of(bill),
            )


def _of_payments(
    facts: ContractFacts, bill: Bill, mine: list[Posting], before: Money
) -> Iterator[Difference]:
    """`before` was applied by others."""
    zero = Money.zero(bill.currency)
    used = bill.balance_used if bill.balance_used.amount > 0 else zero
    paid = used + Money.total((one.amount for one in bill.payments), bill.currency)
    receipts = [one for one in mine if one.step == _RECEIPT]
    applied = Money.total(
        (one.amount for one in receipts if one.is_posted and one.amount), bill.currency
    )
    if paid - before != applied:
        waiting = next((one for one in receipts if not one.is_posted), None)
        left = paid - before - applied
        yield _of_document(facts, bill, DifferenceKind.PAYMENT_NOT_APPLIED, left, waiting)
    if bill.balance_used.amount >= 0 and bill.status is not InvoiceStatus.VOID:
        entries = list(document_entries(bill, {}, frozenset()))
        left = sum_of(entries, Figure.RECEIVABLE, bill.currency)
        if left != bill.remaining:
            yield _of_document(
                facts,
                bill,
                DifferenceKind.BILLER_DISAGREES,
                bill.remaining - left,
                None,
                f"the biller says that {bill.remaining} is left to pay, its payments and credits "
                f"leave {left}",
            )


def _of_revenue(
    facts: ContractFacts, position: Position, as_of: date, config: ConfigSet
) -> Iterator[Difference]:
    contract = facts.versions[-1].contract
    usage = usage_keys(contract)
    fixed = [
        one for one in facts.recognised if one.posting_date <= as_of and one.line_key not in usage
    ]
    recognised = Money.total((one.amount for one in fixed if one.is_posted), position.currency)
    waiting = Money.total((one.amount for one in fixed if not one.is_posted), position.currency)
    open_revenue = position.planned - recognised
    if open_revenue:
        ahead = open_revenue.amount < 0
        yield difference_of(
            facts,
            DifferenceKind.REVENUE_AHEAD if ahead else DifferenceKind.REVENUE_NOT_POSTED,
            abs(open_revenue),
            _months(facts, as_of),
            "more is in the ledger than the schedule plans for these months"
            if ahead
            else f"entries of {waiting} are on their way to the ledger"
            if waiting
            else "no entry of recognised revenue is posted for all of it",
        )
    if not is_without_end(contract) and facts.versions[-1].accepted_on <= as_of:
        yield from _of_schedule(facts, contract, config)


def _of_schedule(
    facts: ContractFacts, contract: Contract, config: ConfigSet
) -> Iterator[Difference]:
    """T14, less the services whose revenue has no month yet."""
    planned = Money.total((row.amount for row in facts.planned), contract.currency)
    accepted = Money.total((one.amount for one in facts.accepted), contract.currency)
    gap = contract.tcv() - planned - accepted
    if facts.opening is not None:
        gap = gap - facts.opening.recognised
    if not gap:
        return
    by_event = any(one.is_by_event for one in obligations_of(contract.lines, config))
    waits = by_event and gap.amount > 0
    yield difference_of(
        facts,
        DifferenceKind.WAITS_FOR_ACCEPTANCE if waits else DifferenceKind.SCHEDULE_DIFFERS,
        abs(gap),
        facts.contract_key,
        "the customer has not accepted the service yet"
        if waits
        else "the revenue schedule does not come to what was sold",
    )


def planned_by(facts: ContractFacts, as_of: date, currency: str) -> Money:
    """Revenue of months that have ended, and of services that were accepted, less what people
    credited."""
    months = (row.amount for row in facts.planned if month_has_ended(row.month, as_of))
    services = (one.amount for one in facts.accepted if one.accepted_on <= as_of)
    contract = facts.versions[-1].contract
    less = (
        row.amount
        for bill in facts.bills
        for row in credited_rows(bill, contract)
        if month_has_ended(row.month, as_of) and row.line_key not in usage_keys(contract)
    )
    return Money.total((*months, *services, *less), currency)


def usage_keys(contract: Contract) -> frozenset[str]:
    """Lines that are charged as used."""
    return frozenset(one.line_key for one in contract.lines if one.kind == ChargeKind.USAGE)


def month_has_ended(month: date, as_of: date) -> bool:
    """Whether the last day of a month is over, or is the day itself."""
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1) <= as_of


def _months(facts: ContractFacts, as_of: date) -> str:
    over = sorted({row.month for row in facts.planned if month_has_ended(row.month, as_of)})
    if len(over) == 1:
        return f"{over[0]:%Y-%m}"
    return f"{over[0]:%Y-%m} to {over[-1]:%Y-%m}" if over else f"to {as_of:%Y-%m}"


def _cause(posting: Posting | None) -> str:
    if posting is None:
        return _WAITS[""]
    said = _WAITS.get(posting.state, _WAITS[""])
    return f"{said} ({posting.code})" if posting.code else said


def _of_document(
    facts: ContractFacts,
    bill: Bill,
    kind: DifferenceKind,
    amount: Money,
    posting: Posting | None,
    cause: str = "",
) -> Difference:
    return difference_of(
        facts, kind, amount, bill.number, cause or _cause(posting), bill.ref, run_of(bill)
    )


def difference_of(
    facts: ContractFacts,
    kind: DifferenceKind,
    amount: Money,
    document: str,
    cause: str,
    source: Ref | None = None,
    run: str = "",
) -> Difference:
    """Of a contract, with the case that its `run` waits for."""
    return Difference(
        contract_key=facts.contract_key,
        kind=kind,
        amount=amount,
        document=document,
        cause=cause,
        source=source,
        case_id=facts.open_cases.get(run, ""),
    )
