"""Agreements that are started, held or looked for again: what was made before counts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.documents import AgreementStatus
from dealthread.errors import InvariantBroken
from dealthread.outcome import Done, Rejected, Unknown
from tests.adapters.stripe_network import (
    ACCOUNT,
    AGREEMENT,
    CUSTOMER,
    KEY,
    MARKS,
    START,
    invoice,
    subscription,
)
from tests.adapters.stripe_wire import Routes, page, stripe_error
from tests.support import deals


async def test_a_repeat_that_differs_counts_what_the_first_one_made(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """S4: the request depends on the day; the same key on the other side of a boundary."""
    routes.on("POST", "/v1/subscriptions", stripe_error(400, "idempotency_error"))
    routes.on("GET", "/v1/subscriptions", page(subscription()))
    outcome = await routed_billing.start_agreement(START, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert outcome.value.ref == AGREEMENT.ref


async def test_a_repeat_that_differs_and_made_nothing_is_a_bug_of_ours(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """S4: never a new key blindly."""
    routes.on("POST", "/v1/subscriptions", stripe_error(400, "idempotency_error"))
    routes.on("GET", "/v1/subscriptions", page())
    routes.on("GET", "/v1/subscription_schedules", page())
    with pytest.raises(InvariantBroken):
        await routed_billing.start_agreement(START, idempotency_key=KEY)


async def test_a_saved_server_error_whose_effect_exists_is_done(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """S2: looked up first; nothing is sent under another key."""
    saved = stripe_error(500, "api_error", **{"Idempotent-Replayed": "true"})
    routes.on("POST", "/v1/subscriptions", saved)
    routes.on("GET", "/v1/subscriptions", page(subscription()))
    outcome = await routed_billing.start_agreement(START, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert routes.keys == [KEY]


async def test_a_failure_after_the_effect_is_unknown_and_not_no_effect(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """The subscription is made; holding its draft meets a rate limit."""
    command = START.model_copy(update={"hold_first_invoice": True})
    marks = {**MARKS, "dealthread_hold": "review"}
    draft = invoice(status="draft", auto_advance=True)
    routes.on("POST", "/v1/subscriptions", subscription(metadata=marks, latest_invoice=draft))
    limited = stripe_error(429, "invalid_request_error", "rate_limit", **{"Retry-After": "3"})
    routes.on("POST", "/v1/invoices/in_1", limited)
    outcome = await routed_billing.start_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown)
    assert outcome.code == "effect_not_read_back"
    assert outcome.retry_after is not None
    assert routes.keys == [KEY, f"{KEY}:hold"]


async def test_an_agreement_whose_hold_is_refused_exists_and_is_not_held(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """The subscription is made, so the answer is not "nothing was written"; nor is it `held`."""
    command = START.model_copy(update={"hold_first_invoice": True})
    marks = {**MARKS, "dealthread_hold": "review"}
    draft = invoice(status="draft", auto_advance=True)
    made = subscription(metadata=marks, latest_invoice=draft)
    routes.on("POST", "/v1/subscriptions", made)
    routes.on("GET", "/v1/subscriptions", page(made))
    routes.on("GET", "/v1/subscriptions/sub_1", made)
    refused = stripe_error(400, "invalid_request_error", "invoice_not_editable")
    routes.on("POST", "/v1/invoices/in_1", refused)
    outcome = await routed_billing.start_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert outcome.value.status is AgreementStatus.ACTIVE
    assert outcome.value.bills_by_itself()
    assert (
        await routed_billing.find_agreement(deals.d1(), CUSTOMER, idempotency_key=KEY)
        == outcome.value
    )
    assert routes.keys == [KEY, f"{KEY}:hold"], "a look-up writes nothing"

    for _ in range(2):
        held = await routed_billing.hold_first_invoice(outcome.value, ACCOUNT, idempotency_key=KEY)
        assert isinstance(held, Rejected)
        assert (held.case_kind, held.code) == ("billing.rejected", "invoice_not_editable")
    assert len(set(routes.keys)) == 4, "a stored refusal must not be replayed for ever"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (stripe_error(500, "api_error"), None),
        (invoice(status="draft", auto_advance=False), AgreementStatus.HELD),
    ],
    ids=["server error", "held"],
)
async def test_a_hold_that_is_asked_for_again_says_what_became_of_it(
    routed_billing: StripeBilling, routes: Routes, answer: Any, status: AgreementStatus | None
) -> None:
    """Held, or not known to be."""
    marks = {**MARKS, "dealthread_hold": "review"}
    draft = invoice(status="draft", auto_advance=True)
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(metadata=marks, latest_invoice=draft))
    routes.on("POST", "/v1/invoices/in_1", answer)
    outcome = await routed_billing.hold_first_invoice(AGREEMENT, ACCOUNT, idempotency_key=KEY)
    if status is None:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Done)
        assert outcome.value.status is status


async def test_the_agreement_of_another_act_is_not_ours(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Same contract, another generation: not what this key made."""
    routes.on("GET", "/v1/subscriptions", page(subscription()))
    routes.on("GET", "/v1/subscription_schedules", page())
    other = KEY.replace("#1", "#2")
    assert await routed_billing.find_agreement(deals.d1(), CUSTOMER, idempotency_key=other) is None
    found = await routed_billing.find_agreement(deals.d1(), CUSTOMER, idempotency_key=KEY)
    assert found is not None


@pytest.mark.parametrize(
    ("code", "param", "case_kind"),
    [
        ("parameter_invalid_integer", "days_until_due", "billing.rejected"),
        ("", "", "billing.rejected"),
        ("resource_missing", "items[0][tax_rates][0]", "tax.rejected"),
        ("resource_missing", "items[0][price_data][product]", "catalogue.drift"),
    ],
)
async def test_a_refused_agreement_is_the_billing_teams_case_where_no_better_one_is_known(
    routed_billing: StripeBilling, routes: Routes, code: str, param: str, case_kind: str
) -> None:
    """Tax and catalogue have owners of their own; the rest is billing's."""
    error = {"type": "invalid_request_error", "code": code, "param": param}
    routes.on("POST", "/v1/subscriptions", lambda _: httpx.Response(400, json={"error": error}))
    outcome = await routed_billing.start_agreement(START, idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert outcome.case_kind == case_kind
