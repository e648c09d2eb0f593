"""Which operation a method and path name, what it accepts, and who answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dealthread.simulators.stripe import (
    billing_params,
    catalogue,
    credit_notes,
    customers,
    events,
    invoice_item_params,
    invoice_items,
    invoices,
    params,
    payment_methods,
    previews,
    prices,
    schedule_params,
    schedules,
    search,
    subscriptions,
    tax_ids,
    test_clock_params,
    test_clocks,
    webhook_endpoints,
)
from dealthread.simulators.stripe.schema import EXPAND_ONLY, Fields, Spec, listing
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.world import Context

Handler = Callable[..., Json]


@dataclass(frozen=True)
class Operation:
    """One operation of the API."""

    method: str
    pattern: re.Pattern[str]
    accepts: Spec
    handler: Handler


def _op(method: str, path: str, handler: Handler, accepts: Spec = EXPAND_ONLY) -> Operation:
    """`{}` in the path stands for an id and becomes an argument of the handler."""
    pattern = re.compile("^/v1/" + path.replace("{}", "([^/]+)") + "$")
    return Operation(method, pattern, accepts, handler)


def _retrieve(kind: str) -> Handler:
    def retrieve(ctx: Context, given: Json, object_id: str) -> Json:  # noqa: ARG001 handler's shape
        return ctx.get(kind, object_id)

    return retrieve


_NOTHING = Fields({})
# The first match wins: fixed words stand before ids.
OPERATIONS: tuple[Operation, ...] = (
    _op("POST", "products", prices.create_with_default, params.PRODUCT_CREATE),
    _op("GET", "products", catalogue.list_products, params.PRODUCT_LIST),
    _op("GET", "products/{}", _retrieve("product")),
    _op("POST", "products/{}", catalogue.update_product, params.PRODUCT_UPDATE),
    _op("POST", "prices", prices.create, params.PRICE_CREATE),
    _op("GET", "prices", prices.listed, params.PRICE_LIST),
    _op("GET", "prices/{}", _retrieve("price")),
    _op("POST", "prices/{}", prices.update, params.PRICE_UPDATE),
    _op("POST", "tax_rates", catalogue.create_tax_rate, params.TAX_RATE_CREATE),
    _op("GET", "tax_rates", catalogue.list_tax_rates, params.TAX_RATE_LIST),
    _op("GET", "tax_rates/{}", _retrieve("tax_rate")),
    _op("POST", "tax_rates/{}", catalogue.update_tax_rate, params.TAX_RATE_UPDATE),
    _op("POST", "customers", customers.create, params.CUSTOMER_CREATE),
    _op("GET", "customers", customers.listed, params.CUSTOMER_LIST),
    _op("GET", "customers/search", search.customers, params.CUSTOMER_SEARCH),
    _op("GET", "customers/{}", _retrieve("customer")),
    _op("POST", "customers/{}", customers.update, params.CUSTOMER_UPDATE),
    _op("DELETE", "customers/{}", customers.delete, _NOTHING),
    _op(
        "GET",
        "customers/{}/payment_methods",
        payment_methods.of_customer,
        params.CUSTOMER_METHOD_LIST,
    ),
    _op("POST", "customers/{}/tax_ids", tax_ids.create, params.TAX_ID_CREATE),
    _op("GET", "customers/{}/tax_ids", tax_ids.listed, listing()),
    _op("GET", "customers/{}/tax_ids/{}", tax_ids.retrieve),
    _op("DELETE", "customers/{}/tax_ids/{}", tax_ids.delete, _NOTHING),
    _op("POST", "payment_methods", payment_methods.create, params.PAYMENT_METHOD_CREATE),
    _op("GET", "payment_methods", payment_methods.listed, params.PAYMENT_METHOD_LIST),
    _op("GET", "payment_methods/{}", _retrieve("payment_method")),
    _op(
        "POST",
        "payment_methods/{}/attach",
        payment_methods.attach,
        params.PAYMENT_METHOD_ATTACH,
    ),
    _op("POST", "subscriptions", subscriptions.create, billing_params.SUBSCRIPTION_CREATE),
    _op("GET", "subscriptions", subscriptions.listed, billing_params.SUBSCRIPTION_LIST),
    _op("GET", "subscriptions/{}", _retrieve("subscription")),
    _op("POST", "subscriptions/{}", subscriptions.update, billing_params.SUBSCRIPTION_UPDATE),
    _op("DELETE", "subscriptions/{}", subscriptions.cancel, billing_params.SUBSCRIPTION_CANCEL),
    _op("POST", "subscription_schedules", schedules.create, schedule_params.SCHEDULE_CREATE),
    _op("GET", "subscription_schedules", schedules.listed, schedule_params.SCHEDULE_LIST),
    _op("GET", "subscription_schedules/{}", _retrieve("subscription_schedule")),
    _op("POST", "subscription_schedules/{}", schedules.update, schedule_params.SCHEDULE_UPDATE),
    _op(
        "POST",
        "subscription_schedules/{}/cancel",
        schedules.cancel,
        schedule_params.SCHEDULE_CANCEL,
    ),
    _op(
        "POST",
        "subscription_schedules/{}/release",
        schedules.release,
        schedule_params.SCHEDULE_RELEASE,
    ),
    _op("POST", "invoiceitems", invoice_items.create, invoice_item_params.INVOICE_ITEM_CREATE),
    _op("GET", "invoiceitems", invoice_items.listed, invoice_item_params.INVOICE_ITEM_LIST),
    _op("GET", "invoiceitems/{}", _retrieve("invoiceitem")),
    _op("DELETE", "invoiceitems/{}", invoice_items.delete, _NOTHING),
    _op("POST", "invoices/create_preview", previews.create, schedule_params.INVOICE_PREVIEW),
    _op("GET", "invoices", invoices.listed, billing_params.INVOICE_LIST),
    _op("GET", "invoices/{}", _retrieve("invoice")),
    _op("POST", "invoices/{}", invoices.update, billing_params.INVOICE_UPDATE),
    _op("DELETE", "invoices/{}", invoices.delete, _NOTHING),
    _op("GET", "invoices/{}/lines", invoices.lines, listing()),
    _op("POST", "invoices/{}/finalize", invoices.finalize, billing_params.INVOICE_FINALIZE),
    _op("POST", "invoices/{}/pay", invoices.pay, billing_params.INVOICE_PAY),
    _op("POST", "invoices/{}/void", invoices.void),
    _op("GET", "invoice_payments", invoices.payments, params.INVOICE_PAYMENT_LIST),
    _op("GET", "invoice_payments/{}", _retrieve("invoice_payment")),
    _op("POST", "credit_notes", credit_notes.create, params.CREDIT_NOTE),
    _op("GET", "credit_notes/preview", credit_notes.preview, params.CREDIT_NOTE),
    _op("GET", "credit_notes", credit_notes.listed, params.CREDIT_NOTE_LIST),
    _op("GET", "credit_notes/{}", _retrieve("credit_note")),
    _op("GET", "events", events.list_events, params.EVENT_LIST),
    _op("GET", "events/{}", _retrieve("event")),
    _op(
        "POST",
        "test_helpers/test_clocks/{}/advance",
        test_clocks.advance,
        test_clock_params.CLOCK_ADVANCE,
    ),
    _op("POST", "test_helpers/test_clocks", test_clocks.create, test_clock_params.CLOCK_CREATE),
    _op("GET", "test_helpers/test_clocks", test_clocks.listed, listing()),
    _op("GET", "test_helpers/test_clocks/{}", _retrieve("test_clock")),
    _op("DELETE", "test_helpers/test_clocks/{}", test_clocks.delete, _NOTHING),
    _op("POST", "webhook_endpoints", webhook_endpoints.create, params.WEBHOOK_ENDPOINT_CREATE),
    _op("GET", "webhook_endpoints", webhook_endpoints.listed, listing()),
    _op("GET", "webhook_endpoints/{}", _retrieve("webhook_endpoint")),
    _op("DELETE", "webhook_endpoints/{}", webhook_endpoints.delete, _NOTHING),
)


def find(method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
    """The operation and the ids in its path."""
    for operation in OPERATIONS:
        if operation.method != method:
            continue
        match = operation.pattern.match(path)
        if match is not None:
            return operation, match.groups()
    return None
