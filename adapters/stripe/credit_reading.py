"""Credit notes as they are read back: sums, what became of the money, lines.

A note that was made in Stripe's own pages may have lines of its own wording (`custom_line_item`:
description, quantity, unit price), or an amount and no lines at all. Both name no line of the
invoice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.stripe import translate
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.money import Money

BY_AMOUNT = "Credit by amount"
"""Of a note that has no lines."""


def memo_of(
    account: str,
    row: translate.Data,
    lines: Sequence[translate.Data],
    keys: Mapping[str, str],
    *,
    is_preview: bool = False,
    rates: Mapping[str, str] | None = None,
) -> CreditMemo:
    """A credit note, or the preview of one. `keys`: by invoice line, the contract line; a line of
    its own wording has none yet. `rates`: by id of a tax rate, how it is called."""
    currency = translate.text(row, "currency").upper()

    def money(minor: int) -> Money:
        return Money.from_minor(minor, currency)

    gross, tax = translate.minor(row, "total"), _taxes(row, "total_taxes")
    unpaid = translate.minor(row, "pre_payment_amount")
    back = refunded(row) + minor_or_zero(row, "out_of_band_amount")
    forms = {
        CreditForm.OPEN_INVOICE: unpaid,
        CreditForm.REFUND: back,
        CreditForm.BALANCE: gross - unpaid - back,
    }
    issued = translate.day(row, "effective_at") or translate.day(row, "created")
    names = rates or {}
    return CreditMemo(
        ref=None
        if is_preview
        else translate.ref(account, "credit_note", translate.text(row, "id")),
        number="" if is_preview else translate.text(row, "number"),
        corrects=translate.ref(account, "invoice", translate.id_of(translate.at(row, "invoice"))),
        lines=tuple(_line(line, keys, names, currency) for line in lines)
        or _by_amount(row, names, currency),
        net=money(gross - tax),
        tax=money(tax),
        gross=money(gross),
        forms={form: money(minor) for form, minor in forms.items() if minor},
        issue_date=issued,
    )


def _line(
    line: translate.Data, keys: Mapping[str, str], names: Mapping[str, str], currency: str
) -> CreditMemoLine:
    named = translate.text(line, "invoice_line_item")
    net = (
        translate.minor(line, "amount")
        - translate.minor(line, "discount_amount")
        - _inclusive(line, "taxes")
    )
    made = CreditMemoLine(
        line_key=keys.get(named, ""),
        net=Money.from_minor(net, currency),
        tax=Money.from_minor(_taxes(line, "taxes"), currency),
    )
    if named:
        return made
    return made.model_copy(
        update={
            "wording": translate.text(line, "description") or BY_AMOUNT,
            "tax_rate": ",".join(_rate(tax, names) for tax in translate.rows(line, "taxes")),
        }
    )


def _by_amount(
    row: translate.Data, names: Mapping[str, str], currency: str
) -> tuple[CreditMemoLine, ...]:
    """Of each tax what it was given back on, and the rest without tax."""
    net = translate.minor(row, "total") - _taxes(row, "total_taxes")
    parts = []
    for tax in translate.rows(row, "total_taxes"):
        base = translate.minor(tax, "taxable_amount")
        parts.append((base, translate.minor(tax, "amount"), _rate(tax, names)))
    rest = net - sum(base for base, _, _ in parts)
    if rest < 0:
        raise translate.drift("total_taxes.taxable_amount")
    if rest:
        parts.append((rest, 0, ""))
    return tuple(
        CreditMemoLine(
            line_key="",
            net=Money.from_minor(base, currency),
            tax=Money.from_minor(tax, currency),
            wording=BY_AMOUNT,
            tax_rate=rate,
        )
        for base, tax, rate in parts
    )


def _rate(tax: translate.Data, names: Mapping[str, str]) -> str:
    rate = translate.tax_rate(tax)
    return names.get(rate, rate)


def _taxes(of: translate.Data, name: str) -> int:
    return sum(translate.minor(tax, "amount") for tax in translate.rows(of, name))


def _inclusive(of: translate.Data, name: str) -> int:
    return sum(
        translate.minor(tax, "amount")
        for tax in translate.rows(of, name)
        if translate.text(tax, "tax_behavior") == "inclusive"
    )


def refunded(row: translate.Data) -> int:
    """What went back of the payments, in minor units."""
    return sum(translate.minor(one, "amount_refunded") for one in translate.rows(row, "refunds"))


def minor_or_zero(row: translate.Data, name: str) -> int:
    """An amount that may be missing."""
    value = row.get(name)
    return value if isinstance(value, int) else 0
