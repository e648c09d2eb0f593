"""What the operations on subscription items accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.billing_params import (
    CHANGED_ITEM,
    ITEM_FIELDS,
    PAYMENT_BEHAVIOR,
)
from dealthread.simulators.stripe.params import PRORATION, TIME
from dealthread.simulators.stripe.schema import EXPAND, Fields, Flag, Spec, Text, listing

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
