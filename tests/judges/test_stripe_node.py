"""stripe for Node, unmodified, carries deals through the Stripe simulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.types import ASGIApp

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.config import API_VERSION, AccountConfig, SimulatorConfig
from tests.judges.conftest import NodeRunner

pytestmark = pytest.mark.judges

KEY = "sk_test_judged_by_node_0001"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def seen(node: NodeRunner, serve: Callable[[ASGIApp], str]) -> dict[str, Any]:
    """What the scenario saw, in an account of its own whose clock stands still."""
    account = AccountConfig(id="acct_judged", secret_key=KEY, number_format="J-{:06d}")
    config = SimulatorConfig(accounts=(account,), tick_seconds=0.02, search_lag_seconds=0)
    url = serve(create_app(config, SimClock(frozen_at=NOW)))
    answer: dict[str, Any] = node("stripe_scenario.cjs", {"url": url, "key": KEY})
    return answer


def refused(kind: str, status: int, **more: str) -> dict[str, Any]:
    """An error as stripe for Node raises it."""
    return {"type": f"Stripe{kind}Error", "status": status, **more}


def test_an_invoiced_subscription_goes_from_draft_to_open_to_void(seen: dict[str, Any]) -> None:
    """40 × 444.00 EUR a year and 19 % VAT, thirty days to pay; the number comes when it opens."""
    assert seen["version"] == API_VERSION
    assert seen["subscription"] == {
        "status": "active",
        "quantity": 40,
        "price": [44400, "eur", "year"],
        "product": "seat",
    }
    amounts = {
        "subtotal": 1_776_000,
        "total": 2_113_440,
        "due": 2_113_440,
        "lines": [[40, 1_776_000]],
    }
    assert seen["draft"] == {"status": "draft", "number": None, **amounts}
    assert seen["open"] == {"status": "open", "number": "J-000001", **amounts}
    assert (seen["daysUntilDue"], seen["lines"]) == (30, 1)
    not_editable = refused("InvalidRequest", 400, code="invoice_not_editable")
    assert seen["deletion"] == seen["finalisedTwice"] == not_editable
    assert (seen["voided"], seen["cancelled"]) == ("void", "canceled")


def test_a_card_pays_at_once_or_is_declined(seen: dict[str, Any]) -> None:
    """5 × 270.00 USD; a credit note of a paid invoice must say where the money goes."""
    assert seen["paid"] == ["active", "paid", 135_000]
    assert seen["creditOfNothing"]["type"] == "StripeInvalidRequestError"
    assert seen["credited"] == ["issued", 135_000]
    declined = refused("Card", 402, code="card_declined", decline="generic_decline")
    assert seen["declined"] == declined


def test_a_key_makes_one_object_and_refuses_other_uses(seen: dict[str, Any]) -> None:
    """Same key and parameters: the saved answer; anything else: an idempotency error."""
    assert (seen["sameCustomer"], seen["otherOrder"], seen["customerCount"]) == (True, True, 1)
    assert seen["echoedKey"] == "deal-1/customer"
    assert seen["otherParameters"] == seen["otherEndpoint"] == refused("Idempotency", 400)


def test_lists_page_forwards_backwards_and_by_themselves(seen: dict[str, Any]) -> None:
    """Thirteen products in fives: cursors, has_more, and the client's own iteration."""
    assert seen["pages"] == [[5, True], [5, True], [5, False]]
    assert seen["pagesMeet"] is True
    assert seen["allPages"] == [13, 13]
    assert seen["found"] == ["Harborline LLC"]


def test_errors_arrive_as_the_classes_of_the_client(seen: dict[str, Any]) -> None:
    """Type, code and parameter, from which a program decides."""
    missing = "resource_missing"
    expected = {
        "badCursor": refused("InvalidRequest", 400, code=missing, param="starting_after"),
        "noSuchCustomer": refused("InvalidRequest", 404, code=missing, param="id"),
        "noSuchInParameter": refused("InvalidRequest", 400, code=missing, param="customer"),
        "unknownParameter": refused(
            "InvalidRequest", 400, code="parameter_unknown", param="nonsense"
        ),
        "missingParameter": refused("InvalidRequest", 400, code="parameter_missing", param="name"),
        "badKey": refused("Authentication", 401),
    }
    assert {step: seen[step] for step in expected} == expected


def test_every_webhook_verifies_and_a_changed_one_does_not(seen: dict[str, Any]) -> None:
    """The library checks each delivery's signature with the endpoint's secret."""
    not_signed = "StripeSignatureVerificationError"
    assert (seen["changedBody"], seen["wrongSecret"]) == (not_signed, not_signed)
    assert (seen["sameEvent"], seen["eventVersion"]) == (True, API_VERSION)
    assert seen["endpointDeleted"] is True
