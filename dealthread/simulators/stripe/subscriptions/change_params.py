"""What the operations on subscription items accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.params import PRORATION, TIME
from dealthread.simulators.stripe.subscriptions.params import (
    CHANGED_ITEM,
    ITEM_FIELDS,
    PAYMENT_BEHAVIOR,
)
from dealthread.simulators.stripe.wire.schema import EXPAND, Fields, Flag, Spec, Text, listing

_BILLED: dict[str, Spec] = {
    "payment_behavior": PAYMENT_BEHAVIOR,
    "proration_behavior": PRORATION,
    "proration_date": TIME,
}
_NOT_CARRIED = CHANGED_ITEM.unsupported - {"clear_usage"}
ITEM_CREATE = Fields(
    {**ITEM_FIELDS, **_BILLED, "expand": EXPAND, "subscription": Text()},
    required=("subscription",),
    unsupported=_NOT_CARRIED,
)
ITEM_UPDATE = Fields(
    {**ITEM_FIELDS, **_BILLED, "expand": EXPAND, "off_session": Flag()},
    unsupported=_NOT_CARRIED,
)
ITEM_DELETE = Fields(_BILLED, unsupported=frozenset({"clear_usage"}))
ITEM_LIST = Fields({**listing().fields, "subscription": Text()}, required=("subscription",))
_UNUSED = Text(choices=("item_current_period_start", "none", "now"))
PAUSE = Fields(
    {
        "bill_for": Fields(
            {
                "outstanding_usage_through": Fields(
                    {"type": Text(choices=("none", "now"))}, required=("type",)
                ),
                "unused_time_from": Fields({"type": _UNUSED}, required=("type",)),
            }
        ),
        "expand": EXPAND,
        "invoicing_behavior": Text(choices=("invoice", "pending_invoice_item")),
        "type": Text(choices=("subscription",)),
    }
)
RESUME = Fields(
    {
        "billing_cycle_anchor": Fields(
            {"type": Text(choices=("now", "unchanged"))}, required=("type",)
        ),
        "expand": EXPAND,
        "payment_behavior": Text(
            choices=("resume_on_payment_attempt", "resume_on_payment_success")
        ),
        "proration_behavior": PRORATION,
        "proration_date": TIME,
    }
)
