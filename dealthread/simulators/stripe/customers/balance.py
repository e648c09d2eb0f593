"""A customer's balance: a ledger of credits (negative) and debits (positive), never edited.

Source: docs.stripe.com/billing/customer/balance. The next invoice that finalises takes it; nobody
can choose which. Amounts in minor units. The balance always equals the sum of its transactions.
"""

from __future__ import annotations

from dealthread.simulators.stripe.config import default_currency
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

_KIND = "customer_balance_transaction"
_RELATION = "customer_balance_transaction.customer"


def move(
    ctx: Context,
    customer: Json,
    amount: int,
    kind: str,
    *,
    invoice: Json | None = None,
    credit_note: str | None = None,
    details: Json | None = None,
) -> Json:
    """Write a transaction and change the balance by it; `details` are those an API call gave."""
    given = details or {}
    before = snapshot(customer)
    customer["balance"] += amount
    row: Json = {
        "id": new_id("cbtxn"),
        "object": _KIND,
        "amount": amount,
        "checkout_session": None,
        "created": ctx.now(customer["id"]),
        "credit_note": credit_note,
        "currency": customer["currency"] or default_currency(ctx.account.config),
        "customer": customer["id"],
        "customer_account": None,
        "description": given.get("description"),
        "ending_balance": customer["balance"],
        "invoice": None if invoice is None else invoice["id"],
        "livemode": False,
        "metadata": metadata.fresh(given),
        "type": kind,
    }
    ctx.account.add(_KIND, row)
    ctx.account.relate(_RELATION, customer["id"], row["id"])
    ctx.effect("customer.balance_moved", customer, amount=amount, type=kind)
    if kind != "initial":
        events.emit(ctx, "customer.updated", customer, before=before)
    _show_in_drafts(ctx, customer)
    return row


def _show_in_drafts(ctx: Context, customer: Json) -> None:
    """A draft shows the current balance, and what would be due with it."""
    for invoice in ctx.account.related("invoice.customer", "invoice", customer["id"]):
        if invoice["status"] == "draft":
            show_in_draft(invoice, customer["balance"])


def show_in_draft(invoice: Json, balance: int) -> None:
    """What a draft would leave to pay if it were finalised now."""
    invoice["starting_balance"] = balance
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, invoice["total"] + balance)


def applied_to(ctx: Context, invoice: Json) -> int:
    """What the balance took over from an invoice, in sum: what a void gives back."""
    return sum(
        row["amount"]
        for row in ctx.account.related(_RELATION, _KIND, invoice["customer"])
        if row["invoice"] == invoice["id"] and row["type"] == "applied_to_invoice"
    )


def create(ctx: Context, params: Json, customer_id: str) -> Json:
    """POST /v1/customers/{id}/balance_transactions: an adjustment."""
    customer = ctx.get("customer", customer_id)
    currency = params["currency"]
    if customer["currency"] is None:
        # The balance is in the customer's currency.
        customer["currency"] = currency
    elif currency != customer["currency"]:
        raise StripeError.unsupported(
            "a balance in a currency that is not the customer's", param="currency"
        )
    return move(ctx, customer, params["amount"], "adjustment", details=params)


def listed(ctx: Context, params: Json, customer_id: str) -> Json:
    """GET /v1/customers/{id}/balance_transactions."""
    ctx.get("customer", customer_id)
    return page(
        ctx.account.related(_RELATION, _KIND, customer_id),
        params,
        f"/v1/customers/{customer_id}/balance_transactions",
        kind="customer balance transaction",
        keep=lambda row: (
            params.get("invoice", row["invoice"]) == row["invoice"]
            and within(row["created"], params.get("created"))
        ),
    )


def retrieve(ctx: Context, params: Json, customer_id: str, row_id: str) -> Json:  # noqa: ARG001 handler's shape
    """GET /v1/customers/{id}/balance_transactions/{id}."""
    ctx.get("customer", customer_id)
    row = ctx.get(_KIND, row_id)
    if row["customer"] != customer_id:
        raise StripeError.no_such("customer balance transaction", row_id)
    return row


def update(ctx: Context, params: Json, customer_id: str, row_id: str) -> Json:
    """POST /v1/customers/{id}/balance_transactions/{id}: only words and metadata."""
    row = retrieve(ctx, params, customer_id, row_id)
    if "description" in params:
        row["description"] = params["description"]
    metadata.merge(row, params)
    ctx.effect("customer_balance_transaction.updated", row)
    return row
