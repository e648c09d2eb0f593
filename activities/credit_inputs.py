"""Inputs and results of the activities that credit an invoice for a person."""

from __future__ import annotations

from dealthread.domain.base import Carried
from dealthread.domain.contract import ApprovalReason, Contract
from dealthread.domain.credit_order import CreditAsk, CreditedLine, CreditRefusal
from dealthread.domain.documents import CreditMemo
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeOutcome, SagaContext
from dealthread.ports.billing import CreditInvoice


class AssessCredit(Carried):
    """Input of `credit.assess`. `ask` is given for a preview only: what a saga carries out was
    stored."""

    context: SagaContext
    billing_account: str = ""
    invoice_id: str = ""
    ask: CreditAsk | None = None


class AssessedCredit(Carried):
    """What a credit would do. With refusals there is nothing to go on with."""

    refusals: tuple[CreditRefusal, ...] = ()
    approvals: tuple[ApprovalReason, ...] = ()
    lines: tuple[CreditedLine, ...] = ()
    left: dict[str, Money] = {}
    """By contract line, the net that can still be credited."""
    command: CreditInvoice | None = None
    preview: CreditMemo | None = None
    """The biller's own."""
    invoice_number: str = ""
    contract: Contract | None = None
    content_hash: str = ""
    """Of ask and preview: an approval is of these."""


class GiveCredit(Carried):
    """Input of `credit.give`."""

    context: SagaContext
    command: CreditInvoice
    money: Money | None = None


class RecordCredit(Carried):
    """Input of `credit.record`."""

    context: SagaContext
    outcome: ChangeOutcome
    reason: str = ""
