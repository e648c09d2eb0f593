"""The operations on subscriptions, their items and schedules, on previews, and on test clocks.

A row is as in `settlement_routes`.
"""

from __future__ import annotations

from dealthread.simulators.stripe.clocks import params as test_clock_params
from dealthread.simulators.stripe.clocks import test_clocks
from dealthread.simulators.stripe.invoices import previews
from dealthread.simulators.stripe.invoices.routes import Row
from dealthread.simulators.stripe.subscriptions import (
    change_params,
    schedule_changes,
    schedule_params,
    schedules,
)
from dealthread.simulators.stripe.subscriptions import items as subscription_items
from dealthread.simulators.stripe.subscriptions import params as billing_params
from dealthread.simulators.stripe.subscriptions import pause as subscription_pause
from dealthread.simulators.stripe.subscriptions import requests as subscriptions
from dealthread.simulators.stripe.subscriptions import update as subscription_update
from dealthread.simulators.stripe.wire.schema import EXPAND_ONLY, Fields, listing

_NOTHING = Fields({})
_SUBSCRIPTION, _ITEM = "subscriptions/{}", "subscription_items/{}"
_SCHEDULE, _CLOCKS = "subscription_schedules/{}", "test_helpers/test_clocks"
_CLOCK = f"{_CLOCKS}/{{}}"

ROWS: tuple[Row, ...] = (
    ("POST", "subscriptions", subscriptions.create, billing_params.SUBSCRIPTION_CREATE),
    ("GET", "subscriptions", subscriptions.listed, billing_params.SUBSCRIPTION_LIST),
    ("GET", _SUBSCRIPTION, "subscription", EXPAND_ONLY),
    ("POST", _SUBSCRIPTION, subscription_update.update, billing_params.SUBSCRIPTION_UPDATE),
    ("DELETE", _SUBSCRIPTION, subscriptions.cancel, billing_params.SUBSCRIPTION_CANCEL),
    ("POST", f"{_SUBSCRIPTION}/pause", subscription_pause.pause, change_params.PAUSE),
    ("POST", f"{_SUBSCRIPTION}/resume", subscription_pause.resume, change_params.RESUME),
    ("POST", "subscription_items", subscription_items.create, change_params.ITEM_CREATE),
    ("GET", "subscription_items", subscription_items.listed, change_params.ITEM_LIST),
    ("GET", _ITEM, subscription_items.retrieve, EXPAND_ONLY),
    ("POST", _ITEM, subscription_items.update, change_params.ITEM_UPDATE),
    ("DELETE", _ITEM, subscription_items.delete, change_params.ITEM_DELETE),
    ("POST", "subscription_schedules", schedule_changes.create, schedule_params.SCHEDULE_CREATE),
    ("GET", "subscription_schedules", schedules.listed, schedule_params.SCHEDULE_LIST),
    ("GET", _SCHEDULE, "subscription_schedule", EXPAND_ONLY),
    ("POST", _SCHEDULE, schedule_changes.update, schedule_params.SCHEDULE_UPDATE),
    ("POST", f"{_SCHEDULE}/cancel", schedules.cancel, schedule_params.SCHEDULE_CANCEL),
    ("POST", f"{_SCHEDULE}/release", schedules.release, schedule_params.SCHEDULE_RELEASE),
    ("POST", "invoices/create_preview", previews.create, schedule_params.INVOICE_PREVIEW),
    ("POST", _CLOCKS, test_clocks.create, test_clock_params.CLOCK_CREATE),
    ("GET", _CLOCKS, test_clocks.listed, listing()),
    ("GET", _CLOCK, "test_clock", EXPAND_ONLY),
    ("DELETE", _CLOCK, test_clocks.delete, _NOTHING),
    ("POST", f"{_CLOCK}/advance", test_clocks.advance, test_clock_params.CLOCK_ADVANCE),
)
