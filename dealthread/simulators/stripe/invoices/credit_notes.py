"""Credit notes: what a finalised invoice is lowered by, before it is paid and after.

Sources: docs.stripe.com/invoicing/integration/programmatic-credit-notes and the docstring of
`CreditNote.create` (stripe 16.1): a note first lowers what is left to pay; the rest must be placed
in full, as refund, as credit to the customer's balance or as settled out of band. Refunds made
apart from credit notes lower what can be credited. Amounts in minor units.
"""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.simulators.stripe.customers import balance
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import life as invoicing
from dealthread.simulators.stripe.invoices.credit_build import (
    KIND,
    RELATION,
    build,
    charge_for,
    refund_entry,
)
from dealthread.simulators.stripe.payments import refunds
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions.status import settle
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/credit_notes."""
    note, builder = build(ctx, params)
    invoice = ctx.get("invoice", note["invoice"])
    before = snapshot(invoice)
    account = ctx.account
    account.add(KIND, note)
    account.secret(note["id"]).update(lines=builder.lines, ways=builder.ways)
    account.relate(RELATION, invoice["id"], note["id"])
    account.relate("credit_note.customer", invoice["customer"], note["id"])
    invoice["pre_payment_credit_notes_amount"] += note["pre_payment_amount"]
    invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
    _place(ctx, note, invoice, params)
    ctx.effect("credit_note.created", note, invoice=invoice["id"], total=note["total"])
    events.emit(ctx, "credit_note.created", note)
    if note["pre_payment_amount"]:
        invoicing.change_due(ctx, invoice, -note["pre_payment_amount"], before=before)
        settle(ctx, invoice)
    else:
        events.emit(ctx, "invoice.updated", invoice, before=before)
    return note


def preview(ctx: Context, params: Json) -> Json:
    """GET /v1/credit_notes/preview: the same note, not kept."""
    note, _ = build(ctx, params)
    asked = params.get("refund_amount", 0)
    if asked:
        note["refunds"].append(refund_entry(new_id("re"), asked))
    return note


def preview_lines(ctx: Context, params: Json) -> Json:
    """GET /v1/credit_notes/preview/lines."""
    _, builder = build(ctx, params)
    return page(
        builder.lines,
        params,
        "/v1/credit_notes/preview/lines",
        kind="credit note line item",
        newest_first=False,
    )


def lines(ctx: Context, params: Json, note_id: str) -> Json:
    """GET /v1/credit_notes/{id}/lines."""
    note = ctx.get(KIND, note_id)
    return page(
        ctx.account.secret(note_id)["lines"],
        params,
        note["lines"]["url"],
        kind="credit note line item",
        newest_first=False,
    )


def update(ctx: Context, params: Json, note_id: str) -> Json:
    """POST /v1/credit_notes/{id}: memo and metadata."""
    note = ctx.get(KIND, note_id)
    before = snapshot(note)
    if "memo" in params:
        note["memo"] = params["memo"]
    metadata.merge(note, params)
    ctx.effect("credit_note.updated", note)
    events.emit(ctx, "credit_note.updated", note, before=before)
    return note


def void(ctx: Context, params: Json, note_id: str) -> Json:  # noqa: ARG001 handler's shape
    """POST /v1/credit_notes/{id}/void: only while its invoice is open; its effect is undone."""
    note = ctx.get(KIND, note_id)
    invoice = ctx.get("invoice", note["invoice"])
    if note["status"] != "issued":
        raise StripeError.refused("This credit note is already void.")
    if invoice["status"] != "open":
        raise StripeError.refused(
            f"You can only void a credit note on an open invoice. This invoice is "
            f"{invoice['status']}."
        )
    before = snapshot(invoice)
    note["status"] = "void"
    note["voided_at"] = ctx.now(note["customer"])
    amount = note["pre_payment_amount"]
    invoice["pre_payment_credit_notes_amount"] -= amount
    ctx.effect("credit_note.voided", note, invoice=invoice["id"], total=note["total"])
    events.emit(ctx, "credit_note.voided", note)
    invoicing.change_due(ctx, invoice, amount, before=before)
    return note


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/credit_notes."""
    account = ctx.account
    rows: Iterable[Json] = account.of(KIND).values()
    if "invoice" in params:
        ctx.get("invoice", params["invoice"], param="invoice")
        rows = account.related(RELATION, KIND, params["invoice"])
    elif "customer" in params:
        rows = account.related("credit_note.customer", KIND, params["customer"])
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


def _place(ctx: Context, note: Json, invoice: Json, params: Json) -> None:
    """Give what the note gives beyond the open amount: a refund, a credit."""
    wanted = params.get("refund_amount", 0)
    if wanted:
        charge = charge_for(ctx, invoice, wanted)
        if charge is not None:
            refund = refunds.give(ctx, charge, wanted, {})
            note["refunds"].append(refund_entry(refund["id"], wanted))
    amount = params.get("credit_amount", 0)
    if amount:
        customer = ctx.get("customer", note["customer"])
        # A negative balance is a credit of the customer's.
        row = balance.move(
            ctx, customer, -amount, "credit_note", invoice=invoice, credit_note=note["id"]
        )
        note["customer_balance_transaction"] = row["id"]
