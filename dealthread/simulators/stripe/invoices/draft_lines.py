"""Changing what is on a draft: its lines one by one, and the invoice items behind them.

Sources: docs.stripe.com/api/invoices/add_lines, update_lines, remove_lines and
docs.stripe.com/api/invoiceitems. A line made from a subscription keeps its amount here; only lines
that have an invoice item can be changed or removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.invoices import drafts
from dealthread.simulators.stripe.invoices import items as invoice_items
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.world import Context, snapshot

_MONEY = ("amount", "price_data", "pricing", "quantity", "unit_amount_decimal")


def draft_of(ctx: Context, invoice_id: str, *, param: str = "id") -> Json:
    """An invoice that can still be changed."""
    invoice = ctx.get("invoice", invoice_id, param=param)
    if invoice["status"] != "draft":
        raise StripeError.refused(
            "This invoice is no longer editable: its lines can be changed on drafts only.",
            code="invoice_not_editable",
            param=None if param == "id" else param,
        )
    return invoice


def put(ctx: Context, invoice: Json, charges: list[Charge]) -> None:
    """Add charges to a draft, before its other lines as new ones always stand."""
    added: list[drafts.Entry] = [(charge, None) for charge in charges]
    drafts.compose(ctx, invoice, [*added, *drafts.entries(ctx, invoice)])
    invoice_items.attach(ctx, invoice["customer"], charges, invoice["id"])


def add(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/add_lines: pending items, or items made for this draft."""
    invoice = draft_of(ctx, invoice_id)
    return _changed(ctx, invoice, params, lambda: _add(ctx, invoice, params["lines"]))


def _check_once(ids: list[str]) -> None:
    if len(set(ids)) < len(ids):
        raise StripeError.invalid("A line can be named only once.", param="lines")


def _add(ctx: Context, invoice: Json, wanted: list[Json]) -> None:
    _check_once([given["invoice_item"] for given in wanted if "invoice_item" in given])
    charges = []
    for index, given in enumerate(wanted):
        param = f"lines[{index}]"
        item_id = given.get("invoice_item")
        if item_id is None:
            charges.append(
                invoice_items.charge_for(
                    ctx,
                    {"currency": invoice["currency"], **given, "customer": invoice["customer"]},
                )
            )
            continue
        item = ctx.get("invoiceitem", item_id, param=f"{param}[invoice_item]")
        if item["customer"] != invoice["customer"] or item["invoice"] is not None:
            raise StripeError.refused(
                "The invoice item is not an unassigned one of the invoice's customer.",
                param=f"{param}[invoice_item]",
            )
        if set(given) - {"invoice_item"}:
            raise StripeError.unsupported("changing an item while it is added", param=param)
        charges.append(invoice_items.charge_of(ctx, item))
    _check_currency(invoice, charges)
    put(ctx, invoice, charges[::-1])


def _check_currency(invoice: Json, charges: list[Charge]) -> None:
    if any(charge.price["currency"] != invoice["currency"] for charge in charges):
        raise StripeError.refused(
            "The currency does not match that of the invoice.", param="currency"
        )


def update(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/update_lines."""
    invoice = draft_of(ctx, invoice_id)
    _check_once([given["id"] for given in params["lines"]])

    def change() -> None:
        for index, given in enumerate(params["lines"]):
            item = _item_of(ctx, invoice, given["id"], f"lines[{index}][id]")
            _change(ctx, invoice, item, given)

    return _changed(ctx, invoice, params, change)


def update_one(ctx: Context, params: Json, invoice_id: str, line_id: str) -> Json:
    """POST /v1/invoices/{id}/lines/{id}."""
    invoice = draft_of(ctx, invoice_id)
    item = _item_of(ctx, invoice, line_id, "id")
    _changed(ctx, invoice, {}, lambda: _change(ctx, invoice, item, params))
    lines = ctx.account.secret(invoice_id)["lines"]
    found: Json = next(line for line in lines if line["id"] == line_id)
    return found


def remove(ctx: Context, params: Json, invoice_id: str) -> Json:
    """POST /v1/invoices/{id}/remove_lines: deleted for good, or pending again."""
    invoice = draft_of(ctx, invoice_id)

    _check_once([given["id"] for given in params["lines"]])
    off = [
        (_item_of(ctx, invoice, given["id"], f"lines[{index}][id]"), given["behavior"])
        for index, given in enumerate(params["lines"])
    ]

    def change() -> None:
        for item, behavior in off:
            _take_off(ctx, invoice, item)
            if behavior == "delete":
                invoice_items.discard(ctx, item)

    return _changed(ctx, invoice, params, change)


def create_item(ctx: Context, params: Json) -> Json:
    """POST /v1/invoiceitems: pending, or on the draft that `invoice` names."""
    if "invoice" not in params:
        return invoice_items.create(ctx, params)
    invoice = draft_of(ctx, params["invoice"], param="invoice")
    if params.get("customer") != invoice["customer"]:
        raise StripeError.refused(
            "The customer of the invoice item must be that of the invoice.", param="invoice"
        )
    charge = invoice_items.charge_for(ctx, params)
    _check_currency(invoice, [charge])
    _changed(ctx, invoice, {}, lambda: put(ctx, invoice, [charge]))
    return ctx.get("invoiceitem", charge.parent["invoice_item_details"]["invoice_item"])


def update_item(ctx: Context, params: Json, item_id: str) -> Json:
    """POST /v1/invoiceitems/{id}: while it is pending or on a draft."""
    item = ctx.get("invoiceitem", item_id)
    if item["invoice"] is None:
        invoice_items.rewrite(ctx, item, _merged(ctx, item, params))
    else:
        invoice = draft_of(ctx, item["invoice"])
        _changed(ctx, invoice, {}, lambda: _change(ctx, invoice, item, params))
    return item


def delete_item(ctx: Context, params: Json, item_id: str) -> Json:  # noqa: ARG001 handler's shape
    """DELETE /v1/invoiceitems/{id}: while it is pending or on a draft."""
    item = ctx.get("invoiceitem", item_id)
    if item["invoice"] is not None:
        invoice = ctx.get("invoice", item["invoice"])
        if invoice["status"] != "draft":
            raise StripeError.refused(
                "This invoice item is attached to a finalized invoice and cannot be deleted.",
                code="invoice_not_editable",
            )
        _changed(ctx, invoice, {}, lambda: _take_off(ctx, invoice, item))
    invoice_items.discard(ctx, item)
    return {"id": item_id, "object": "invoiceitem", "deleted": True}


def _changed(ctx: Context, invoice: Json, params: Json, change: Callable[[], None]) -> Json:
    """Make a change to a draft, tell of it, or leave everything as it was."""
    before = snapshot(invoice)
    hidden = ctx.account.secret(invoice["id"])
    kept = {name: hidden[name] for name in ("bill", "lines")}
    account = ctx.account
    items = {
        item_id: snapshot(item)
        for item_id, item in account.of("invoiceitem").items()
        if item["customer"] == invoice["customer"]
    }
    prices = set(account.of("price"))
    try:
        change()
    except StripeError:
        invoice.clear()
        invoice.update(before)
        hidden.update(kept)
        # Lines before the refused one may have changed their items, and made prices.
        account.of("invoiceitem").update(items)
        for price_id in set(account.of("price")) - prices:
            del account.of("price")[price_id]
        raise
    if "invoice_metadata" in params:
        metadata.merge(invoice, {"metadata": params["invoice_metadata"]})
    ctx.effect("invoice.updated", invoice, total=invoice["total"])
    events.emit(ctx, "invoice.updated", invoice, before=before)
    return invoice


def _item_of(ctx: Context, invoice: Json, line_id: str, param: str) -> Json:
    for line in ctx.account.secret(invoice["id"])["lines"]:
        if line["id"] == line_id:
            details = line["parent"]["invoice_item_details"]
            if details is None:
                raise StripeError.unsupported("changing a line of a subscription", param=param)
            return ctx.get("invoiceitem", details["invoice_item"])
    raise StripeError.no_such("line item", line_id, param=param)


def _is_of(charge: Charge, item: Json) -> bool:
    details = charge.parent["invoice_item_details"]
    return details is not None and details["invoice_item"] == item["id"]


def _change(ctx: Context, invoice: Json, item: Json, params: Json) -> None:
    charge = _merged(ctx, item, params)
    _check_currency(invoice, [charge])
    drafts.compose(
        ctx,
        invoice,
        [
            (charge if _is_of(held, item) else held, line_id)
            for held, line_id in drafts.entries(ctx, invoice)
        ],
    )
    invoice_items.rewrite(ctx, item, charge)


def _take_off(ctx: Context, invoice: Json, item: Json) -> None:
    drafts.compose(
        ctx,
        invoice,
        [entry for entry in drafts.entries(ctx, invoice) if not _is_of(entry[0], item)],
    )
    item["invoice"] = None


def _merged(ctx: Context, item: Json, params: Json) -> Charge:
    """The charge of an item with the changes of a request."""
    held = invoice_items.charge_of(ctx, item)
    if held.fixed_amount is not None or item["proration"]:
        raise StripeError.unsupported("changing a proration")
    if any(name in params for name in _MONEY):
        given = {name: params[name] for name in _MONEY if name in params}
        if set(given) == {"quantity"}:
            if held.price["id"] is None:
                raise StripeError.unsupported("a quantity of an amount", param="quantity")
            held = replace(held, quantity=given["quantity"])
        else:
            fresh = invoice_items.charge_for(
                ctx, {"currency": item["currency"], "customer": item["customer"], **given}
            )
            held = replace(held, price=fresh.price, quantity=fresh.quantity)
    if "description" in params:
        held = replace(held, description=params["description"])
    if "metadata" in params:
        carrier: Json = {"metadata": dict(held.metadata)}
        metadata.merge(carrier, params)
        held = replace(held, metadata=carrier["metadata"])
    if "period" in params:
        period = invoice_items.period_of(params["period"])
        held = replace(held, period=period)
    if "tax_rates" in params:
        held = replace(held, tax_rates=invoice_items.rates_of(ctx, params))
    return held
