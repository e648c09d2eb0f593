"""Promotion codes: what customers type in to redeem a coupon, and who may when.

Source: docs.stripe.com/billing/subscriptions/coupons#promotion-codes and the docstrings of
`PromotionCodeCreateParams` (stripe 16.1).
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable

from dealthread.simulators.stripe.catalogue import coupons
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire import metadata
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.listing import page, within
from dealthread.simulators.stripe.world import Context, snapshot

KIND = "promotion_code"
_LETTERS = frozenset(string.ascii_letters + string.digits + "-")
_GENERATED_LENGTH = 8


def create(ctx: Context, params: Json) -> Json:
    """POST /v1/promotion_codes."""
    promotion = params["promotion"]
    if "coupon" not in promotion:
        raise StripeError.missing("promotion[coupon]")
    coupon = coupons.usable(ctx, promotion["coupon"], None, "promotion[coupon]")
    customer_id = params.get("customer")
    if customer_id is not None:
        ctx.get("customer", customer_id, param="customer")
    code = params.get("code") or _generated()
    if not set(code) <= _LETTERS:
        raise StripeError.invalid(
            "Promotion codes are made of letters, digits and dashes.", param="code"
        )
    if params.get("active", True):
        _check_free(ctx, code, customer_id)
    last = _last(ctx, params, coupon)
    most = params.get("max_redemptions")
    if most is not None and most > (coupon["max_redemptions"] or most):
        raise StripeError.refused(
            "`max_redemptions` cannot be greater than that of the coupon.", param="max_redemptions"
        )
    row: Json = {
        "id": new_id("promo"),
        "object": KIND,
        "active": params.get("active", True),
        "code": code,
        "created": ctx.now(customer_id),
        "customer": customer_id,
        "customer_account": None,
        "expires_at": last,
        "livemode": False,
        "max_redemptions": most,
        "metadata": metadata.fresh(params),
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        "restrictions": _restrictions(params.get("restrictions") or {}),
        "times_redeemed": 0,
    }
    ctx.account.add(KIND, row)
    ctx.account.relate("promotion_code.coupon", coupon["id"], row["id"])
    ctx.effect("promotion_code.created", row)
    events.emit(ctx, "promotion_code.created", row)
    return row


def _generated() -> str:
    letters = string.ascii_uppercase + string.digits
    return "".join(secrets.choice(letters) for _ in range(_GENERATED_LENGTH))


def _last(ctx: Context, params: Json, coupon: Json) -> int | None:
    """`expires_at`: never after the coupon's `redeem_by`, which it takes by default."""
    last: int | None = params.get("expires_at", coupon["redeem_by"])
    if last is None:
        return None
    if coupon["redeem_by"] is not None and last > coupon["redeem_by"]:
        raise StripeError.refused(
            "`expires_at` cannot be after the coupon's `redeem_by`.", param="expires_at"
        )
    if last <= ctx.now(params.get("customer")):
        raise StripeError.refused("`expires_at` must be in the future.", param="expires_at")
    return last


def _restrictions(given: Json) -> Json:
    has_amount, has_currency = "minimum_amount" in given, "minimum_amount_currency" in given
    if has_amount != has_currency:
        missing = "minimum_amount_currency" if has_amount else "minimum_amount"
        raise StripeError.missing(f"restrictions[{missing}]")
    return {
        "first_time_transaction": given.get("first_time_transaction", False),
        "minimum_amount": given.get("minimum_amount"),
        "minimum_amount_currency": given.get("minimum_amount_currency"),
    }


def _check_free(ctx: Context, code: str, customer_id: str | None, own: str | None = None) -> None:
    """A code is one active promotion's alone, for everybody or for each customer."""
    for row in ctx.account.of(KIND).values():
        if row["id"] == own or row["code"].lower() != code.lower() or not is_active(ctx, row):
            continue
        if customer_id is None or row["customer"] in (None, customer_id):
            raise StripeError.refused(
                f"An active promotion code with `code: {code}` already exists.", param="code"
            )


def is_active(ctx: Context, row: Json, customer_id: str | None = None) -> bool:
    """Whether a code can be redeemed; what has run out once never can be again."""
    coupon = ctx.account.find(coupons.KIND, row["promotion"]["coupon"])
    most, last = row["max_redemptions"], row["expires_at"]
    has_ended = (
        coupon is None
        or not coupons.refresh(ctx, coupon, customer_id)["valid"]
        or (most is not None and row["times_redeemed"] >= most)
        or (last is not None and ctx.now(customer_id) >= last)
    )
    hidden = ctx.account.secret(row["id"])
    hidden["has_ended"] = hidden.get("has_ended", False) or has_ended
    if hidden["has_ended"]:
        row["active"] = False
    return bool(row["active"])


def retrieve(ctx: Context, params: Json, code_id: str) -> Json:  # noqa: ARG001 handler's shape
    """GET /v1/promotion_codes/{id}."""
    row = ctx.get(KIND, code_id)
    is_active(ctx, row)
    return row


def update(ctx: Context, params: Json, code_id: str) -> Json:
    """POST /v1/promotion_codes/{id}: switch it off and on, and its metadata."""
    row = ctx.get(KIND, code_id)
    before = snapshot(row)
    is_active(ctx, row)
    if params.get("active") and not row["active"]:
        if ctx.account.secret(code_id)["has_ended"]:
            raise StripeError.refused(
                "This promotion code has run out and cannot be activated again.", param="active"
            )
        _check_free(ctx, row["code"], row["customer"], own=code_id)
    if "active" in params:
        row["active"] = params["active"]
    metadata.merge(row, params)
    ctx.effect("promotion_code.updated", row)
    events.emit(ctx, "promotion_code.updated", row, before=before)
    return row


def listed(ctx: Context, params: Json) -> Json:
    """GET /v1/promotion_codes; codes are compared without case."""
    rows: Iterable[Json] = ctx.account.of(KIND).values()
    wanted = params.get("code")
    return page(
        rows,
        params,
        "/v1/promotion_codes",
        kind="promotion code",
        keep=lambda row: (
            params.get("active", is_active(ctx, row)) == row["active"]
            and (wanted is None or row["code"].lower() == wanted.lower())
            and params.get("coupon", row["promotion"]["coupon"]) == row["promotion"]["coupon"]
            and params.get("customer", row["customer"]) == row["customer"]
            and within(row["created"], params.get("created"))
        ),
    )
