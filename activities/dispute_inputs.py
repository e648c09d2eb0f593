"""Inputs and results of the activities that carry a dispute to the ledger and to people."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.dispute import Dispute, LostDispute
from dealthread.domain.dispute_exchange import DisputeExchange, LostPart
from dealthread.domain.ledger import LedgerJournal, Reversal
from dealthread.domain.money import Money
from dealthread.domain.receipts import LedgerReceipt
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


class DisputedInvoice(Carried):
    """One invoice of a contract of ours that a disputed payment paid, and what becomes of it."""

    bill: Bill
    org: str
    deal_id: str
    account_id: str
    region: str
    taken: Money
    """Of the payment's part, in the invoice's currency: all of it, or what the dispute is about."""
    mark: str = ""
    """In the keys of its documents and acts; "" where the dispute is about no other invoice."""
    reversal: Reversal | None = None
    remainder: LedgerReceipt | None = None


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
    remainder: LedgerReceipt | None = None
    """Then what the payment goes on paying of the invoice, where a part of it was lost."""
    taken: Money | None = None
    """What of the payment it is about; None of no invoice of ours."""
    mark: str = ""
    invoices: tuple[DisputedInvoice, ...] = ()
    """Where it is about several: each, newest first. `bill` is the first of them."""
    parts: tuple[LostPart, ...] = ()
    """What is owed again, by invoice."""
    exchange: dict[str, DisputeExchange] = {}
    """By stage of an entry (opened, won, lost), where it is in another currency than the
    ledger's, or opens what is."""

    @property
    def invoice(self) -> str:
        """Number of the invoices that it is about, for people."""
        if self.invoices:
            return ", ".join(one.bill.number for one in self.invoices)
        return self.bill.number if self.bill is not None else "no invoice of ours"

    def each(self) -> tuple[DisputeToPost, ...]:
        """The same, once for each invoice that it is about."""
        if not self.invoices:
            return (self,)
        return tuple(self.about(one) for one in self.invoices)

    def about(self, one: DisputedInvoice) -> DisputeToPost:
        """The same of one invoice alone."""
        fields = {name: getattr(one, name) for name in type(one).model_fields}
        return self.model_copy(update=fields | {"invoices": ()})


class PostDispute(Carried):
    """Input of `dispute.post`."""

    context: SagaContext
    erp: str
    stage: str
    """opened, won or lost: each is one document."""
    journal: LedgerJournal
    exchange: DisputeExchange | None = None
    """Then the entry is in the currency of the processor's balance."""


class ReopenReceivable(Carried):
    """Input of `dispute.reopen`."""

    context: SagaContext
    erp: str
    reversal: Reversal
    mark: str = ""


class ApplyRemainder(Carried):
    """Input of `dispute.apply_remainder`."""

    context: SagaContext
    erp: str
    receipt: LedgerReceipt
    mark: str = ""


class TellDispute(Carried):
    """Input of `dispute.tell` and `dispute.show`."""

    context: SagaContext
    told: DisputeToPost
    state: str
    """disputed, dispute_won or dispute_lost."""
