"""What a credit note would be: its lines, its sums, and whether there is room for it.

Sources: docs.stripe.com/invoicing/dashboard/credit-notes (the sum of all notes never exceeds the
invoice) and the docstring of `CreditNote.create` (stripe 16.1): refunds made apart from credit
notes lower what can be credited. A preview and the note itself come from here. Minor units.
"""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.simulators.stripe.invoices import credit_lines
from dealthread.simulators.stripe.invoices.bill import LINES_SHOWN
from dealthread.simulators.stripe.payments import charges, invoice_payments, refunds
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import envelope
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "credit_note"
RELATION = "credit_note.invoice"
_PLACES = ("credit_amount", "refund_amount", "out_of_band_amount")
_TOO_MUCH = "The sum of credit notes cannot exceed the amount of the invoice."


def build(ctx: Context, params: Json) -> tuple[Json, credit_lines.Builder]:
    """The note that these parameters ask for, and its lines; nothing is kept."""
    invoice = ctx.get("invoice", params["invoice"], param="invoice")
    if invoice["status"] not in ("open", "paid"):
        raise StripeError.refused(
            f"You cannot create a credit note for an invoice that is {invoice['status']}.",
            param="invoice",
        )
    issued = [note for note in _notes_of(ctx, invoice) if note["status"] == "issued"]
    builder = _lines_of(ctx, invoice, issued, params)
    note = _shape(ctx, invoice, builder, issued, params)
    note["refunds"] = _link(ctx, invoice, issued, params)
    _check_room(ctx, invoice, issued, note)
    _check_placed(ctx, note, invoice, params)
    return note, builder


def _lines_of(
    ctx: Context, invoice: Json, issued: list[Json], params: Json
) -> credit_lines.Builder:
    if "amount" in params and "lines" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: amount, lines.", param="amount"
        )
    held = [ctx.account.secret(note["id"]) for note in issued]
    ways = {line_id: way for one in held for line_id, way in one["ways"].items()}
    invoice_lines = ctx.account.secret(invoice["id"])["lines"]
    builder = credit_lines.Builder(ctx, invoice_lines, credit_lines.earlier(held, ways))
    if "lines" in params:
        for index, given in enumerate(params["lines"]):
            builder.add(given, f"lines[{index}]")
    elif "amount" in params:
        _add_amount(builder, invoice, issued, params["amount"])
    else:
        raise StripeError.missing("amount")
    return builder


def _add_amount(
    builder: credit_lines.Builder, invoice: Json, issued: list[Json], amount: int
) -> None:
    """An amount alone: all that is left, or a part of a line that is the only one and untaxed.

    How Stripe spreads any other amount over lines and their taxes is told by no page.
    """
    left = invoice["total"] - sum(note["total"] for note in issued)
    if amount > left:
        raise StripeError.refused(_TOO_MUCH, param="amount")
    held = builder.invoice_lines
    if amount == left:
        if _has_custom(builder.ctx, issued):
            raise StripeError.unsupported("an amount after custom lines", param="amount")
        builder.add_rest()
        return
    if len(held) != 1 or held[0]["taxes"] or held[0]["discount_amounts"]:
        raise StripeError.unsupported(
            "a part of the invoice by amount; credit its lines", param="amount"
        )
    builder.take(held[0], "amount", amount, "amount", {})


def _has_custom(ctx: Context, notes: list[Json]) -> bool:
    return any("custom" in ctx.account.secret(note["id"])["ways"].values() for note in notes)


def _shape(
    ctx: Context,
    invoice: Json,
    builder: credit_lines.Builder,
    issued: list[Json],
    params: Json,
) -> Json:
    note_id, now = new_id("cn"), ctx.now(invoice["customer"])
    made = builder.lines
    taxes = _taxes(ctx, invoice, builder, issued)
    discount = sum(line["discount_amount"] for line in made)
    net = sum(line["amount"] for line in made) - discount
    subtotal = net + discount - builder.own_discounts
    inclusive = _sum_of(taxes, "inclusive")
    total = net + _sum_of(taxes, "exclusive")
    before_payment = min(total, invoice["amount_remaining"])
    post = total - before_payment
    count = sum(1 for _ in _notes_of(ctx, invoice)) + 1
    return {
        "id": note_id,
        "object": KIND,
        "amount": total,
        "amount_shipping": 0,
        "created": now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": discount,
        "discount_amounts": _sums(made, "discount_amounts"),
        "effective_at": params.get("effective_at", now),
        "invoice": invoice["id"],
        "lines": envelope(
            made[:LINES_SHOWN],
            f"/v1/credit_notes/{note_id}/lines",
            has_more=len(made) > LINES_SHOWN,
        ),
        "livemode": False,
        "memo": params.get("memo"),
        "metadata": metadata.fresh(params),
        "number": f"{invoice['number']}-CN-{count:02d}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"https://pay.stripe.com/credit_notes/{ctx.account.id}/test_{note_id}/pdf",
        "post_payment_amount": post,
        "pre_payment_amount": before_payment,
        "pretax_credit_amounts": _sums(made, "pretax_credit_amounts"),
        "reason": params.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive,
        "total": total,
        "total_excluding_tax": net - inclusive,
        "total_taxes": taxes,
        "type": _type(before_payment, post),
        "voided_at": None,
    }


def _taxes(
    ctx: Context, invoice: Json, builder: credit_lines.Builder, issued: list[Json]
) -> list[Json]:
    """Those of the lines; the note that credits the last of an invoice takes what tax is left."""
    summed = credit_lines.add_up(builder.lines)
    is_last = credit_lines.is_whole(builder.credited, builder.invoice_lines)
    if not is_last or _has_custom(ctx, issued) or "custom" in builder.ways.values():
        return summed
    left = snapshot({"taxes": invoice["total_taxes"]})["taxes"]
    for entry in left:
        for note in issued:
            for tax in note["total_taxes"]:
                if tax["tax_rate_details"] == entry["tax_rate_details"]:
                    entry["amount"] -= tax["amount"]
                    entry["taxable_amount"] -= tax["taxable_amount"]
    return list(left)


def _sum_of(taxes: list[Json], behavior: str) -> int:
    return sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == behavior)


def _sums(made: list[Json], name: str) -> list[Json]:
    """One entry for each discount, over all lines."""
    found: dict[str, Json] = {}
    for line in made:
        for entry in line[name]:
            found.setdefault(entry["discount"], {**entry, "amount": 0})["amount"] += entry["amount"]
    return list(found.values())


def _type(before_payment: int, post: int) -> str:
    if before_payment and post:
        return "mixed"
    return "post_payment" if post else "pre_payment"


def _notes_of(ctx: Context, invoice: Json) -> Iterable[Json]:
    return ctx.account.related(RELATION, KIND, invoice["id"])


def _check_room(ctx: Context, invoice: Json, issued: list[Json], note: Json) -> None:
    if note["total"] <= 0:
        raise StripeError.refused("The total of a credit note must be positive.", param="lines")
    loose = sum(
        refund["amount"] - _linked(issued, refund["id"])
        for charge in _charges_of(ctx, invoice)
        for refund in refunds.of_charge(ctx, charge["id"])
    )
    # A refund that is linked by this very note does not count twice.
    loose -= sum(entry["amount_refunded"] for entry in note["refunds"])
    if note["total"] + sum(one["total"] for one in issued) + loose > invoice["total"]:
        raise StripeError.refused(_TOO_MUCH, param="amount")


def _linked(notes: Iterable[Json], refund_id: str) -> int:
    return sum(
        entry["amount_refunded"]
        for note in notes
        for entry in note["refunds"]
        if entry["refund"] == refund_id
    )


def _charges_of(ctx: Context, invoice: Json) -> list[Json]:
    """The charges that paid an invoice, oldest first."""
    found = []
    for payment in invoice_payments.of(ctx, invoice):
        if payment["status"] == "paid":
            charge = charges.paid_by(ctx, payment["payment"]["payment_intent"])
            if charge is not None:
                found.append(charge)
    return found


def _check_placed(ctx: Context, note: Json, invoice: Json, params: Json) -> None:
    post = note["post_payment_amount"]
    linked = sum(entry["amount_refunded"] for entry in note["refunds"])
    placed = sum(params.get(name, 0) for name in _PLACES) + linked
    if placed != post:
        raise StripeError.refused(
            "The sum of credit amount, refund amount and out of band amount must equal the post "
            f"payment amount of the credit note ({post}).",
            param=next((name for name in _PLACES if name in params), "refund_amount"),
        )
    wanted = params.get("refund_amount", 0)
    if wanted and charge_for(ctx, invoice, wanted) is None:
        raise StripeError.refused(
            "The refund amount is more than what is left of the invoice's charge.",
            param="refund_amount",
        )


def charge_for(ctx: Context, invoice: Json, amount: int) -> Json | None:
    """A charge of the invoice that can give an amount back; of several, the newest that can."""
    for charge in reversed(_charges_of(ctx, invoice)):
        if refunds.refundable(charge) >= amount:
            return charge
    return None


def _link(ctx: Context, invoice: Json, issued: list[Json], params: Json) -> list[Json]:
    """The existing refunds that the parameter `refunds` names."""
    entries: list[Json] = []
    paid = {charge["id"] for charge in _charges_of(ctx, invoice)}
    for index, given in enumerate(params.get("refunds", [])):
        param = f"refunds[{index}]"
        if given.get("type", "refund") != "refund":
            raise StripeError.unsupported("refunds of payment records", param=f"{param}[type]")
        if "refund" not in given:
            raise StripeError.missing(f"{param}[refund]")
        refund = ctx.get(refunds.KIND, given["refund"], param=f"{param}[refund]")
        if refund["charge"] not in paid:
            raise StripeError.refused(
                "The refund is not one of this invoice's charge.", param=f"{param}[refund]"
            )
        free = refund["amount"] - _linked([*issued, {"refunds": entries}], refund["id"])
        amount = given.get("amount_refunded", refund["amount"])
        if amount > free:
            raise StripeError.refused(
                "The refund is linked to credit notes already.", param=f"{param}[amount_refunded]"
            )
        entries.append(refund_entry(refund["id"], amount))
    return entries


def refund_entry(refund_id: str, amount: int) -> Json:
    """A refund as a credit note names it."""
    return {
        "amount_refunded": amount,
        "payment_record_refund": None,
        "refund": refund_id,
        "type": "refund",
    }
