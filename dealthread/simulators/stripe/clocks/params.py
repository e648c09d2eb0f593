"""What the operations on test clocks accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.params import TIME
from dealthread.simulators.stripe.wire.schema import EXPAND, Fields, Text

CLOCK_CREATE = Fields(
    {"expand": EXPAND, "frozen_time": TIME, "name": Text(max_length=300)},
    required=("frozen_time",),
    unsupported=frozenset({"customer"}),
)
CLOCK_ADVANCE = Fields({"expand": EXPAND, "frozen_time": TIME}, required=("frozen_time",))
