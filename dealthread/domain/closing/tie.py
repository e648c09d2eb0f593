"""What an identity of facts/domain.md §6 answers: both sides, and each part that differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from pydantic import computed_field

from dealthread.domain.base import Carried, Frozen
from dealthread.domain.money import ExactDecimal, Money


class Identity(StrEnum):
    """Sums that must agree to the cent. The value is the name in facts/domain.md §6."""

    SOLD = "T1"
    REMAINING = "T2"
    DEFERRED = "T3"
    RECEIVABLE = "T4"
    CREDIT_BALANCE = "T5"
    UNAPPLIED_CASH = "T6"
    CUSTOMERS = "T7"
    CLEARING = "T8"
    PAYOUTS = "T9"
    TAX = "T10"
    CONTROL_ACCOUNTS = "T11"
    BILLED_AND_POSTED = "T12"
    ARR = "T13"
    SCHEDULES = "T14"
    NUMBERS = "T15"


TITLES = {
    Identity.SOLD: "Sold is billed or to be billed",
    Identity.REMAINING: "What is sold and not recognised is deferred or to be billed",
    Identity.DEFERRED: "Deferred revenue moved by bills and recognition",
    Identity.RECEIVABLE: "Receivables moved by invoices, credits, receipts and write-offs",
    Identity.CREDIT_BALANCE: "Customer credit moved by credits and their use",
    Identity.UNAPPLIED_CASH: "Unapplied cash moved by receipts and their use",
    Identity.CUSTOMERS: "What each customer was invoiced is paid, given up or open",
    Identity.CLEARING: "The processor's clearing account is the processor's balance",
    Identity.PAYOUTS: "Each payout is its transactions and the bank's line",
    Identity.TAX: "Tax payable moved by invoices, credits and relief",
    Identity.CONTROL_ACCOUNTS: "Each control account is the sum of its documents",
    Identity.BILLED_AND_POSTED: "What was billed is posted, document by document",
    Identity.ARR: "Annual recurring revenue moved by changes that are known",
    Identity.SCHEDULES: "Each revenue schedule comes to what was sold",
    Identity.NUMBERS: "No invoice number is missing or used twice",
}


class Untied(Carried):
    """One part of an identity that differs, and whose it is."""

    what: str
    """What was compared, in words."""
    expected: ExactDecimal
    found: ExactDecimal
    currency: str = ""
    """"" where documents are counted, not money."""
    contract_key: str = ""
    customer_key: str = ""
    account: str = ""
    document: str = ""
    cause: str = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def off(self) -> Decimal:
        """Found less expected."""
        return self.found - self.expected


class Answer(Carried):
    """Whether an identity holds for a legal entity and currency."""

    identity: Identity
    seller: str
    currency: str = ""
    """"" where documents are counted, not money."""
    account: str = ""
    """Account, billing account or series, where the identity is of one."""
    compared: int
    """Parts that were compared. Of none it says nothing."""
    expected: ExactDecimal
    found: ExactDecimal
    differences: tuple[Untied, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_tied(self) -> bool:
        """Whether both sides agree, in sum and in every part."""
        return self.expected == self.found and not self.differences


class Pair(Frozen):
    """Two amounts that must be the same, and whose they are."""

    what: str
    expected: Money
    found: Money
    contract_key: str = ""
    customer_key: str = ""
    account: str = ""
    document: str = ""
    cause: str = ""


class Scope(Frozen):
    """Whose identity: one legal entity, one currency."""

    seller: str
    currency: str
    account: str = ""


def compared(
    identity: Identity, scope: Scope, pairs: Sequence[Pair], more: Iterable[Untied] = ()
) -> Answer:
    """The answer of these pairs; `more` differs without being a sum."""
    return Answer(
        identity=identity,
        seller=scope.seller,
        currency=scope.currency,
        account=scope.account,
        compared=len(pairs),
        expected=Money.total((one.expected for one in pairs), scope.currency).amount,
        found=Money.total((one.found for one in pairs), scope.currency).amount,
        differences=(*(_untied(one) for one in pairs if one.expected != one.found), *more),
    )


def _untied(pair: Pair) -> Untied:
    return Untied(
        what=pair.what,
        expected=pair.expected.amount,
        found=pair.found.amount,
        currency=pair.expected.currency,
        contract_key=pair.contract_key,
        customer_key=pair.customer_key,
        account=pair.account,
        document=pair.document,
        cause=pair.cause,
    )
