"""Which invoice lines a credit is given on, and what becomes of its money. Pure.

A credit names the invoice that billed the line for the span. What that invoice has not left goes
to others that billed the line; where none has anything left, the credit is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from stripe.params import CreditNoteCreateParams
from stripe.params._credit_note_create_params import CreditNoteCreateParamsLine

from adapters.stripe import translate
from adapters.stripe.change_requests import CHANGE
from adapters.stripe.credit_reading import minor_or_zero, refunded
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.money import Money
from dealthread.outcome import Rejected
from dealthread.ports.billing import CreditLine

REFUSED = "billing.rejected"
StripeReason = Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"]


@dataclass(frozen=True)
class BilledLine:
    """A line of an invoice with what earlier credits left of it. Amounts in minor units."""

    invoice: str
    native_id: str
    line_key: str
    start: date
    end: date
    amount: int
    noted: int
    """Credited by credit notes: the tax of a further credit goes on from there."""
    taxes: tuple[int, ...]

    def tax_of(self, net: int) -> int:
        """Tax of a further credit, so that all credits together give back the line's tax."""
        before, after = self.noted, self.noted + net
        return sum(
            _share(tax, after, self.amount) - _share(tax, before, self.amount) for tax in self.taxes
        )

    def at_most(self, wanted: int, room: int) -> int:
        """The part of a net amount whose total fits into what the invoice has left."""
        net = max(0, min(wanted, self.amount - self.noted))
        if net + self.tax_of(net) > room:
            net = room * self.amount // (self.amount + sum(self.taxes))
            while net > 0 and net + self.tax_of(net) > room:
                net -= 1
        return net


@dataclass(frozen=True)
class Part:
    """An amount of one invoice line."""

    line: BilledLine
    net: int

    @property
    def tax(self) -> int:
        """As the line was taxed."""
        return self.line.tax_of(self.net)


@dataclass(frozen=True)
class Note:
    """One credit note to be: all parts of one invoice."""

    invoice: str
    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """With tax."""
        return sum(part.net + part.tax for part in self.parts)


def billed_lines(
    invoice: translate.Data, lines: Sequence[translate.Data], keys: translate.LineKeys
) -> list[BilledLine]:
    """The charges of an invoice, as if nothing were credited."""
    found = []
    for line in lines:
        start, end = translate.day(line, "period", "start"), translate.day(line, "period", "end")
        amount = translate.minor(line, "amount")
        if amount <= 0 or start is None or end is None:
            continue
        found.append(
            BilledLine(
                invoice=translate.text(invoice, "id"),
                native_id=translate.text(line, "id"),
                line_key=keys.of(line),
                start=start,
                end=end,
                amount=amount,
                noted=0,
                taxes=tuple(
                    translate.minor(tax, "amount") for tax in translate.rows(line, "taxes")
                ),
            )
        )
    return found


def less(lines: Iterable[BilledLine], noted: Mapping[str, int]) -> list[BilledLine]:
    """The lines with what credit notes took of them."""
    return [replace(line, noted=noted.get(line.native_id, 0)) for line in lines]


def allocated(
    credits: Iterable[CreditLine],
    own: Mapping[str, int],
    lines: Sequence[BilledLine],
    rooms: Mapping[str, int],
) -> list[Note] | Rejected:
    """What is still to be credited, on which invoices. `own`: by line, what notes of this very
    change gave already. `rooms`: by invoice, its total less all notes; an invoice whose charges
    stand beside credits of a proration has less to give than its lines."""
    given, rest, taken = dict(own), dict(rooms), dict[str, int]()
    for credit in credits:
        wanted = credit.net.to_minor()
        done = min(wanted, given.get(credit.line_key, 0))
        given[credit.line_key] = given.get(credit.line_key, 0) - done
        wanted -= done
        for line in _preferred(credit, lines):
            before = taken.get(line.native_id, 0)
            open_line = replace(line, noted=line.noted + before)
            part = open_line.at_most(wanted, rest[line.invoice])
            if part > 0:
                taken[line.native_id] = before + part
                rest[line.invoice] -= part + open_line.tax_of(part)
                wanted -= part
        if wanted:
            missing = Money.from_minor(wanted, credit.net.currency)
            return Rejected(
                REFUSED,
                "credit_exceeds_what_was_billed",
                "credits",
                {"line_key": credit.line_key, "missing": str(missing.amount)},
            )
    notes: dict[str, list[Part]] = {}
    for line in lines:
        if line.native_id in taken:
            notes.setdefault(line.invoice, []).append(Part(line, taken[line.native_id]))
    return [Note(invoice, tuple(parts)) for invoice, parts in notes.items()]


def _preferred(credit: CreditLine, lines: Sequence[BilledLine]) -> list[BilledLine]:
    """Those that billed the span first, the latest of them before earlier ones: after a change
    within a period it is the change's invoice that billed the rest of it."""
    ours = [line for line in lines if line.line_key == credit.line_key]
    newest = sorted(ours, key=lambda line: line.start, reverse=True)
    return sorted(newest, key=lambda line: not _meets(credit, line))


def _meets(credit: CreditLine, line: BilledLine) -> bool:
    return line.start < credit.span_end and credit.span_start < line.end


def _share(part: int, net: int, whole: int) -> int:
    return int((Decimal(part) * net / whole).quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True)
class GivenBack:
    """What earlier credit notes of an invoice gave back of its payments. Minor units."""

    on_stripe: int = 0
    elsewhere: int = 0

    def and_of(self, note: translate.Data) -> GivenBack:
        """With another note."""
        return GivenBack(
            self.on_stripe + refunded(note),
            self.elsewhere + minor_or_zero(note, "out_of_band_amount"),
        )


def params_of(
    note: Note,
    invoice: translate.Data,
    metadata: dict[str, str],
    *,
    refund: bool,
    given: GivenBack,
    reason: StripeReason | None = "order_change",
) -> CreditNoteCreateParams:
    """What was not paid lowers the invoice; the rest goes to the balance or back. What was paid
    outside of Stripe is given back outside of it, and nothing is given back twice."""
    lines: list[CreditNoteCreateParamsLine] = [
        {"type": "invoice_line_item", "invoice_line_item": p.line.native_id, "amount": p.net}
        for p in note.parts
    ]
    params: CreditNoteCreateParams = {
        "invoice": note.invoice,
        "lines": lines,
        "metadata": metadata,
    }
    if reason is not None:
        params["reason"] = reason
    paid = max(0, note.total - translate.minor(invoice, "amount_remaining"))
    off_stripe = minor_or_zero(invoice, "amount_paid_off_stripe")
    on_stripe = translate.minor(invoice, "amount_paid") - off_stripe - given.on_stripe
    elsewhere = min(paid, max(0, off_stripe - given.elsewhere)) if refund else 0
    back = min(paid - elsewhere, max(0, on_stripe)) if refund else 0
    if back:
        params["refund_amount"] = back
    if elsewhere:
        params["out_of_band_amount"] = elsewhere
    if paid - back - elsewhere:
        # Paid from the customer's balance, or to be kept for the next invoices.
        params["credit_amount"] = paid - back - elsewhere
    return params


def memo_to_be(account: str, note: Note, currency: str, *, refund: bool, paid: int) -> CreditMemo:
    """Of an invoice that is still a draft: it cannot be previewed, so it is counted here."""

    def money(minor: int) -> Money:
        return Money.from_minor(minor, currency)

    after = min(note.total, paid)
    forms = {
        CreditForm.OPEN_INVOICE: note.total - after,
        (CreditForm.REFUND if refund else CreditForm.BALANCE): after,
    }
    return CreditMemo(
        corrects=translate.ref(account, "invoice", note.invoice),
        lines=tuple(
            CreditMemoLine(line_key=p.line.line_key, net=money(p.net), tax=money(p.tax))
            for p in note.parts
        ),
        net=money(sum(part.net for part in note.parts)),
        tax=money(sum(part.tax for part in note.parts)),
        gross=money(note.total),
        forms={form: money(minor) for form, minor in forms.items() if minor},
    )


def is_of(row: translate.Data, act: str) -> bool:
    """Whether a credit note was made by this change."""
    return (
        bool(act)
        and translate.mark(row, CHANGE) == act
        and translate.text(row, "status") == "issued"
    )
