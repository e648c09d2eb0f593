"""What was really billed for a subscription item: the ground of every credit.

Source: docs.stripe.com/billing/subscriptions/billing-mode/compare and /prorations#credit-prorations
(flexible billing): a credit uses the amount originally debited, after discounts, not the present
price; time that was billed by several debits gives one credit for each. Amounts in minor units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import Context

_CREDITED = "credited"


@dataclass(frozen=True)
class Debit:
    """One line of an invoice, or one item still pending, that billed some time in advance."""

    # The invoice item it came from, else its line: the same before and after it is invoiced.
    key: str
    amount: int
    period: tuple[int, int]
    price_id: str
    quantity: int
    # The tax rates that were on it; None: those that will apply by default.
    tax_rates: Sequence[Json] | None
    invoice: str | None = None
    line: str | None = None

    def as_item_shows(self) -> Json:
        """`credited_items` of the invoice item that credits this debit."""
        if self.invoice is None:
            return {
                "invoice_item": self.key,
                "invoice_line_item_details": None,
                "type": "invoice_item",
            }
        return {
            "invoice_item": None,
            "invoice_line_item_details": {
                "invoice": self.invoice,
                "invoice_line_items": [self.line],
            },
            "type": "invoice_line_items",
        }


@dataclass(frozen=True)
class Unused:
    """The part of a debit that nothing has credited yet: from an instant to the debit's end."""

    debit: Debit
    until: int
    # What earlier credits left of the amount.
    left: int


def of_item(ctx: Context, subscription: Json, item_id: str) -> list[Debit]:
    """The debits of an item, oldest first. Those of a voided invoice are none any more."""
    found: list[Debit] = []
    account = ctx.account
    for invoice in account.related("invoice.subscription", "invoice", subscription["id"]):
        if invoice["status"] != "void":
            found += _of_invoice(ctx, invoice, item_id)
    for row in account.related("invoiceitem.customer", "invoiceitem", subscription["customer"]):
        parent = row["parent"]
        owner = None if parent is None else parent["subscription_details"]["subscription_item"]
        if row["invoice"] is None and owner == item_id and row["amount"] > 0:
            found.append(
                Debit(
                    key=row["id"],
                    amount=row["amount"],
                    period=(row["period"]["start"], row["period"]["end"]),
                    price_id=row["pricing"]["price_details"]["price"],
                    quantity=row["quantity"],
                    tax_rates=row["tax_rates"] or None,
                )
            )
    return found


def _of_invoice(ctx: Context, invoice: Json, item_id: str) -> Iterator[Debit]:
    for line in ctx.account.secret(invoice["id"])["lines"]:
        details = line["parent"]["subscription_item_details"]
        if details is None or details["subscription_item"] != item_id or line["amount"] <= 0:
            continue
        discounts = sum(one["amount"] for one in line["discount_amounts"])
        yield Debit(
            key=details["invoice_item"] or line["id"],
            amount=line["amount"] - discounts,
            period=(line["period"]["start"], line["period"]["end"]),
            price_id=line["pricing"]["price_details"]["price"],
            quantity=line["quantity"],
            tax_rates=[
                ctx.get("tax_rate", tax["tax_rate_details"]["tax_rate"]) for tax in line["taxes"]
            ],
            invoice=invoice["id"],
            line=line["id"],
        )


def unused(ctx: Context, subscription: Json, item_id: str) -> list[Unused]:
    """What of an item's debits no credit has given back yet."""
    found = []
    for debit in of_item(ctx, subscription, item_id):
        credits = [one for one in _credits(ctx, item_id) if one["debit"] == debit.key]
        until = min([debit.period[1], *(one["from"] for one in credits)])
        left = debit.amount - sum(one["amount"] for one in credits)
        if until > debit.period[0] and left > 0:
            found.append(Unused(debit, until, left))
    return found


def _credits(ctx: Context, item_id: str) -> list[Json]:
    kept: list[Json] = ctx.account.hidden.get(item_id, {}).get(_CREDITED, [])
    # A credit that was deleted while it was pending gives nothing back.
    return [one for one in kept if ctx.account.find("invoiceitem", one["item"]) is not None]


def remember_credit(ctx: Context, item_id: str, debit: Debit, invoice_item: Json) -> None:
    """A credit was made: the debit's time from its start on is given back."""
    record = {
        "item": invoice_item["id"],
        "debit": debit.key,
        "from": invoice_item["period"]["start"],
        "amount": -invoice_item["amount"],
    }
    ctx.account.secret(item_id).setdefault(_CREDITED, []).append(record)
