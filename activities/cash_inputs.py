"""Inputs and results of the activities that apply what came to the bank."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.cash import BankReceipt, OwedBill, RecordedAs
from dealthread.domain.money import Money
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.transaction import SagaContext


class CashReceiptInput(Carried):
    """Input of the CashReceipt workflow."""

    receipt: BankReceipt
    tenant: str = "default"
    business_offset_seconds: int = 0


class MatchReceipt(Carried):
    """Input of `receipt.match`."""

    receipt: BankReceipt


class ReceiveCash(Carried):
    """Input of `receipt.post`: bank against unapplied cash."""

    context: SagaContext
    erp: str
    receipt: LedgerReceipt


class RecordOnInvoice(Carried):
    """Input of `receipt.record`."""

    context: SagaContext
    receipt: str
    """The bank's id."""
    bill: OwedBill
    most: Money
    """What is left of the receipt."""
    value_date: date | None = None
    """Of the bank."""


class RecordedOnInvoice(Carried):
    """What became of it."""

    outcome: RecordedAs
    amount: Money
    """That the receipt paid; nought where it did not."""
    left: Money
    """That the invoice has left to pay."""
