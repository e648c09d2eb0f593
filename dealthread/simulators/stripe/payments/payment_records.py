"""Payments that were made elsewhere, as they are reported to Stripe.

Source: docs.stripe.com/api/payment-record and its 16.1 docstrings. Only what has succeeded already
(`outcome=guaranteed`) is carried: a record that is still under way, failed or was cancelled, its
later reports and its refunds are refused. Stripe lists no event of them.
"""

from __future__ import annotations

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page
from dealthread.simulators.stripe.world import Context

KIND = "payment_record"


def report_payment(ctx: Context, params: Json) -> Json:
    """POST /v1/payment_records/report_payment."""
    if params.get("outcome") != "guaranteed" or "guaranteed" not in params:
        raise StripeError.unsupported("a payment that has not succeeded", param="outcome")
    customer = _customer(ctx, params)
    method = params["payment_method_details"]
    if "custom" not in method or not method["custom"].get("display_name"):
        # The answer's `custom.display_name` is never null; no page says what is taken for it.
        raise StripeError.unsupported(
            "a method without a name", param="payment_method_details[custom][display_name]"
        )
    if "processor_details" not in params or "custom" not in params["processor_details"]:
        raise StripeError.unsupported("a processor without a name", param="processor_details")
    now = ctx.now((customer or {}).get("customer"))
    if params["initiated_at"] > now or params["guaranteed"]["guaranteed_at"] > now:
        raise StripeError.unsupported("a payment of the future", param="initiated_at")
    asked = params["amount_requested"]
    nought = {"currency": asked["currency"], "value": 0}
    record: Json = {
        "id": new_id("pr"),
        "object": KIND,
        "amount": dict(asked),
        "amount_authorized": dict(nought),
        "amount_canceled": dict(nought),
        "amount_failed": dict(nought),
        "amount_guaranteed": dict(asked),
        "amount_refunded": dict(nought),
        "amount_requested": dict(asked),
        "application": None,
        "created": now,
        "customer_details": customer,
        "customer_presence": params.get("customer_presence"),
        "description": params.get("description"),
        "latest_payment_attempt_record": new_id("par"),
        "livemode": False,
        "metadata": metadata.fresh(params),
        "payment_method_details": {
            "billing_details": None,
            "custom": {
                "display_name": method["custom"]["display_name"],
                "type": method["custom"].get("type"),
            },
            "payment_method": None,
            "type": "custom",
        },
        "processor_details": {
            "custom": dict(params["processor_details"]["custom"]),
            "type": "custom",
        },
        "reported_by": "self",
        "shipping_details": None,
    }
    ctx.account.add(KIND, record)
    ctx.effect("payment_record.created", record, amount=asked["value"])
    return record


def _customer(ctx: Context, params: Json) -> Json | None:
    given = params.get("customer_details")
    if given is None:
        return None
    if "customer" in given:
        ctx.get("customer", given["customer"], param="customer_details[customer]")
    return {name: given.get(name) for name in ("customer", "email", "name", "phone")}


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/payment_records, newest first."""
    after, before = params.get("created_after"), params.get("created_before")
    return page(
        ctx.account.of(KIND).values(),
        params,
        "/v1/payment_records",
        kind="payment record",
        keep=lambda row: (
            (after is None or row["created"] > after)
            and (before is None or row["created"] < before)
        ),
    )
