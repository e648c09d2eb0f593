"""A payment that its payer's bank takes back: what it means for the books. Pure.

While it is open the claim on the customer stays settled: what was taken stands on disputes
receivable, against the processor's clearing account, and the processor's fee is an expense. Won,
it goes back to clearing. Lost, it is no credit to the customer, since the supply stands: the
receivable is open again, or the loss is booked, as the policy says (facts/domain.md §5, "Dispute").
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Frozen, Ref
from dealthread.domain.dispute_exchange import EXCHANGE
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.money import ExactDecimal, Money
from dealthread.domain.payout import CLEARING
from dealthread.domain.revenue.journal import Side


class DisputeStatus(StrEnum):
    """Where a dispute stands at the processor."""

    OPEN = "open"
    """Evidence may be given, or is being looked at."""
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    """An inquiry, or what was prevented, that came to nothing: no money moved."""


class LostDispute(StrEnum):
    """What the books say of a dispute that was lost."""

    REOPEN = "reopen"
    """The customer owes the invoice again."""
    LOSS = "loss"
    """Nobody pursues it: an expense."""


class DisputedPayment(Carried):
    """One invoice that the disputed payment paid."""

    invoice_id: str
    payment_id: str
    """The part that is this invoice's, as its bill names it."""


class Dispute(Carried):
    """One dispute of one charge."""

    ref: Ref
    status: DisputeStatus
    amount: Money
    reason: str
    """The payer's, as the processor names it."""
    withdrawn: Money
    """Taken from the processor's balance, in that one's currency, as the next three; nought while
    an inquiry asks only."""
    reinstated: Money
    """Given back to it."""
    fee: Money
    """What the processor charged for it."""
    fee_returned: Money
    """What it gave back of that."""
    opened_on: date
    reinstated_on: date | None = None
    evidence_due: AwareDatetime | None = None
    """None where no answer is allowed."""
    invoice_id: str = ""
    """"" for a payment of no invoice."""
    payment_id: str = ""
    """The payment of that invoice, as the bill names it."""
    is_of_several: bool = False
    """One payment of several invoices: nobody says which of them is disputed."""
    several: tuple[DisputedPayment, ...] = ()
    """Then each of them."""
    rate: ExactDecimal | None = None
    """At which the processor converted what it took, as it says: one unit of the payment's currency
    in that of its balance. None where the two are the same."""

    @property
    def is_converted(self) -> bool:
        """Whether the processor's balance is in another currency than the payment."""
        return self.withdrawn.currency != self.amount.currency

    @property
    def payments(self) -> tuple[DisputedPayment, ...]:
        """What the disputed payment paid; none of a charge of no invoice."""
        if self.several or not self.invoice_id:
            return self.several
        return (DisputedPayment(invoice_id=self.invoice_id, payment_id=self.payment_id),)

    @property
    def lost(self) -> Money:
        """What was taken and not given back, in the currency of the processor's balance."""
        return self.withdrawn - self.reinstated

    @property
    def lost_of_payment(self) -> Money:
        """The same of the payment. What the processor converts it takes and gives back whole."""
        return self.amount if self.is_converted else self.lost

    @property
    def is_won_in_part(self) -> bool:
        """Whether it is won and less than was taken came back. Of what the processor converted
        nobody can tell."""
        given, taken = self.reinstated, self.withdrawn
        is_less = not self.is_converted and bool(given) and given < taken
        return self.status is DisputeStatus.WON and is_less

    @property
    def is_undone_loss(self) -> bool:
        """Whether it is lost, and all that was taken came back."""
        return self.status is DisputeStatus.LOST and bool(self.reinstated) and not self.lost

    @property
    def is_lost(self) -> bool:
        """Whether money is gone for good."""
        return self.status is DisputeStatus.LOST and bool(self.lost)


class DisputeAccounts(Frozen):
    """Where a billing account's disputes are posted to."""

    disputes: str = "1060"
    costs: str = "6650"
    """Fees of disputes, and losses where the policy is to pursue nobody."""


def opened_entry(
    dispute: Dispute, key: str, company: str, accounts: DisputeAccounts, invoice: str
) -> LedgerJournal | None:
    """What was taken from the balance; None where nothing was."""
    if not dispute.withdrawn and not dispute.fee:
        return None
    return _journal(
        key,
        company,
        dispute.opened_on,
        f"Dispute {dispute.ref.native_id} of {invoice}",
        (accounts.disputes, dispute.withdrawn, _withdrawn(dispute)),
        (accounts.costs, dispute.fee, "fee"),
        (CLEARING, -(dispute.withdrawn + dispute.fee), dispute.reason),
    )


def won_entry(
    dispute: Dispute, key: str, company: str, accounts: DisputeAccounts, invoice: str
) -> LedgerJournal | None:
    """What was given back to the balance. Of what the processor converted twice, the difference
    between its two rates is realised."""
    if not dispute.reinstated and not dispute.fee_returned:
        return None
    is_converted_back = dispute.is_converted and bool(dispute.reinstated)
    back = dispute.withdrawn if is_converted_back else dispute.reinstated
    return _journal(
        key,
        company,
        dispute.reinstated_on or dispute.opened_on,
        f"Dispute {dispute.ref.native_id} of {invoice} won",
        (CLEARING, dispute.reinstated + dispute.fee_returned, "reinstated"),
        (accounts.disputes, -back, "reinstated"),
        (EXCHANGE, back - dispute.reinstated, "converted back"),
        (accounts.costs, -dispute.fee_returned, "fee returned"),
    )


def lost_entry(
    dispute: Dispute,
    key: str,
    company: str,
    accounts: DisputeAccounts,
    invoice: str,
    on: date,
    policy: LostDispute,
) -> LedgerJournal | None:
    """What was taken, whatever is given back of it then or later. Where the receivable is opened
    again the payment's own entry is reversed beside this one: together they move it from disputes
    to the customer, and what is given back is left of the payment, which is applied again."""
    lost = dispute.withdrawn
    if not lost:
        return None
    against = CLEARING if policy is LostDispute.REOPEN else accounts.costs
    return _journal(
        key,
        company,
        on,
        f"Dispute {dispute.ref.native_id} of {invoice} lost",
        (against, lost, policy),
        (accounts.disputes, -lost, dispute.reason),
    )


def given_back_entry(
    dispute: Dispute,
    key: str,
    company: str,
    accounts: DisputeAccounts,
    invoice: str,
    policy: LostDispute,
) -> LedgerJournal | None:
    """What was given back of one that is lost, and of its fee, off the costs. Where the receivable
    is opened again the fee alone: by the rest less is opened."""
    back = dispute.fee_returned
    if policy is LostDispute.LOSS:
        back = back + dispute.reinstated
    if not back:
        return None
    return _journal(
        key,
        company,
        dispute.reinstated_on or dispute.opened_on,
        f"Dispute {dispute.ref.native_id} of {invoice} given back",
        (CLEARING, back, "given back"),
        (accounts.costs, -back, "given back"),
    )


def _withdrawn(dispute: Dispute) -> str:
    """With the processor's own rate, where it converted."""
    if dispute.rate is None:
        return "withdrawn"
    return f"withdrawn for {dispute.amount} at {dispute.rate:f}"


def _journal(
    key: str, company: str, day: date, text: str, *lines: tuple[str, Money, str]
) -> LedgerJournal:
    return LedgerJournal(
        document_key=key,
        company=company,
        posting_date=day,
        description=text,
        lines=tuple(
            EntryLine(
                account=account,
                side=Side.DEBIT if signed.amount > 0 else Side.CREDIT,
                amount=abs(signed),
                text=words,
            )
            for account, signed, words in lines
            if signed
        ),
    )
