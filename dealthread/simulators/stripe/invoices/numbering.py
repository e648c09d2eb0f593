"""Invoice numbers: given at finalisation only, in sequence and without gaps.

Source: docs.stripe.com/invoicing/customize#invoice-numbering. An account counts for itself or for
each customer (`{prefix}-0001`). While it counts for itself, `next_invoice_sequence` of customers is
ignored in requests and left out of answers (docstring of `Customer`, stripe 16.1).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dealthread.simulators.stripe.config import format_number
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.world import Context

MAX_SEQUENCE = 1_000_000_000
# docs.stripe.com/invoicing/customize says 3 to 12 characters, the 16.1 docstring 1 to 12.
_PREFIX = re.compile(r"[A-Z0-9]{3,12}")
# Prefixes once used stay taken, so they are remembered beside the customers.
_USED = "invoice_prefixes"


def is_per_customer(ctx: Context) -> bool:
    """Whether this account counts for each customer."""
    return ctx.account.config.invoice_numbering == "customer"


def fields(ctx: Context, params: Json) -> Json:
    """What a new customer carries for its numbers."""
    prefix = params.get("invoice_prefix")
    if prefix is None:
        prefix = new_id("x", 8)[2:].upper()
        while prefix in ctx.account.secret(_USED):
            prefix = new_id("x", 8)[2:].upper()
    else:
        _check_prefix(ctx, prefix)
    made: Json = {"invoice_prefix": prefix}
    if is_per_customer(ctx):
        made["next_invoice_sequence"] = params.get("next_invoice_sequence", 1)
    return made


def take_prefix(ctx: Context, prefix: str) -> None:
    """No other customer can have this prefix any more."""
    ctx.account.secret(_USED)[prefix] = True


def change(ctx: Context, customer: Json, params: Json) -> None:
    """Apply an update's prefix and sequence to a customer."""
    prefix = params.get("invoice_prefix")
    if prefix is not None and prefix != customer["invoice_prefix"]:
        _check_prefix(ctx, prefix)
        customer["invoice_prefix"] = prefix
        take_prefix(ctx, prefix)
    if "next_invoice_sequence" in params and is_per_customer(ctx):
        wanted = params["next_invoice_sequence"]
        if wanted < customer["next_invoice_sequence"]:
            # Only numbers greater than any that was used can be set.
            raise StripeError.refused(
                "The next invoice sequence must be greater than any number used.",
                param="next_invoice_sequence",
            )
        customer["next_invoice_sequence"] = wanted


def assign(ctx: Context, invoice: Json, customer: Json, at: int) -> None:
    """Give an invoice the next number."""
    account = ctx.account
    if is_per_customer(ctx):
        sequence = customer["next_invoice_sequence"]
        invoice["number"] = f"{customer['invoice_prefix']}-{sequence:04d}"
        customer["next_invoice_sequence"] = sequence + 1
        return
    year = datetime.fromtimestamp(at, UTC).year
    invoice["number"] = format_number(
        account.config.number_format, account.next_invoice_number, year
    )
    account.next_invoice_number += 1


def _check_prefix(ctx: Context, prefix: str) -> None:
    if _PREFIX.fullmatch(prefix) is None:
        raise StripeError.invalid(
            "The invoice prefix must be 3-12 uppercase letters or numbers.", param="invoice_prefix"
        )
    if prefix in ctx.account.secret(_USED):
        raise StripeError.refused(
            "This invoice prefix is or was used by another customer.", param="invoice_prefix"
        )
