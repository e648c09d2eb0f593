"""The judge has teeth, and what the simulator accepts is exactly what Stripe's types name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
import stripe
from typing_extensions import is_typeddict

from dealthread.simulators.stripe.routes import OPERATIONS, Operation
from dealthread.simulators.stripe.wire.resources import RESOURCES
from dealthread.simulators.stripe.wire.schema import Fields, Many, Spec
from tests.simulators.stripe import types as stripe_types
from tests.simulators.stripe.types import find, judge_answer, judge_request, operations

# Where the simulator asks for more than Stripe's types, with the reason.
OURS_ONLY = {
    **{
        f"{where}.price_data: required only by us: product": (
            "Stripe requires product or product_data; product_data is not carried"
        )
        for where in (
            "InvoiceAddLinesParams.lines",
            "InvoiceLineItemUpdateParams",
            "InvoiceUpdateLinesParams.lines",
        )
    },
    "PaymentMethodCreateParams: required only by us: type": (
        "Stripe requires it unless an existing method is cloned, which is not carried"
    ),
    "PaymentMethodCreateParams.card: required only by us: token": (
        "card numbers are not taken: only tokens"
    ),
}
# Payment method types Stripe lists beside the card: fifty names nobody here sends.
MANY_KINDS = "PaymentMethodCreateParams"


def test_stripes_own_services_are_read() -> None:
    """Routes come from the installed package; the count guards against reading nothing."""
    assert len(operations()) > 250
    found = find("GET", "/v1/customers/search")
    assert found is not None
    assert found.params == "CustomerSearchParams"


def test_the_first_words_of_stripes_paths_are_those_of_its_package() -> None:
    """What is Stripe's and not carried is told apart from what is nobody's."""
    named: set[str] = set()
    for service in Path(stripe.__file__).parent.rglob("*_service.py"):
        named.update(re.findall(r'"/v1/([a-z_0-9]+)', service.read_text(encoding="utf-8")))
    assert named == RESOURCES


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("customer=c&items[0][prise]=p", "unknown parameter prise"),
        ("coupon=x", "unknown parameter coupon"),
        ("collection_method=by_pigeon", "is none of"),
        ("items[0][quantity]=many", "expected int"),
        ("billing_mode[flexible][proration_discounts]=itemized", "missing parameter type"),
        ("add_invoice_items[0][price_data][recurring][interval]=year", "unknown parameter"),
        ("off_session=yes", "expected bool"),
    ],
)
def test_wrong_requests_are_found(text: str, problem: str) -> None:
    """Nested typos, wrong enumerations, wrong types, missing names."""
    assert any(problem in one for one in judge_request("POST", "/v1/subscriptions", text))


def test_removed_and_unknown_things_are_found() -> None:
    """`iterations` was removed from phases; a path that does not exist is no route."""
    removed = "phases[0][iterations]=2&phases[0][items][0][price]=p"
    assert judge_request("POST", "/v1/subscription_schedules", removed)
    assert judge_request("POST", "/v1/usage_records", "a=b")


def test_wrong_answers_are_found() -> None:
    """Missing, unknown and mistyped fields of an object."""
    problems = judge_answer(
        "GET",
        "/v1/tax_rates/txr_1",
        200,
        {"id": "txr_1", "object": "tax_rate", "percentage": "6.6", "paid": True},
    )
    assert "TaxRate.active: missing" in problems
    assert "TaxRate: unknown field paid" in problems
    assert any("TaxRate.percentage" in problem for problem in problems)
    assert judge_answer("GET", "/v1/tax_rates/txr_1", 404, {"error": {"message": 1}})


def test_every_operation_served_is_one_of_stripes() -> None:
    """No path of our own invention under /v1."""
    for operation in OPERATIONS:
        path = operation.pattern.pattern.strip("^$").replace("([^/]+)", "x_1")
        assert find(operation.method, path) is not None, f"{operation.method} {path}"


def _typed(kind: Any) -> Any:
    """The TypedDict (or list of them) among the alternatives of an annotation."""
    if get_origin(kind) is Union or str(type(kind)).endswith("UnionType'>"):
        for one in get_args(kind):
            found = _typed(one)
            if found is not None:
                return found
        return None
    if is_typeddict(kind):
        return kind
    if isinstance(kind, stripe_types._Generic) and kind.origin is list:
        return _typed(kind.arguments[0])
    return None


def _differences(spec: Spec, kind: Any, where: str) -> Iterator[str]:
    if isinstance(spec, Many):
        yield from _differences(spec.of, kind, where)
        return
    if not isinstance(spec, Fields) or kind is None:
        return
    hints = stripe_types._hints(kind)
    named = set(spec.fields) | spec.unsupported
    yield from (f"{where}: ours alone: {name}" for name in sorted(named - set(hints)))
    if where != MANY_KINDS:
        yield from (f"{where}: not named: {name}" for name in sorted(set(hints) - named))
    for name in spec.required:
        if name in hints and name not in kind.__required_keys__:
            yield f"{where}: required only by us: {name}"
    for name, inner in spec.fields.items():
        if name in hints:
            yield from _differences(inner, _typed(hints[name]), f"{where}.{name}")


def _label(operation: Operation) -> str:
    return operation.method + re.sub(r"\W+", "_", operation.pattern.pattern)


@pytest.mark.parametrize("operation", OPERATIONS, ids=_label)
def test_each_parameter_is_carried_or_named_as_not_carried(operation: Operation) -> None:
    """`parameter_unknown` is answered only for what Stripe does not know either."""
    path = operation.pattern.pattern.strip("^$").replace("([^/]+)", "x_1")
    found = find(operation.method, path)
    assert found is not None
    assert found.params is not None
    kind = stripe_types.params_of(found)
    problems = [
        one for one in _differences(operation.accepts, kind, found.params) if one not in OURS_ONLY
    ]
    assert not problems, "\n".join(problems)
