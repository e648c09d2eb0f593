"""What is known of one contract's money: versions, bills, postings, revenue."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime

from dealthread.domain.base import Frozen, Ref
from dealthread.domain.bill import Bill
from dealthread.domain.contract import ContractState
from dealthread.domain.money import Money
from dealthread.domain.position.sold import AcceptedVersion
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import HeldState
from dealthread.domain.versions.plan import RevenuePlanRow

REOPENED, RECOVERED = "erp.reopen_receivable", "erp.reverse_write_off"
"""Steps whose document undoes another one: a payment that a lost dispute took, a write-off of what
was paid after all."""
REMAINDER = "erp.apply_remainder"
"""Step whose document settles with what is left of a payment that was taken back in part."""

OUT_OF_SUMMARY = "erp.out_of_summary"
SINGLE_INVOICE, SINGLE_RECEIPT = "erp.single_invoice", "erp.single_receipt"
EXPANDED = (OUT_OF_SUMMARY, SINGLE_INVOICE, SINGLE_RECEIPT)
"""Steps that take an invoice out of the summary that holds it and post it by itself: together they
change nothing but where the ledger has it. Bill and payments are told by the first posting."""


class Posting(Frozen):
    """One document that we post, or try to post, to the ledger for an invoice."""

    business_key: str
    """Of the invoice's run."""
    step: str
    state: str
    code: str = ""
    amount: Money | None = None
    document: PostedDocument | None = None
    """As the ledger answered; None while it is not posted."""

    @property
    def is_posted(self) -> bool:
        """Whether the ledger has it."""
        return self.document is not None


class WaitsInSummary(Frozen):
    """An invoice that is posted with its day's summary, and not known to be in the ledger yet."""

    summary_id: str
    number: str
    state: HeldState
    due_at: AwareDatetime


class RecognisedPart(Frozen):
    """Revenue of one obligation that is posted to the ledger, or on its way there, in the
    contract's currency."""

    obligation: str
    line_key: str
    posting_date: date
    amount: Money
    ledger_amount: Money | None = None
    """In the ledger's currency, as the entry has it."""
    entry: Ref | None = None
    number: str = ""
    is_posted: bool = True


class AcceptedService(Frozen):
    """A service that the customer has accepted: its revenue has a day."""

    obligation: str
    accepted_on: date
    amount: Money


class OpeningFigures(Frozen):
    """Of an adopted contract, on the morning on which it became ours: what others billed and
    recognised, net, and what was open of their invoices, with tax."""

    as_of: date
    billed: Money
    recognised: Money
    owed: dict[str, Money] = {}
    """What is left to pay, by the biller's id of the invoice."""

    def is_before(self, bill: Bill) -> bool:
        """Whether others issued a bill."""
        return bill.issue_date is not None and bill.issue_date < self.as_of


class ContractFacts(Frozen):
    """One contract. `versions` holds at least one."""

    contract_key: str
    state: ContractState
    versions: tuple[AcceptedVersion, ...]
    bills: tuple[Bill, ...] = ()
    """As they were last read."""
    postings: tuple[Posting, ...] = ()
    summaries: dict[str, WaitsInSummary] = {}
    """By the business key of the invoice's run."""
    receipts: dict[str, PostedDocument] = {}
    """The ledger's documents of payments, by `documents.receipt_of`."""
    recognised: tuple[RecognisedPart, ...] = ()
    planned: tuple[RevenuePlanRow, ...] = ()
    """The present version's schedule, as far as the day that is asked about."""
    accepted: tuple[AcceptedService, ...] = ()
    opening: OpeningFigures | None = None
    changed_on: date | None = None
    """Of facts that were cut off at a day: when the first of the later versions was agreed."""
    open_cases: dict[str, str] = {}
    """Case by the business key that waits for it, those of the summaries too."""

    @property
    def posted(self) -> dict[str, PostedDocument]:
        """The ledger's documents by number. Of an invoice that a summary held first, that is its
        posting, whether it was taken out since or not."""
        return {
            one.document.number: one.document
            for one in self.postings
            if one.document is not None and one.step not in EXPANDED
        }


def run_of(bill: Bill) -> str:
    """Business key of the run that carries a bill."""
    return f"invoice:{bill.ref.account}:{bill.ref.native_id}"
