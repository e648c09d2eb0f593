"""Tax ids of customers, and the copies of them that invoices carry.

Source: docs.stripe.com/api/customer_tax_ids. They have no update: one is deleted, another made.
"""

from __future__ import annotations

from collections.abc import Sequence

from dealthread.simulators.stripe.customers import tax_id_formats
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page
from dealthread.simulators.stripe.world import Context

_KIND = "tax_id"
_RELATION = "tax_id.customer"


def check_all(given: Sequence[Json], param: str) -> None:
    """Refuse malformed and repeated entries of a list before anything is made of it."""
    seen: set[tuple[str, str]] = set()
    for position, entry in enumerate(given):
        tax_id_formats.check(entry, f"{param}[{position}]")
        pair = entry["type"], entry["value"]
        if pair in seen:
            raise _repeated(param)
        seen.add(pair)


def create(ctx: Context, params: Json, customer_id: str) -> Json:
    """POST /v1/customers/{id}/tax_ids."""
    ctx.get("customer", customer_id)
    tax_id_formats.check(params, "")
    if any(
        (row["type"], row["value"]) == (params["type"], params["value"])
        for row in _of(ctx, customer_id)
    ):
        raise _repeated("value")
    return add(ctx, customer_id, params)


def add(ctx: Context, customer_id: str, given: Json) -> Json:
    """Keep a checked tax id of a customer."""
    kind, value = given["type"], given["value"]
    tax_id: Json = {
        "id": new_id("txi"),
        "object": "tax_id",
        "country": tax_id_formats.country_of(kind, value),
        "created": ctx.now(customer_id),
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "owner": {
            "account": None,
            "application": None,
            "customer": customer_id,
            "customer_account": None,
            "type": "customer",
        },
        "type": kind,
        "value": value,
        "verification": tax_id_formats.verification_of(kind),
    }
    ctx.account.add(_KIND, tax_id)
    ctx.account.relate(_RELATION, customer_id, tax_id["id"])
    _refresh_drafts(ctx, customer_id)
    ctx.effect("customer.tax_id.created", tax_id, customer=customer_id)
    events.emit(ctx, "customer.tax_id.created", tax_id)
    return tax_id


def retrieve(ctx: Context, params: Json, customer_id: str, tax_id: str) -> Json:  # noqa: ARG001 handler's shape
    """GET /v1/customers/{id}/tax_ids/{id}."""
    return _owned(ctx, customer_id, tax_id)


def listed(ctx: Context, params: Json, customer_id: str) -> Json:
    """GET /v1/customers/{id}/tax_ids."""
    ctx.get("customer", customer_id)
    return page(_of(ctx, customer_id), params, f"/v1/customers/{customer_id}/tax_ids", kind=_KIND)


def expanded(ctx: Context, customer: Json) -> Json:
    """The `tax_ids` of a customer, which are answered only when expanded."""
    return listed(ctx, {}, customer["id"])


def delete(ctx: Context, params: Json, customer_id: str, tax_id: str) -> Json:  # noqa: ARG001 handler's shape
    """DELETE /v1/customers/{id}/tax_ids/{id}: finalised invoices keep their copy."""
    found = _owned(ctx, customer_id, tax_id)
    del ctx.account.of(_KIND)[tax_id]
    _refresh_drafts(ctx, customer_id)
    ctx.effect("customer.tax_id.deleted", found, customer=customer_id)
    events.emit(ctx, "customer.tax_id.deleted", found)
    return {"id": tax_id, "object": "tax_id", "deleted": True}


def forget_all(ctx: Context, customer_id: str) -> None:
    """Nothing is left of a deleted customer's tax ids."""
    for row in _of(ctx, customer_id):
        del ctx.account.of(_KIND)[row["id"]]


def copies(ctx: Context, customer_id: str | None) -> list[Json]:
    """A customer's tax ids as an invoice shows them, in the order they were made."""
    if customer_id is None:
        return []
    return [{"type": row["type"], "value": row["value"]} for row in _of(ctx, customer_id)]


def _of(ctx: Context, customer_id: str) -> list[Json]:
    return list(ctx.account.related(_RELATION, _KIND, customer_id))


def _owned(ctx: Context, customer_id: str, tax_id: str) -> Json:
    ctx.get("customer", customer_id)
    found = ctx.get(_KIND, tax_id)
    if found["customer"] != customer_id:
        raise StripeError.no_such(_KIND, tax_id)
    return found


def _refresh_drafts(ctx: Context, customer_id: str) -> None:
    """Until it is finalised an invoice shows the customer's present tax ids (api/invoices)."""
    for invoice in ctx.account.related("invoice.customer", "invoice", customer_id):
        if invoice["status"] == "draft":
            invoice["customer_tax_ids"] = copies(ctx, customer_id)


def _repeated(param: str) -> StripeError:
    # No page at hand says what Stripe does with a second tax id of the same type and value.
    return StripeError.unsupported("the same tax id twice on one customer", param=param)
