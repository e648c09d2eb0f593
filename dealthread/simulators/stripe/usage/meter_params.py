"""What the operations on meters and meter events accept, as Stripe documents them."""

from __future__ import annotations

from dealthread.simulators.stripe.catalogue.params import TIME
from dealthread.simulators.stripe.wire.schema import EXPAND, Fields, Metadata, Text, listing

_KEY = Fields({"event_payload_key": Text(max_length=100)}, required=("event_payload_key",))
METER_CREATE = Fields(
    {
        "customer_mapping": Fields(
            {**_KEY.fields, "type": Text(choices=("by_id",))},
            required=("event_payload_key", "type"),
        ),
        "default_aggregation": Fields(
            {"formula": Text(choices=("count", "last", "sum"))}, required=("formula",)
        ),
        "display_name": Text(max_length=250),
        "event_name": Text(max_length=100),
        "event_time_window": Text(choices=("day", "hour")),
        "expand": EXPAND,
        "value_settings": _KEY,
    },
    required=("default_aggregation", "display_name", "event_name"),
)
METER_UPDATE = Fields({"display_name": Text(max_length=250), "expand": EXPAND})
METER_LIST = listing({"status": Text(choices=("active", "inactive"))})
EVENT_SUMMARY_LIST = Fields(
    {
        **listing().fields,
        "customer": Text(),
        "end_time": TIME,
        "start_time": TIME,
    },
    required=("customer", "end_time", "start_time"),
    # Whether windows without usage are answered, no page at hand says.
    unsupported=frozenset({"value_grouping_window"}),
)
METER_EVENT_CREATE = Fields(
    {
        "event_name": Text(max_length=100),
        "expand": EXPAND,
        "identifier": Text(max_length=100),
        "payload": Metadata(),
        "timestamp": TIME,
    },
    required=("event_name", "payload"),
)
METER_EVENT_ADJUSTMENT_CREATE = Fields(
    {
        "cancel": Fields({"identifier": Text(max_length=100)}),
        "event_name": Text(max_length=100),
        "expand": EXPAND,
        "type": Text(choices=("cancel",)),
    },
    required=("event_name", "type"),
)
