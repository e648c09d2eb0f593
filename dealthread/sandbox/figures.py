"""First invoices and bookings against the published figures, read back from Stripe and Tryton."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dealthread.sandbox.narration import amount_text
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stage import Stage
from dealthread.sandbox.worked_deals import FIGURES


def compare_figures(stage: Stage, deals: Sequence[Entered]) -> None:
    """First invoice and booking against the published figures, to the cent."""
    rows: list[tuple[str, ...]] = []
    for deal in deals:
        wanted = FIGURES[deal.sale.code]
        agreements = [row for row in stage.billing.of(deal.contract_key) if row.is_live]
        invoice = stage.billing.first_invoice(agreements[0]) if len(agreements) == 1 else None
        sales = stage.tryton.sales(
            [["party.code", "=", deal.customer_key], ["state", "!=", "cancelled"]]
        )
        if invoice is None or len(sales) != 1:
            stage.check(
                False,
                f"{deal.name}: {len(agreements)} agreements, {len(sales)} orders, "
                f"{'an' if invoice else 'no'} invoice",
            )
            continue
        sale = sales[0]
        found: list[tuple[str, Decimal, Decimal]] = [
            ("invoice net", invoice.net, wanted.invoice_net),
            ("invoice tax", invoice.tax, wanted.invoice_tax),
            ("invoice total", invoice.total, wanted.invoice_total),
            ("order net", sale["untaxed_amount"], wanted.booking_net),
            ("order tax", sale["tax_amount"], wanted.booking_tax),
            ("order total", sale["total_amount"], wanted.booking_total),
        ]
        rows += [
            (deal.sale.code, what, amount_text(seen, wanted.currency), f"{right:,.2f}")
            for what, seen, right in found
        ]
        differing = [what for what, seen, right in found if seen != right]
        stage.check(
            not differing,
            f"{deal.sale.code}: invoice {invoice.number} ({invoice.status}) and order "
            f"{sale['number']} ({sale['state']}) to the cent"
            + (f", but not {', '.join(differing)}" if differing else ""),
        )
        _compare_context(stage, deal, invoice.currency, sale)
    stage.say.rows(("deal", "figure", "found", "published"), rows)


def _compare_context(stage: Stage, deal: Entered, billed_in: str, sale: dict[str, object]) -> None:
    """Customer, parent, currency and purchase order."""
    customer = deal.sale.customer
    parents = stage.tryton.parents(deal.customer_key)
    wanted_parents = [customer.parent.name] if customer.parent else []
    for what, found, right in (
        ("customer", sale["party.name"], customer.name),
        ("parent", parents, wanted_parents),
        ("currency of the order", sale["currency.code"], customer.currency),
        ("currency of the invoice", billed_in, customer.currency),
        ("purchase order", sale["description"] or "", deal.sale.po_number),
    ):
        stage.check(
            found == right, f"{deal.sale.code}: {what} {_shown(found)}" + _other(found, right)
        )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"


def _other(found: object, right: object) -> str:
    return "" if found == right else f", should be {_shown(right)}"
