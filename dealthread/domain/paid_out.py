"""Payments that a payout contains, and payouts that are not in the ledger's currency alone.

A payment stands on the clearing account at what the ledger carried it at on its value date. A
payout takes it off at that, whatever the processor made of it since: what came to the bank is the
processor's own amount, or, in another currency than the ledger's, that amount at the ledger's own
rate of its arrival. What the two differ by is realised (IAS 21.28; docs/adr/0032).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.credit_sharing import largest_remainder
from dealthread.domain.documents import DocumentKey
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.payout import (
    CASE,
    CLEARING,
    MovementKind,
    Payout,
    PayoutAccounts,
    Posted,
)
from dealthread.domain.revenue.journal import Side
from dealthread.errors import StepRejected

REALISED = "7000"
"""Exchange differences."""


class PaidOutPayment(Carried):
    """One payment in a payout; `amount` and `fee` in the currency of the payout."""

    payment: str
    """The processor's id of the payment."""
    amount: Money
    fee: Money
    """Kept by the processor; above nought is a cost."""
    original: Money
    """As the customer paid it: of one that was not converted the same as `amount`."""


class KnownPayment(Carried):
    """A payment of the processor, or the part of one, that pays an invoice of ours."""

    payment: str
    amount: Money
    """What of it is for the invoice, as the customer paid it."""
    native_id: str
    """The biller's id of it, as subscribers were told of its success."""
    contract_key: str
    customer_key: str
    invoice_id: str
    invoice_number: str
    carried: Money | None = None
    """What the clearing account has of it, in the ledger's currency; None until it is posted."""


class Cleared(Carried):
    """Payments of one currency that a payout takes off the clearing account."""

    original: Money
    carried: Money
    """At what the ledger carries them."""
    count: int


class ForeignPayout(Carried):
    """The document of such a payout before the ledger's own rate is known: amounts in the currency
    of the payout."""

    document_key: DocumentKey
    company: str
    posting_date: date
    description: str
    bank: Money
    fees: Money
    adjustments: Money
    cleared: tuple[Cleared, ...]
    accounts: PayoutAccounts


def is_foreign(payout: Payout, ledger_currency: CurrencyCode) -> bool:
    """Whether something in it is of another currency than the ledger's."""
    return payout.amount.currency != ledger_currency or bool(payout.converted)


def foreign_payout(
    payout: Payout,
    paid: Iterable[PaidOutPayment],
    known: Mapping[str, Sequence[KnownPayment]],
    ledger_currency: CurrencyCode,
    at: Posted,
    accounts: PayoutAccounts,
) -> ForeignPayout:
    """Call `payout.check` first. Raises StepRejected for a payment of which the ledger's amount is
    not known, and where the payments are not the payout's charges."""
    zero = Money.zero(payout.amount.currency)
    charged, found = zero, dict[str, Cleared]()
    for one in paid:
        charged = charged + one.amount
        carried = _carried(one, known, ledger_currency)
        had = found.get(one.original.currency)
        found[one.original.currency] = Cleared(
            original=one.original + had.original if had else one.original,
            carried=carried + had.carried if had else carried,
            count=1 + (had.count if had else 0),
        )
    fees = adjustments = zero
    for moved in payout.movements:
        fees = fees + moved.fee
        if moved.kind is MovementKind.FEE:
            fees = fees - moved.amount
        elif moved.kind is MovementKind.ADJUSTMENT:
            adjustments = adjustments - moved.amount
        elif moved.kind is MovementKind.CHARGE:
            charged = charged - moved.amount
    if charged:
        raise StepRejected(
            "payments_are_not_its_charges", case_kind=CASE, field="amount", differ=str(charged)
        )
    return ForeignPayout(
        document_key=at.document_key,
        company=at.company,
        posting_date=payout.arrival_date,
        description=f"Payout {payout.ref.native_id}",
        bank=payout.amount,
        fees=fees,
        adjustments=adjustments,
        cleared=tuple(found[currency] for currency in sorted(found)),
        accounts=accounts,
    )


def _carried(
    one: PaidOutPayment,
    known: Mapping[str, Sequence[KnownPayment]],
    ledger_currency: CurrencyCode,
) -> Money:
    """Of all invoices that it pays: what is not on record of it whole is nobody's to guess."""
    if one.original.currency == ledger_currency:
        return one.original
    parts = known.get(one.payment, ())
    carried = [part.carried for part in parts if part.carried is not None]
    whole = Money.total((part.amount for part in parts), one.original.currency)
    if len(carried) != len(parts) or whole != one.original:
        raise StepRejected(
            "payment_not_in_the_ledger",
            case_kind=CASE,
            field="payment",
            payment=one.payment,
            amount=str(one.original),
        )
    return Money.total(carried, ledger_currency)


class SettledPart(Carried):
    """What of a payment's settlement is for one invoice, in the currency of the payout."""

    known: KnownPayment
    amount: Money
    fee: Money


def settled_parts(one: PaidOutPayment, parts: Sequence[KnownPayment]) -> tuple[SettledPart, ...]:
    """By invoice, amount and fee in proportion to what each got of it, to the cent; what pays
    none of ours is left out."""
    zero = Money.zero(one.original.currency)
    weights = {part.native_id: part.amount for part in parts}
    # What of it pays no invoice of ours takes its share too.
    weights[""] = max(one.original - Money.total(weights.values(), zero.currency), zero)
    amounts = largest_remainder(one.amount, weights)
    fees = largest_remainder(one.fee, weights)
    nought = Money.zero(one.amount.currency)
    return tuple(
        SettledPart(
            known=part,
            amount=amounts.get(part.native_id, nought),
            fee=fees.get(part.native_id, nought),
        )
        for part in parts
    )


def entry_of(payout: ForeignPayout, rate: LedgerRate | None, own: CurrencyCode) -> LedgerJournal:
    """The entry, at the ledger's rate of the day where the payout is in another currency."""

    def line(account: str, signed: Money, text: str) -> EntryLine:
        amount = signed if rate is None else rate.of(signed)
        return _line(account, amount, None if rate is None else signed, text)

    accounts = payout.accounts
    lines = [
        line(accounts.bank, payout.bank, "paid out"),
        line(accounts.fees, payout.fees, "processing fees"),
        line(accounts.adjustments, payout.adjustments, "adjustments"),
    ]
    for one in payout.cleared:
        document = one.original if one.original.currency != own else None
        lines.append(
            _line(
                CLEARING,
                -one.carried,
                None if document is None else -document,
                f"charges ({one.count})",
            )
        )
    off = Money.total((one.signed for one in lines), own)
    lines.append(_line(REALISED, -off, None, "realised exchange difference"))
    return LedgerJournal(
        document_key=payout.document_key,
        company=payout.company,
        posting_date=payout.posting_date,
        description=payout.description,
        lines=tuple(one for one in lines if one.amount or one.document_amount),
    )


def _line(account: str, signed: Money, document: Money | None, text: str) -> EntryLine:
    """Debit above nought."""
    side = Side.DEBIT if signed.amount >= 0 else Side.CREDIT
    return EntryLine(
        account=account,
        side=side,
        amount=abs(signed),
        document_amount=None if document is None else abs(document),
        text=text,
    )
