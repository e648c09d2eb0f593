"""Identities of customers' money and the processor's payouts (T7, T9)."""

from __future__ import annotations

from collections.abc import Sequence

from dealthread.domain.base import Frozen
from dealthread.domain.closing.tie import Answer, Identity, Pair, Scope, compared
from dealthread.domain.money import Money


class CustomerMoney(Frozen):
    """One customer's documents from the beginning, gross, before exchange; and what is open."""

    customer_key: str
    invoiced: Money
    credited: Money
    received: Money
    written_off: Money
    refunded: Money
    receivable: Money
    credit_balance: Money
    unapplied: Money


def check_customers(scope: Scope, customers: Sequence[CustomerMoney]) -> Answer:
    """T7."""
    pairs = [
        Pair(
            what="invoices less credits, receipts and write-offs, against what is open",
            expected=one.invoiced - one.credited - one.received - one.written_off + one.refunded,
            found=one.receivable - one.credit_balance - one.unapplied,
            customer_key=one.customer_key,
        )
        for one in customers
    ]
    return compared(Identity.CUSTOMERS, scope, pairs)


class BankedPayout(Frozen):
    """Money that the processor sent to the bank."""

    payout: str
    amount: Money
    transactions: Money
    """Sum of the balance transactions in it: charges less refunds, disputes and fees."""
    bank_line: Money


def check_payouts(scope: Scope, payouts: Sequence[BankedPayout]) -> Answer:
    """T9."""
    pairs = [
        pair
        for one in payouts
        for pair in (
            Pair(
                what="payout, against its transactions",
                expected=one.amount,
                found=one.transactions,
                document=one.payout,
            ),
            Pair(
                what="payout, against the bank's line",
                expected=one.amount,
                found=one.bank_line,
                document=one.payout,
            ),
        )
    ]
    return compared(Identity.PAYOUTS, scope, pairs)
