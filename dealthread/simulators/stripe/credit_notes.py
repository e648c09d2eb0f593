"""Credit notes: the full credit of a finalised invoice, and nothing partial yet.

Source: docstring of `CreditNote.create` (stripe 16.1): the part of a credit note before payment
lowers what is left to pay; the part after payment must be placed in full, as refund, as credit to
the customer's balance or as settled out of band.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dealthread.simulators.stripe import events, invoicing, metadata
from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.ids import new_id
from dealthread.simulators.stripe.listing import envelope, page, within
from dealthread.simulators.stripe.money import plain
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscription_status import settle
from dealthread.simulators.stripe.world import Context, snapshot

_PLACES = ("credit_amount", "refund_amount", "out_of_band_amount")


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/credit_notes."""
    note = _build(ctx, params)
    invoice = ctx.get("invoice", note["invoice"])
    before = snapshot(invoice)
    account = ctx.account
    account.add("credit_note", note)
    account.relate("credit_note.invoice", invoice["id"], note["id"])
    account.relate("credit_note.customer", invoice["customer"], note["id"])
    invoice["pre_payment_credit_notes_amount"] += note["pre_payment_amount"]
    invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
    _give_balance(ctx, note, params.get("credit_amount", 0))
    ctx.effect("credit_note.created", note, invoice=invoice["id"], total=note["total"])
    events.emit(ctx, "credit_note.created", note)
    if note["pre_payment_amount"]:
        invoicing.lower(ctx, invoice, note["pre_payment_amount"], before=before)
        settle(ctx, invoice)
    else:
        events.emit(ctx, "invoice.updated", invoice, before=before)
    return note


def preview(ctx: Context, params: Json) -> Json:
    """GET /v1/credit_notes/preview: the same note, not kept."""
    return _build(ctx, params)


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/credit_notes."""
    account = ctx.account
    rows: Iterable[Json] = account.of("credit_note").values()
    if "invoice" in params:
        ctx.get("invoice", params["invoice"], param="invoice")
        rows = account.related("credit_note.invoice", "credit_note", params["invoice"])
    elif "customer" in params:
        rows = account.related("credit_note.customer", "credit_note", params["customer"])
    return page(
        rows,
        params,
        "/v1/credit_notes",
        kind="credit note",
        keep=lambda row: (
            params.get("customer", row["customer"]) == row["customer"]
            and within(row["created"], params.get("created"))
        ),
    )


def _build(ctx: Context, params: Json) -> Json:
    invoice = ctx.get("invoice", params["invoice"], param="invoice")
    if invoice["status"] not in ("open", "paid"):
        raise StripeError.refused(
            f"You cannot create a credit note for an invoice that is {invoice['status']}.",
            param="invoice",
        )
    if any(True for _ in _notes_of(ctx, invoice)):
        raise StripeError.refused(
            "The sum of credit notes cannot exceed the amount of the invoice.", param="amount"
        )
    lines = ctx.account.secret(invoice["id"])["lines"]
    _check_full(invoice, lines, params)
    total = invoice["total"]
    before_payment = min(total, invoice["amount_remaining"])
    post = total - before_payment
    _check_placed(params, post)
    note_id = new_id("cn")
    now = ctx.now(invoice["customer"])
    rates = ctx.account.of("tax_rate")
    refund = params.get("refund_amount", 0)
    return {
        "id": note_id,
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": params.get("effective_at", now),
        "invoice": invoice["id"],
        "lines": envelope(
            [_line(line, rates) for line in lines], f"/v1/credit_notes/{note_id}/lines"
        ),
        "livemode": False,
        "memo": params.get("memo"),
        "metadata": metadata.fresh(params),
        "number": f"{invoice['number']}-CN-01",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"https://pay.stripe.com/credit_notes/{ctx.account.id}/test_{note_id}/pdf",
        "post_payment_amount": post,
        "pre_payment_amount": before_payment,
        "pretax_credit_amounts": [],
        "reason": params.get("reason"),
        "refunds": [
            {
                "amount_refunded": refund,
                "payment_record_refund": None,
                "refund": new_id("re"),
                "type": "refund",
            }
        ]
        if refund
        else [],
        "shipping_cost": None,
        "status": "issued",
        "subtotal": invoice["subtotal"],
        "subtotal_excluding_tax": invoice["subtotal_excluding_tax"],
        "total": total,
        "total_excluding_tax": invoice["total_excluding_tax"],
        "total_taxes": snapshot({"taxes": invoice["total_taxes"]})["taxes"],
        "type": _type(before_payment, post),
        "voided_at": None,
    }


def _type(before_payment: int, post: int) -> str:
    if before_payment and post:
        return "mixed"
    return "post_payment" if post else "pre_payment"


def _notes_of(ctx: Context, invoice: Json) -> Iterable[Json]:
    return ctx.account.related("credit_note.invoice", "credit_note", invoice["id"])


def _check_full(invoice: Json, lines: list[Json], params: Json) -> None:
    """Only a credit of everything is carried: partial ones split tax in ways not spelled out."""
    if "amount" in params and "lines" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: amount, lines.", param="amount"
        )
    if "lines" in params:
        held = {line["id"]: line for line in lines}
        for index, given in enumerate(params["lines"]):
            name = f"lines[{index}]"
            if given["type"] != "invoice_line_item" or "invoice_line_item" not in given:
                raise StripeError.unsupported("credit of something not on the invoice", param=name)
            line = held.pop(given["invoice_line_item"], None)
            if line is None:
                raise StripeError.no_such(
                    "line item", given["invoice_line_item"], param=f"{name}[invoice_line_item]"
                )
            is_whole = (
                given.get("quantity", line["quantity"]) == line["quantity"]
                and given.get("amount", line["amount"]) == line["amount"]
            )
            if not is_whole:
                raise StripeError.unsupported("the credit of a part of a line", param=name)
        if held:
            raise StripeError.unsupported("a credit note for some of the lines", param="lines")
        return
    if "amount" not in params:
        raise StripeError.missing("amount")
    if params["amount"] > invoice["total"]:
        raise StripeError.refused(
            "The sum of credit notes cannot exceed the amount of the invoice.", param="amount"
        )
    if params["amount"] != invoice["total"]:
        raise StripeError.unsupported("a credit note for a part of the invoice", param="amount")


def _check_placed(params: Json, post: int) -> None:
    placed = sum(params.get(name, 0) for name in _PLACES)
    if placed != post:
        raise StripeError.refused(
            "The sum of credit amount, refund amount and out of band amount must equal the post "
            f"payment amount of the credit note ({post}).",
            param=next((name for name in _PLACES if name in params), "refund_amount"),
        )


def _give_balance(ctx: Context, note: Json, amount: int) -> None:
    if not amount:
        return
    customer = ctx.get("customer", note["customer"])
    before = snapshot(customer)
    # A negative balance is a credit of the customer's.
    customer["balance"] -= amount
    note["customer_balance_transaction"] = new_id("cbtxn")
    ctx.effect("customer.balance_credited", customer, credit_note=note["id"], amount=amount)
    events.emit(ctx, "customer.updated", customer, before=before)


def _line(line: Json, rates: dict[str, Json]) -> Json:
    rate_ids = [tax["tax_rate_details"]["tax_rate"] for tax in line["taxes"]]
    unit = line["pricing"]["unit_amount_decimal"]
    number = Decimal(unit)
    return {
        "id": new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": line["amount"],
        "description": line["description"],
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": line["id"],
        "livemode": False,
        "metadata": dict(line["metadata"]),
        "pretax_credit_amounts": [],
        "quantity": line["quantity"],
        "tax_rates": [rates[rate_id] for rate_id in rate_ids],
        "taxes": snapshot({"taxes": line["taxes"]})["taxes"],
        "type": "invoice_line_item",
        "unit_amount": int(number) if number == number.to_integral_value() else None,
        "unit_amount_decimal": plain(number),
    }
