"""Which operation a method and path name, what it accepts, and who answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dealthread.simulators.stripe.balance import routes as balance_routes
from dealthread.simulators.stripe.catalogue import params
from dealthread.simulators.stripe.catalogue import routes as pricing_routes
from dealthread.simulators.stripe.customers import customers, search, tax_ids
from dealthread.simulators.stripe.events import log as events
from dealthread.simulators.stripe.events import webhook_endpoints
from dealthread.simulators.stripe.invoices import routes as settlement_routes
from dealthread.simulators.stripe.payments import payment_methods
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.subscriptions import routes as subscription_routes
from dealthread.simulators.stripe.wire.schema import EXPAND_ONLY, Fields, Spec, listing
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
    *(
        _op(method, path, _retrieve(handler) if isinstance(handler, str) else handler, accepts)
        for method, path, handler, accepts in (
            *pricing_routes.ROWS,
            *subscription_routes.ROWS,
            *settlement_routes.ROWS,
            *balance_routes.ROWS,
        )
    ),
    _op("GET", "events", events.list_events, params.EVENT_LIST),
    _op("GET", "events/{}", events.retrieve),
    _op("POST", "webhook_endpoints", webhook_endpoints.create, params.WEBHOOK_ENDPOINT_CREATE),
    _op("GET", "webhook_endpoints", webhook_endpoints.listed, listing()),
    _op("GET", "webhook_endpoints/{}", _retrieve("webhook_endpoint")),
    _op(
        "POST",
        "webhook_endpoints/{}",
        webhook_endpoints.update,
        params.WEBHOOK_ENDPOINT_UPDATE,
    ),
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
