"""Drafts that change: their charges are kept until they are finalised, and composed anew.

docs.stripe.com/invoicing/overview#draft: almost any detail of a draft can be changed. Its money is
always computed by the function that made it (`billing.draft`), from the charges kept here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dealthread.simulators.stripe.catalogue.discounting import Discount
from dealthread.simulators.stripe.catalogue.rating import Part
from dealthread.simulators.stripe.customers import balance
from dealthread.simulators.stripe.invoices.bill import LINES_SHOWN, Bill, Payer, draft
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.invoices.packing import pack, unpack
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.listing import envelope
from dealthread.simulators.stripe.world import Context

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Bill, Charge, Discount, Part, Payer)
}
# What follows from the charges; everything else of a draft stays as it is.
_COMPOSED = (
    "discounts",
    "subtotal",
    "subtotal_excluding_tax",
    "total",
    "total_discount_amounts",
    "total_excluding_tax",
    "total_pretax_credit_amounts",
    "total_taxes",
)
# A charge of a draft with the id of its line; None for a line that is new.
Entry = tuple[Charge, str | None]


def remember(ctx: Context, bill: Bill) -> None:
    """Keep what a draft was made of."""
    ctx.account.secret(bill.invoice_id)["bill"] = pack(bill)


def forget(ctx: Context, invoice: Json) -> None:
    """A finalised invoice is not composed again."""
    ctx.account.secret(invoice["id"]).pop("bill", None)


def entries(ctx: Context, invoice: Json) -> list[Entry]:
    """The charges of a draft with the ids of their lines, in the order of the lines."""
    hidden = ctx.account.secret(invoice["id"])
    charges = _bill(hidden).charges
    return [(charge, line["id"]) for charge, line in zip(charges, hidden["lines"], strict=True)]


def compose(
    ctx: Context,
    invoice: Json,
    wanted: Sequence[Entry],
    *,
    default_tax_rates: Sequence[Json] | None = None,
    discounts: Sequence[Discount] | None = None,
) -> None:
    """Make the lines and the money of a draft anew from these charges."""
    hidden = ctx.account.secret(invoice["id"])
    bill = replace(_bill(hidden), charges=[charge for charge, _ in wanted])
    if default_tax_rates is not None:
        bill = replace(bill, default_tax_rates=list(default_tax_rates))
    if discounts is not None:
        bill = replace(bill, discounts=list(discounts))
    made, lines = draft(ctx, bill)
    for line, (_, line_id) in zip(lines, wanted, strict=True):
        line["id"] = line_id or line["id"]
    hidden["bill"] = pack(bill)
    hidden["lines"] = lines
    for name in _COMPOSED:
        invoice[name] = made[name]
    invoice["default_tax_rates"] = made["default_tax_rates"]
    invoice["lines"] = envelope(
        lines[:LINES_SHOWN], invoice["lines"]["url"], has_more=len(lines) > LINES_SHOWN
    )
    balance.show_in_draft(invoice, ctx.get("customer", invoice["customer"])["balance"])


def _bill(hidden: Json) -> Bill:
    bill: Bill = unpack(hidden["bill"], _KINDS)
    return bill
