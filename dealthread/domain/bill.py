"""A finalised invoice of the biller as it stands: what it says, what was paid and credited.

Amounts are the biller's own and are never computed anew. Ends are exclusive.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime, Field

from dealthread.domain.base import Carried, Ref
from dealthread.domain.documents import CreditMemo
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.party import BuyerSnapshot


class PaymentWay(StrEnum):
    """Where the money of a payment arrives."""

    PROCESSOR = "processor"
    """Cards and debits: the processor's clearing account, paid out later."""
    BANK = "bank"
    """Paid outside of the biller: the bank."""


class BillPayment(Carried):
    """Money for one bill. `amount` is the part that is for this bill, gross of fees."""

    ref: Ref
    amount: Money
    paid_on: date
    way: PaymentWay
    processor_id: str = ""
    """The processor's own id of it, by which its movements name it."""
    receipt: str = ""
    """The bank's id of a receipt that was entered here: its money is in unapplied cash already."""


AT_BILLER = "at_biller"
"""Of a credit that no order and no change of ours made: it changes the price all the same."""


class Bill(Carried):
    """One invoice of one billing account."""

    ref: Ref
    number: str
    """The legal number; "" while it is a draft."""
    status: InvoiceStatus
    contract_key: str
    """"" for an invoice that no contract of ours made."""
    customer_key: str
    currency: CurrencyCode
    lines: tuple[InvoiceLine, ...]
    net: Money
    tax: Money
    gross: Money
    """What the document says, never what is left to pay."""
    balance_used: Money
    """Part of the gross that earlier credits on the customer's balance paid."""
    remaining: Money
    """What is left to pay."""
    issue_date: date | None = None
    due_date: date | None = None
    finalised_at: AwareDatetime | None = None
    voided_on: date | None = None
    po_number: str = ""
    payments: tuple[BillPayment, ...] = ()
    credit_memos: tuple[CreditMemo, ...] = ()
    voided_credits: tuple[CreditMemo, ...] = ()
    """That were issued and taken back while the invoice was open: they are worth nothing."""
    drafted_at: AwareDatetime | None = None
    """Of a draft that the biller told of: since when."""
    failed_attempts: int = 0
    """How often the biller tried to collect an invoice that is still open, and failed."""
    next_attempt_on: date | None = None
    """When it tries again."""
    credit_reasons: dict[str, str] = {}
    """By native id of a credit that a person gave, why; `AT_BILLER` where it was given there and
    asked for nowhere. The others follow from a change."""
    takes_parts: bool = True
    """Whether the biller takes a payment of less than is left."""
    buyer: BuyerSnapshot | None = Field(default=None, exclude_if=lambda buyer: buyer is None)
    """As the document says it; None of one that is only remembered here."""

    @property
    def outside_credits(self) -> tuple[CreditMemo, ...]:
        """Credits that were given at the biller and asked for nowhere."""
        return tuple(
            one
            for one in self.credit_memos
            if one.ref is not None and self.credit_reasons.get(one.ref.native_id) == AT_BILLER
        )

    def as_of(self, day: date) -> Bill:
        """As it stood at the end of a day: one that was voided later was open."""
        if self.voided_on is None or self.voided_on <= day:
            return self
        return self.model_copy(update={"status": InvoiceStatus.OPEN})

    @property
    def takes_part(self) -> bool:
        """Whether less than is left can be paid as it stands now."""
        return self.takes_parts and self.status is InvoiceStatus.OPEN

    @property
    def payable(self) -> Money:
        """What a payment may still pay. The biller goes on naming an amount of a void invoice."""
        return Money.zero(self.currency) if self.status is InvoiceStatus.VOID else self.remaining


class PaidBill(Carried):
    """What a payment left of a bill: all that is kept of the biller's answer to it. The bill itself
    says who bought."""

    payments: tuple[BillPayment, ...]
    remaining: Money

    @classmethod
    def of(cls, bill: Bill) -> PaidBill:
        """The bill as it stands."""
        return cls(payments=bill.payments, remaining=bill.remaining)
