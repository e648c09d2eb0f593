"""Request parameters, judged by Stripe's own generated types."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
import stripe.params

from adapters.stripe import preview, requests
from adapters.stripe.plan import midnight, plan_of
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency, CollectionMethod
from tests.adapters.stripe_samples import KEY, NOW, RATES, recurring
from tests.adapters.stripe_types import faults
from tests.support import deals


def ramp() -> Contract:
    """D4."""
    return deals.d4()


def with_order() -> Contract:
    """D2 with the customer's purchase order number."""
    return deals.d2()


def month_end() -> Contract:
    """Monthly from 31 January."""
    start = date(2026, 1, 31)
    base = deals.d1().model_copy(
        update={
            "billing_frequency": BillingFrequency.MONTHLY,
            "start_date": start,
            "end_date": date(2027, 1, 31),
            "committed_until": date(2027, 1, 31),
        }
    )
    contract = recurring(base, "25.00", "1", 1, "300.00")
    return contract.model_copy(
        update={"lines": (contract.lines[0].model_copy(update={"start_date": start}),)}
    )


@pytest.mark.parametrize("contract", [deals.d1(), ramp(), with_order(), month_end()],
                         ids=["D1", "D4", "D2", "month end"])  # fmt: skip
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("renew", [False, True])
def test_requests_fit_stripes_own_types(contract: Contract, hold: bool, renew: bool) -> None:
    """No unknown field, no wrong value: judged by the types that Stripe generates."""
    contract = contract.model_copy(update={"auto_renew": renew})
    plan = plan_of(contract)
    terms = requests.terms_of(contract, KEY, hold)
    shapes: list[tuple[Any, Any]] = [
        (
            stripe.params.SubscriptionCreateParams,
            requests.subscription(plan, terms, "cus_1", RATES, NOW),
        ),
        (
            stripe.params.SubscriptionScheduleCreateParams,
            requests.schedule(plan, terms, "cus_1", RATES),
        ),
        (
            stripe.params.InvoiceCreatePreviewParams,
            preview.request(plan, deals.NORDWERK, RATES, NOW),
        ),
        (
            stripe.params.InvoiceCreatePreviewParams,
            preview.request(plan, deals.NORDWERK, RATES, datetime(2026, 4, 2, tzinfo=UTC)),
        ),
    ]
    for kind, params in shapes:
        assert faults(kind, params) == []
        assert faults(kind, {**params, "invented": 1}) == [".invented: unknown"]
        assert faults(kind, {**params, "expand": "all"}) == [".expand: not a list"]


def test_a_backdated_start_bills_whole_periods_from_it() -> None:
    """Anchored on the next boundary, the time since the start is whole periods."""
    plan = plan_of(deals.d1())
    params = requests.subscription(
        plan, requests.terms_of(deals.d1(), KEY, False), "cus_1", RATES, NOW
    )
    assert params["backdate_start_date"] == int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    assert params["billing_cycle_anchor"] == int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    assert params["cancel_at"] == params["billing_cycle_anchor"]
    assert params["payment_behavior"] == "allow_incomplete"
    assert params["off_session"] is True
    at_start = requests.subscription(
        plan, requests.terms_of(deals.d1(), KEY, False), "cus_1", RATES, midnight(plan.start)
    )
    assert "backdate_start_date" not in at_start


def test_a_cycle_of_the_31st_keeps_its_day() -> None:
    """Anchored by its own start: a timestamp on 28 February would pull it there for good."""
    plan = plan_of(month_end())
    params = requests.subscription(
        plan, requests.terms_of(month_end(), KEY, False), "cus_1", RATES,
        datetime(2026, 2, 3, tzinfo=UTC),
    )  # fmt: skip
    assert params["backdate_start_date"] == int(datetime(2026, 1, 31, tzinfo=UTC).timestamp())
    assert params["billing_mode"] == {"type": "flexible"}
    assert not {"billing_cycle_anchor", "billing_cycle_anchor_config"} & set(params)
    at_start = requests.subscription(
        plan, requests.terms_of(month_end(), KEY, False), "cus_1", RATES, midnight(plan.start)
    )
    assert "backdate_start_date" not in at_start
    assert at_start["billing_cycle_anchor_config"]["day_of_month"] == 31


def test_a_held_invoice_is_collected_by_mail_and_marked() -> None:
    """A draft that is charged automatically would be finalised at once."""
    contract = deals.d1().model_copy(update={"seller_country": "US"})
    terms = requests.terms_of(contract, f"{KEY}~2", True)
    params = requests.subscription(plan_of(contract), terms, "cus_1", RATES, NOW)
    assert contract.collection_method is CollectionMethod.CARD
    assert params["collection_method"] == "send_invoice"
    assert terms.metadata == {
        "dealthread_contract": "C-D1",
        "dealthread_key": KEY,
        "dealthread_deal": contract.deal_id,
        "dealthread_hold": "review",
        "dealthread_collection": "card",
        "dealthread_committed_until": "2027-01-01",
        "dealthread_seller_country": "US",
    }


def test_the_customers_order_number_is_printed_where_collectors_look() -> None:
    """V29: the customer's own number stands on each invoice, never our key."""
    contract = with_order()
    params = requests.subscription(
        plan_of(contract), requests.terms_of(contract, KEY, False), "cus_1", RATES, NOW
    )
    assert json.dumps(params["invoice_settings"]) == json.dumps(
        {"custom_fields": [{"name": "PO number", "value": "4500098765"}]}
    )


def test_a_preview_sends_the_place_and_no_name() -> None:
    """Only what may decide a tax."""
    params = preview.request(plan_of(deals.d1()), deals.HARBORLINE, RATES, NOW)
    text = repr(params)
    assert "Austin" in text
    for private in (deals.HARBORLINE.legal_name, deals.HARBORLINE.billing_address.street):
        assert private not in text


def test_the_judge_of_request_shapes_bites_below_the_surface() -> None:
    """An unknown or wrong value inside an item is found, too."""
    plan = plan_of(deals.d1())
    terms = requests.terms_of(deals.d1(), KEY, False)
    params: Any = requests.subscription(plan, terms, "cus_1", RATES, NOW)
    kind = stripe.params.SubscriptionCreateParams
    params["items"][0]["price_data"]["amount"] = 1
    assert faults(kind, params) == [".items[0].price_data.amount: unknown"]
    del params["items"][0]["price_data"]["amount"]
    params["items"][0]["price_data"]["recurring"]["interval"] = "years"
    assert len(faults(kind, params)) == 1
    del params["items"][0]["price_data"]["product"]
    assert ".items[0].price_data.product: missing" in faults(kind, params)
