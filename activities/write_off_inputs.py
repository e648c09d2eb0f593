"""Inputs and results of the activities that give a claim up for a person."""

from __future__ import annotations

from dealthread.domain.base import Carried
from dealthread.domain.contract import ApprovalReason, Contract
from dealthread.domain.credit_order import CreditRefusal
from dealthread.domain.ledger import Reversal
from dealthread.domain.money import Money
from dealthread.domain.receipts import WriteOff
from dealthread.domain.transaction import ChangeOutcome, SagaContext


class AssessWriteOff(Carried):
    """Input of `write_off.assess`. The invoice is given for a preview only: what a saga carries out
    was stored."""

    context: SagaContext
    billing_account: str = ""
    invoice_id: str = ""
    without_relief: bool = False


class AssessedWriteOff(Carried):
    """What a write-off would do. With refusals there is nothing to go on with."""

    refusals: tuple[CreditRefusal, ...] = ()
    approvals: tuple[ApprovalReason, ...] = ()
    invoice_number: str = ""
    open: Money | None = None
    command: WriteOff | None = None
    billing_account: str = ""
    invoice_id: str = ""
    contract: Contract | None = None
    content_hash: str = ""
    """Of the document: an approval is of this one."""


class GiveUp(Carried):
    """Input of `write_off.mark` and `write_off.post`."""

    context: SagaContext
    billing_account: str
    invoice_id: str
    erp: str
    command: WriteOff


class RecoveryInput(Carried):
    """Input of the WriteOffRecovery workflow."""

    billing_account: str
    invoice_id: str
    tenant: str = "default"
    business_offset_seconds: int = 0


class RecoveredClaim(Carried):
    """What is to be reversed of a write-off; nothing where the invoice is not paid."""

    contract_key: str = ""
    customer_key: str = ""
    org: str = ""
    deal_id: str = ""
    erp: str = ""
    reversal: Reversal | None = None


class ReverseWriteOff(Carried):
    """Input of `write_off.reverse`."""

    context: SagaContext
    erp: str
    reversal: Reversal


class RecordWriteOff(Carried):
    """Input of `write_off.record`."""

    context: SagaContext
    outcome: ChangeOutcome
    reason: str = ""
