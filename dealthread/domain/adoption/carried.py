"""Open invoices that others posted, once their contract is ours: what is paid of them since."""

from __future__ import annotations

from dealthread.domain.base import Carried, Ref
from dealthread.domain.bill import Bill, BillPayment
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money


class OldInvoice(Carried):
    """An invoice of before, as it was matched when its contract was adopted."""

    document: Ref
    """In the ledger. It carries no key of ours: nothing can be put on what is posted."""
    owed: Money
    """What was left to pay of it then, at the biller and in the ledger."""


def is_of_others(bill: Bill, contract: Contract) -> bool:
    """Whether others billed it, before the contract was ours: the ledger has it under a number
    that carries no key of ours, so that no document of ours can name it."""
    if contract.adopted_on is None or bill.issue_date is None:
        return False
    return bill.issue_date < contract.adopted_on


def paid_since(bill: Bill, owed: Money) -> tuple[BillPayment, ...] | None:
    """Payments that came after the adoption, by day. What was settled before is a number of whole
    payments; None where it is not, or where something was credited: that is for people."""
    if bill.credit_memos or bill.voided_credits or bill.balance_used.amount < 0:
        return None
    before = bill.gross - owed - bill.balance_used
    payments = sorted(bill.payments, key=lambda one: (one.paid_on, one.ref.native_id))
    for count in range(len(payments) + 1):
        if Money.total((one.amount for one in payments[:count]), bill.currency) == before:
            return tuple(payments[count:])
    return None
