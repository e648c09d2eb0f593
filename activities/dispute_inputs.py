"""Inputs and results of the activities that carry a dispute to the ledger and to people."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.dispute import Dispute, LostDispute
from dealthread.domain.ledger import LedgerJournal, Reversal
from dealthread.domain.transaction import SagaContext


class DisputeInput(Carried):
    """Input of the DisputeToEnd workflow."""

    billing_account: str
    dispute_id: str
    tenant: str = "default"
    business_offset_seconds: int = 0


class ReadDispute(Carried):
    """Input of `dispute.read`."""

    billing_account: str
    dispute_id: str
    today: date
    """Day on which a loss is booked that is known only now."""
    tenant: str = "default"


class DisputeToPost(Carried):
    """A dispute as it stands, whose invoice it is about, and what the ledger is to get of it."""

    dispute: Dispute
    policy: LostDispute
    seller: str
    erp: str
    company: str
    bill: Bill | None = None
    """None where it is about no invoice of a contract of ours."""
    org: str = ""
    deal_id: str = ""
    account_id: str = ""
    region: str = ""
    opened: LedgerJournal | None = None
    won: LedgerJournal | None = None
    lost: LedgerJournal | None = None
    reversal: Reversal | None = None
    """Where the receivable is opened again: the opposite of the payment's own entry."""

    @property
    def invoice(self) -> str:
        """Number of the invoice that it is about, for people."""
        return self.bill.number if self.bill is not None else "no invoice of ours"


class PostDispute(Carried):
    """Input of `dispute.post`."""

    context: SagaContext
    erp: str
    stage: str
    """opened, won or lost: each is one document."""
    journal: LedgerJournal


class ReopenReceivable(Carried):
    """Input of `dispute.reopen`."""

    context: SagaContext
    erp: str
    reversal: Reversal


class TellDispute(Carried):
    """Input of `dispute.tell` and `dispute.show`."""

    context: SagaContext
    told: DisputeToPost
    state: str
    """disputed, dispute_won or dispute_lost."""
