"""A payout of the processor: what it consists of, and the entries that the ledger gets of it.

What customers paid stands on the processor's clearing account until it is paid out. A payout is
the sum of everything that moved on the processor's balance since the one before; its document
takes each kind of movement off the clearing account as a line of its own, the processor's fees to
expense, and what arrived to the bank (facts/domain.md §5, "Payout"; §9.8 of D1).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from dealthread.domain.base import Carried, Frozen, Ref
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.revenue.journal import Side
from dealthread.errors import StepRejected

CASE = "cash.payout_mismatch"
CLEARING = "1050"
"""Where payments by card wait for their payout."""


class PayoutStatus(StrEnum):
    """Where a payout stands at the processor."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    """The bank sent it back; it may have counted as paid before."""
    CANCELLED = "cancelled"


class MovementKind(StrEnum):
    """What moved on the processor's balance."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    """Withdrawn for a dispute, or given back after one that was won."""
    FEE = "fee"
    """A fee that is no part of another movement."""
    ADJUSTMENT = "adjustment"
    RETURNED = "returned"
    """An earlier payout that came back, and is paid out again."""
    UNKNOWN = "unknown"
    """Nobody has said which account it goes to."""


_AT_A_RATE = (MovementKind.CHARGE, MovementKind.FEE, MovementKind.ADJUSTMENT)
"""Kinds of which the ledger's amount follows in a foreign payout (`paid_out.py`): what a payment is
carried at is on record, fees and corrections are of the day."""


class Movements(Carried):
    """All movements of one kind in a payout. Above nought is towards us."""

    kind: MovementKind
    count: int
    amount: Money
    fee: Money
    """Kept by the processor; above nought is a cost."""
    vendor_kinds: tuple[str, ...] = ()
    """The processor's own words, for people."""

    @property
    def net(self) -> Money:
        """What they add to the balance."""
        return self.amount - self.fee


class Payout(Carried):
    """One payout of one billing account."""

    ref: Ref
    status: PayoutStatus
    amount: Money
    """What goes to the bank; below nought it is taken from there."""
    arrival_date: date
    is_automatic: bool
    """Only of one that follows the schedule does the processor tell what is in it."""
    is_itemised: bool
    """The processor has finished telling what is in it."""
    movements: tuple[Movements, ...] = ()
    converted: str = ""
    """Id of a movement in another currency than the payout, if there is one."""
    converted_kinds: tuple[MovementKind, ...] = ()
    """Of what was converted."""
    failure_code: str = ""
    returned_on: date | None = None
    """Of one that failed or was cancelled: when the processor took it back."""

    @property
    def is_returned(self) -> bool:
        """Whether the money did not stay at the bank."""
        return self.status in (PayoutStatus.FAILED, PayoutStatus.CANCELLED)


class PayoutAccounts(Frozen):
    """Where a billing account's payouts are posted to."""

    bank: str = "1000"
    fees: str = "6600"
    adjustments: str = "6600"
    """Corrections by the processor that belong to no payment."""


def check(payout: Payout, ledger_currency: CurrencyCode) -> None:
    """Raises StepRejected where the payout cannot be posted as it is: a person has to look."""
    refused = left_to_people(payout, ledger_currency)
    if refused is not None:
        raise refused
    total = Money.total((one.net for one in payout.movements), payout.amount.currency)
    if total != payout.amount:
        raise _refused(
            "payout_is_not_its_movements",
            "amount",
            payout=str(payout.amount),
            movements=str(total),
        )


_ITS_RETURN = "its return"
"""In place of the kinds of what is in it."""


def left_to_people(payout: Payout, ledger_currency: CurrencyCode) -> StepRejected | None:
    """Why a person books a payout by hand; None where its entry follows from what is in it."""
    if not payout.is_automatic:
        return _refused("manual_payout", "automatic")
    if payout.amount.currency != ledger_currency:
        not_carried = [one.kind for one in payout.movements if one.kind not in _AT_A_RATE]
        if payout.is_returned or not_carried:
            return _refused(
                "payout_in_another_currency",
                "currency",
                payout=payout.amount.currency,
                ledger=ledger_currency,
                kinds=", ".join(not_carried) or _ITS_RETURN,
            )
    if payout.converted:
        kinds = [one for one in payout.converted_kinds if one not in _AT_A_RATE]
        if payout.is_returned or kinds or not payout.converted_kinds:
            return _refused(
                "movement_was_converted",
                "exchange_rate",
                movement=payout.converted,
                kinds=", ".join(kinds) or (_ITS_RETURN if payout.is_returned else ""),
            )
    for one in payout.movements:
        if one.kind is MovementKind.UNKNOWN:
            return _refused("movement_unknown", "type", kinds=", ".join(one.vendor_kinds))
    return None


def _refused(code: str, field: str, **evidence: str) -> StepRejected:
    return StepRejected(code, case_kind=CASE, field=field, **evidence)


class Posted(Frozen):
    """Under which keys and at which company a payout's documents are kept."""

    document_key: str
    company: str


def settlement_of(payout: Payout, at: Posted, accounts: PayoutAccounts) -> LedgerJournal | None:
    """The document of a payout, by line: the bank, each kind of movement, the fees. None where
    nothing moved at all. Call `check` first."""
    lines = [_line(accounts.bank, payout.amount, "paid out")]
    fees = Money.zero(payout.amount.currency)
    for one in payout.movements:
        what = f"{one.kind} ({one.count})"
        if one.kind is MovementKind.DISPUTE:
            # The dispute's own document bears its fee.
            lines.append(_line(CLEARING, -one.net, what))
            continue
        fees = fees + one.fee
        if one.kind is MovementKind.FEE:
            fees = fees - one.amount
        elif one.kind is MovementKind.ADJUSTMENT:
            lines.append(_line(accounts.adjustments, -one.amount, what))
        else:
            lines.append(_line(CLEARING, -one.amount, what))
    lines.append(_line(accounts.fees, fees, "processing fees"))
    moved = tuple(line for line in lines if line.amount)
    if not moved:
        return None
    return LedgerJournal(
        document_key=at.document_key,
        company=at.company,
        # One that fails before it arrives never was at the bank later than that.
        posting_date=min(payout.arrival_date, payout.returned_on or payout.arrival_date),
        description=f"Payout {payout.ref.native_id}",
        lines=moved,
    )


def return_of(payout: Payout, at: Posted, accounts: PayoutAccounts) -> LedgerJournal | None:
    """The document of a payout that came back: the bank's part is undone and stands on the
    clearing account again, from which a later payout takes it. Fees were kept all the same, so
    the first document is not reversed as a whole."""
    if not payout.is_returned or not payout.amount:
        return None
    day = payout.returned_on
    if day is None:
        raise _refused("returned_without_a_date", "failure_balance_transaction")
    return LedgerJournal(
        document_key=at.document_key,
        company=at.company,
        posting_date=day,
        description=f"Payout {payout.ref.native_id} returned",
        lines=(
            _line(CLEARING, payout.amount, payout.failure_code or payout.status),
            _line(accounts.bank, -payout.amount, payout.failure_code or payout.status),
        ),
    )


def _line(account: str, signed: Money, text: str) -> EntryLine:
    """Debit above nought."""
    side = Side.DEBIT if signed.amount >= 0 else Side.CREDIT
    return EntryLine(account=account, side=side, amount=abs(signed), text=text)


class MovementSums(Frozen):
    """Adds movements up by kind; a payout may have thousands."""

    found: dict[MovementKind, Movements] = {}

    def plus(self, kind: MovementKind, amount: Money, fee: Money, vendor: str) -> MovementSums:
        """With one movement more."""
        zero = Money.zero(amount.currency)
        had = self.found.get(kind) or Movements(kind=kind, count=0, amount=zero, fee=zero)
        words = had.vendor_kinds if vendor in had.vendor_kinds else (*had.vendor_kinds, vendor)
        now = Movements(
            kind=kind,
            count=had.count + 1,
            amount=had.amount + amount,
            fee=had.fee + fee,
            vendor_kinds=words,
        )
        return MovementSums(found={**self.found, kind: now})

    def with_all(self, movements: Iterable[Movements]) -> MovementSums:
        """With others that are summed already."""
        found = dict(self.found)
        for one in movements:
            had = found.get(one.kind)
            found[one.kind] = (
                one
                if had is None
                else Movements(
                    kind=one.kind,
                    count=had.count + one.count,
                    amount=had.amount + one.amount,
                    fee=had.fee + one.fee,
                    vendor_kinds=tuple(dict.fromkeys((*had.vendor_kinds, *one.vendor_kinds))),
                )
            )
        return MovementSums(found=found)

    def all(self) -> tuple[Movements, ...]:
        """In the order of the kinds."""
        return tuple(self.found[kind] for kind in MovementKind if kind in self.found)
