"""How a line of an invoice names what it comes from."""

from __future__ import annotations

from dealthread.simulators.stripe.store import Json


def item_parent(
    subscription_id: str | None,
    item_id: str,
    *,
    is_proration: bool = False,
    invoice_item: str | None = None,
    credited: Json | None = None,
) -> Json:
    """How a line names the subscription item it comes from, and the debit it gives back."""
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": invoice_item,
            "proration": is_proration,
            "proration_details": {"credited_items": credited},
            "subscription": subscription_id,
            "subscription_item": item_id,
        },
        "type": "subscription_item_details",
    }


def invoice_item_parent(item_id: str, subscription_id: str | None) -> Json:
    """How a line names the invoice item it comes from."""
    return {
        "invoice_item_details": {
            "invoice_item": item_id,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription_id,
        },
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }
