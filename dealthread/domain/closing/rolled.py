"""Identities of balances that roll from one month's end to the next (T3, T4, T5, T6, T8, T10)."""

from __future__ import annotations

from collections.abc import Sequence

from dealthread.domain.base import Frozen
from dealthread.domain.closing.tie import Answer, Identity, Pair, Scope, Untied, compared
from dealthread.domain.money import Money
from dealthread.domain.recognition.roll_forward import RollForward


def check_deferred(roll: RollForward) -> Answer:
    """T3: deferred revenue, less contract assets and unbilled receivables."""
    pair = Pair(
        what="closing, against opening, billed, recognised and named adjustments",
        expected=roll.expected,
        found=roll.closing,
    )
    documents = tuple(
        Untied(
            what=f"{one.what}, as recorded, against the ledger",
            expected=one.ours.amount,
            found=one.ledger.amount,
            currency=roll.currency,
            document=one.document,
        )
        for one in roll.untied
    )
    scope = Scope(seller=roll.seller, currency=roll.currency)
    return compared(Identity.DEFERRED, scope, [pair], documents)


class Balances(Frozen):
    """An account before the month and after it, as the ledger has it."""

    account: str
    opening: Money
    closing: Money
    """A liability above nought where it stands in credit."""
    by_hand: Money | None = None
    """Entries of the month that none of us made, each named in the checklist."""


def _tied(identity: Identity, scope: Scope, of: Balances, moved: Money) -> Answer:
    """Whether an account moved by what the month's documents come to."""
    pair = Pair(
        what="closing, against opening and the month's documents",
        expected=of.opening + moved + (of.by_hand or Money.zero(scope.currency)),
        found=of.closing,
        account=of.account,
    )
    return compared(identity, scope.model_copy(update={"account": of.account}), [pair])


class ReceivableRoll(Balances):
    """Trade receivables of a month, gross, in the ledger's currency."""

    invoiced: Money
    credits_applied: Money
    receipts_applied: Money
    written_off: Money
    reopened: Money
    """Receipts reversed and disputes reopened."""
    unrealised: Money
    """Exchange: a gain above nought."""
    realised_loss: Money
    realised_gain: Money

    @property
    def moved(self) -> Money:
        """What the month's documents come to."""
        paid = self.credits_applied + self.receipts_applied + self.written_off
        exchange = self.unrealised - self.realised_loss + self.realised_gain
        return self.invoiced - paid + self.reopened + exchange


def check_receivable(scope: Scope, roll: ReceivableRoll) -> Answer:
    """T4. A receipt's part is what it settles at its own rate; the difference is realised."""
    return _tied(Identity.RECEIVABLE, scope, roll, roll.moved)


class CreditBalanceRoll(Balances):
    """Credit that the company owes to customers."""

    credits_kept: Money
    """Credit notes that settled no invoice."""
    overpayments: Money
    applied: Money
    refunded: Money

    @property
    def moved(self) -> Money:
        """What the month's documents come to."""
        return self.credits_kept + self.overpayments - self.applied - self.refunded


def check_credit_balance(scope: Scope, roll: CreditBalanceRoll) -> Answer:
    """T5."""
    return _tied(Identity.CREDIT_BALANCE, scope, roll, roll.moved)


class UnappliedRoll(Balances):
    """Money that came in and settled nothing yet."""

    received: Money
    applied: Money
    refunded: Money

    @property
    def moved(self) -> Money:
        """What the month's documents come to."""
        return self.received - self.applied - self.refunded


def check_unapplied(scope: Scope, roll: UnappliedRoll) -> Answer:
    """T6."""
    return _tied(Identity.UNAPPLIED_CASH, scope, roll, roll.moved)


class ClearingRoll(Balances):
    """The clearing account of one billing account."""

    charges: Money
    refunds: Money
    disputes: Money
    fees: Money
    payouts: Money
    processor_balance: Money
    """As the processor tells it, at the same instant; with what it took off that the ledger does
    not have yet: payouts on their way, fees that come with a later payout."""

    @property
    def moved(self) -> Money:
        """What the month's documents come to."""
        return self.charges - self.refunds - self.disputes - self.fees - self.payouts


def check_clearing(scope: Scope, roll: ClearingRoll) -> Answer:
    """T8: by its movements, and against the processor."""
    pairs = [
        Pair(
            what="closing, against opening and the month's movements",
            expected=roll.opening + roll.moved,
            found=roll.closing,
            account=roll.account,
        ),
        Pair(
            what="the processor's balance, against the ledger's",
            expected=roll.processor_balance,
            found=roll.closing,
            account=roll.account,
        ),
    ]
    named = scope.model_copy(update={"account": roll.account})
    return compared(Identity.CLEARING, named, pairs)


class TaxRoll(Frozen):
    """Tax payable of one jurisdiction and return period."""

    account: str
    jurisdiction: str
    invoices: Money
    credits: Money
    bad_debt_relief: Money
    paid_over: Money
    movement: Money
    """Of the ledger's account: above nought where more is owed."""


def check_tax(scope: Scope, rolls: Sequence[TaxRoll]) -> Answer:
    """T10."""
    pairs = [
        Pair(
            what=f"tax of {one.jurisdiction}, against the account's movement",
            expected=one.invoices - one.credits - one.bad_debt_relief - one.paid_over,
            found=one.movement,
            account=one.account,
        )
        for one in rolls
    ]
    return compared(Identity.TAX, scope, pairs)
