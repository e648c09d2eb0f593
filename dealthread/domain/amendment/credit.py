"""The credit for a billed item's unused part, and its form by state of payment."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from dealthread.domain.amendment.billed import BilledItem, Credited, CreditForm, Settlement
from dealthread.domain.amendment.proration import part_price
from dealthread.domain.base import Frozen
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import CreditBasis, PaidCredit
from dealthread.domain.periods.moment import Span
from dealthread.domain.rounding import exact
from dealthread.domain.working import Working, worked


class Credit(Frozen):
    """A credit and the item as it is afterwards."""

    amount: Money
    """Positive."""
    span: Span
    settlements: tuple[Settlement, ...]
    item: BilledItem
    working: Working


def credit_for(
    item: BilledItem,
    part: Span,
    convention: Convention,
    *,
    price_now: UnitPrice | None = None,
    quantity_now: Decimal | None = None,
) -> Credit:
    """The credit for a part of an item that is not credited yet.

    By what was billed, a part of the billed amount; by the current price, a part of that. Never
    more than is left on the item (Kill Bill: "repair"); where the billed item is given back in
    full, exactly its amount. What is unpaid is reduced first, by a credit memo that names the
    invoice; the rest was paid and becomes balance or refund.
    """
    asked = _asked(item, part, convention, price_now, quantity_now)
    amount = min(asked, item.left)
    working = worked(
        f"credit of {item.item_key}",
        "the billed amount, at most what is left"
        if _gives_all_back(item, part, convention)
        else "quantity × price × share, at most what is left",
        -amount,
        source=convention.name,
        quantity=item.quantity if quantity_now is None else quantity_now,
        price=price_now or item.unit_price,
        part=part,
        share=item.period.share(convention, part),
        billed=item.amount,
        left=item.left,
    )
    settlements = _settlements(item, amount, convention)
    reduced = sum(
        (one.amount.amount for one in settlements if one.form is not _paid_form(convention)),
        Decimal(0),
    )
    after = item.model_copy(
        update={
            "credits": (*item.credits, Credited(amount=amount, span=part)),
            "unpaid": item.unpaid - Money.of(reduced, amount.currency),
        }
    )
    return Credit(amount=amount, span=part, settlements=settlements, item=after, working=working)


def _asked(
    item: BilledItem,
    part: Span,
    convention: Convention,
    price_now: UnitPrice | None,
    quantity_now: Decimal | None,
) -> Money:
    if convention.credit_basis is CreditBasis.CURRENT_PRICE:
        price = price_now or item.unit_price
        quantity = item.quantity if quantity_now is None else quantity_now
        return part_price(part, item.period, price, quantity, convention)
    if _gives_all_back(item, part, convention):
        return item.amount
    listed = part_price(item.span, item.period, item.unit_price, item.quantity, convention)
    # Billed at something else than price × quantity (a discount): the same part of what it was.
    factor = Fraction(1)
    if listed != item.amount and listed:
        factor = exact(item.amount) / exact(listed)
    return part_price(part, item.period, item.unit_price, item.quantity, convention, factor)


def _gives_all_back(item: BilledItem, part: Span, convention: Convention) -> bool:
    return part == item.span and convention.credit_basis is CreditBasis.BILLED


def _paid_form(convention: Convention) -> CreditForm:
    return CreditForm.REFUND if convention.paid_credit is PaidCredit.REFUND else CreditForm.BALANCE


def _settlements(item: BilledItem, amount: Money, convention: Convention) -> tuple[Settlement, ...]:
    if not item.is_issued:
        return (Settlement(form=CreditForm.WITHDRAWN, amount=amount),) if amount else ()
    memo = min(amount, item.unpaid)
    parts = ((CreditForm.CREDIT_MEMO, memo), (_paid_form(convention), amount - memo))
    return tuple(
        Settlement(form=form, amount=part, invoice=item.invoice) for form, part in parts if part
    )
