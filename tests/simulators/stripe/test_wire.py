"""Authentication, parameters, paging, expansion, search and errors, as the client sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.support import (
    DE_KEY,
    US_KEY,
    at,
    card_customer,
    d1_items,
    d2_items,
    running,
    tax_rate,
    unix,
)

Serve = Callable[[Any], str]
NOW = at(2026, 1, 1)


async def test_a_wrong_key_is_refused_and_both_ways_of_sending_a_key_work(serve: Serve) -> None:
    """401 for an unknown or absent key; Bearer and Basic."""
    async with running(serve, now=NOW) as sim:
        async with sim.client("sk_test_nobody_at_all_0001") as client:
            with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
                await client.v1.customers.list_async()
        nothing = await sim.http.get(f"{sim.url}/v1/customers")
        assert nothing.status_code == 401
        basic = await sim.http.get(f"{sim.url}/v1/customers", auth=(US_KEY, ""))
        assert basic.status_code == 200
        assert basic.headers["Request-Id"].startswith("req_")
        assert basic.headers["Stripe-Version"] == "2026-10-28.endive"


async def test_accounts_share_nothing(serve: Serve) -> None:
    """Objects, ids and keys belong to one account."""
    async with running(serve, now=NOW) as sim, sim.client() as us, sim.client(DE_KEY) as de:
        customer = await us.v1.customers.create_async({"name": "Harborline"})
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await de.v1.customers.retrieve_async(customer.id)
        assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
        assert refusal.value.param == "id"
        # A custom product id may exist in both.
        for client in (us, de):
            await client.v1.products.create_async({"id": "seat", "name": "Team seat"})
        with pytest.raises(stripe.InvalidRequestError) as taken:
            await us.v1.products.create_async({"id": "seat", "name": "Team seat"})
        assert taken.value.code == "resource_already_exists"


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"nmae": "x"}, "parameter_unknown", "nmae"),
        ({"address": {"town": "x"}}, "parameter_unknown", "address[town]"),
        ({"shipping": {"name": "x"}}, "parameter_missing", "shipping[address]"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance"),
        ({"tax_exempt": "maybe"}, None, "tax_exempt"),
        ({"test_clock": "clock_1"}, "resource_missing", "test_clock"),
        ({"source": "tok_visa"}, "simulator_unsupported", "source"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
    ],
)
async def test_wrong_parameters_are_refused_by_name(
    serve: Serve, params: Any, code: str | None, param: str
) -> None:
    """400 with the parameter's full name, and nothing is made."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.customers.create_async(params)
        assert (refusal.value.http_status, refusal.value.code) == (400, code)
        assert refusal.value.param == param
        assert (await client.v1.customers.list_async()).data == []


async def test_missing_and_unknown_parameters_of_a_subscription(serve: Serve) -> None:
    """customer is required though the types do not say so; nested typos are found."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        deal = await d1_items(client)
        with pytest.raises(stripe.InvalidRequestError) as missing:
            await client.v1.subscriptions.create_async(deal)  # type: ignore[arg-type]
        assert (missing.value.code, missing.value.param) == ("parameter_missing", "customer")
        customer = await card_customer(client)
        for wrong, code, param in (
            ({"items": [{"prise": "x"}]}, "parameter_unknown", "items[0][prise]"),
            ({"coupon": "x"}, "parameter_unknown", "coupon"),
            ({"discounts": [{"coupon": "x"}]}, "resource_missing", "discounts[0][coupon]"),
            ({"items": [{"price": "price_none"}]}, "resource_missing", "items[0][price]"),
            ({"items": [{"quantity": 1}]}, "parameter_missing", "items[0][price]"),
            ({"collection_method": "send_invoice"}, "parameter_missing", "days_until_due"),
        ):
            params: Any = {**deal, "customer": customer, **wrong}
            with pytest.raises(stripe.InvalidRequestError) as refusal:
                await client.v1.subscriptions.create_async(params)
            assert (refusal.value.code, refusal.value.param) == (code, param)
        assert (await client.v1.subscriptions.list_async({"status": "all"})).data == []


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v1/quotes", 400, "Not carried by this simulator: GET /v1/quotes"),
        ("POST", "/v1/checkout/sessions", 400, "Not carried by this simulator"),
        ("DELETE", "/v1/subscription_schedules/sub_sched_1", 400, "Not carried"),
        ("GET", "/v1/nonsense", 404, "Unrecognized request URL (GET: /v1/nonsense)"),
    ],
)
async def test_what_is_stripes_and_not_carried_is_told_from_what_is_nobodys(
    serve: Serve, method: str, path: str, status: int, words: str
) -> None:
    """The first is the simulator's own refusal, the second is Stripe's 404."""
    async with running(serve, now=NOW) as sim:
        answer = await sim.http.request(
            method, f"{sim.url}{path}", headers={"Authorization": f"Bearer {US_KEY}"}
        )
        error = answer.json()["error"]
        assert answer.status_code == status
        assert words in error["message"]
        assert (error.get("code") == "simulator_unsupported") == (status == 400)


async def test_lists_page_newest_first_with_cursors(serve: Serve) -> None:
    """Default 10, limit 1 to 100, starting_after and ending_before, has_more."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        made = [
            (await client.v1.customers.create_async({"name": str(number)})).id
            for number in range(12)
        ]
        first = await client.v1.customers.list_async()
        assert [one.id for one in first.data] == made[:1:-1]
        assert first.has_more
        rest = await client.v1.customers.list_async({"starting_after": first.data[-1].id})
        assert [one.id for one in rest.data] == [made[1], made[0]]
        assert not rest.has_more
        back = await client.v1.customers.list_async({"ending_before": made[1], "limit": 3})
        assert [one.id for one in back.data] == [made[4], made[3], made[2]]
        paged = await client.v1.customers.list_async({"limit": 5})
        assert [one.id async for one in paged.auto_paging_iter()] == made[::-1]
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.customers.list_async({"limit": 101})


async def test_ids_are_expanded_on_request_also_inside_lists(serve: Serve) -> None:
    """Up to four levels; what names no object cannot be expanded."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer = await card_customer(client)
        await client.v1.subscriptions.create_async({**await d1_items(client), "customer": customer})
        listed = await client.v1.invoices.list_async(
            {"expand": ["data.customer", "data.parent.subscription_details.subscription"]}
        )
        invoice = listed.data[0]
        assert isinstance(invoice.customer, stripe.Customer)
        assert invoice.parent is not None
        assert invoice.parent.subscription_details is not None
        subscription = invoice.parent.subscription_details.subscription
        assert isinstance(subscription, stripe.Subscription)
        plain = await client.v1.invoices.retrieve_async(invoice.id)
        assert plain.customer == customer
        for wrong in ("number", "nothing", "customer.a.b.c.d"):
            with pytest.raises(stripe.InvalidRequestError, match="cannot"):
                await client.v1.invoices.retrieve_async(invoice.id, {"expand": [wrong]})


async def test_search_finds_by_metadata_but_only_after_a_while(serve: Serve) -> None:
    """Absence in a search is no proof: the object is there, the index lags."""
    async with running(serve, now=NOW, search_lag_seconds=0.3) as sim, sim.client() as client:
        query = "metadata['account_key']:'K1' AND name:\"Harborline\""
        customer = await client.v1.customers.create_async(
            {"name": "Harborline", "metadata": {"account_key": "K1"}}
        )
        assert (await client.v1.customers.search_async({"query": query})).data == []
        assert len((await client.v1.customers.list_async()).data) == 1
        sim.clock.advance(timedelta(seconds=0.3))
        found = await client.v1.customers.search_async({"query": query})
        assert [one.id for one in found.data] == [customer.id]
        await client.v1.customers.update_async(customer.id, {"metadata": {"account_key": ""}})
        stale = await client.v1.customers.search_async({"query": query})
        assert [one.id for one in stale.data] == [customer.id]
        sim.clock.advance(timedelta(seconds=0.3))
        assert (await client.v1.customers.search_async({"query": query})).data == []
        with pytest.raises(stripe.InvalidRequestError, match="unsupported search field"):
            await client.v1.customers.search_async({"query": "shoe:'x'"})


async def test_metadata_merges_and_empties(serve: Serve) -> None:
    """New keys are added, empty values remove, an empty whole clears."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer = await client.v1.customers.create_async({"metadata": {"a": "1", "b": "2"}})
        changed = await client.v1.customers.update_async(
            customer.id, {"metadata": {"b": "", "c": "3"}}
        )
        assert changed.metadata is not None
        assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
        cleared = await client.v1.customers.update_async(customer.id, {"metadata": ""})
        assert cleared.metadata is not None
        assert cleared.metadata.to_dict() == {}


async def test_tax_rates_prices_and_payment_methods_are_kept(serve: Serve) -> None:
    """Create, read, list and change; a fixed percentage; archived rates cannot be used."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        rate = await tax_rate(client, 8.875, "US-NY-SAAS")
        kept = await client.v1.tax_rates.retrieve_async(rate)
        assert (kept.percentage, kept.inclusive) == (8.875, False)
        await client.v1.tax_rates.update_async(rate, {"active": False})
        assert (await client.v1.tax_rates.list_async({"active": True})).data == []
        seat = await client.v1.products.create_async({"name": "Team seat"})
        price = await client.v1.prices.create_async(
            {
                "currency": "usd",
                "product": seat.id,
                "unit_amount": 30000,
                "recurring": {"interval": "year"},
                "lookup_key": "seat-std-usd",
            }
        )
        found = await client.v1.prices.list_async({"lookup_keys": ["seat-std-usd"]})
        assert [one.id for one in found.data] == [price.id]
        await client.v1.prices.update_async(price.id, {"nickname": "list"})
        expanded = await client.v1.prices.retrieve_async(price.id, {"expand": ["product"]})
        assert isinstance(expanded.product, stripe.Product)
        customer = await card_customer(client)
        token = await client.v1.payment_methods.create_async(
            {"type": "card", "card": {"token": "tok_mastercard"}}
        )
        await client.v1.payment_methods.attach_async(token.id, {"customer": customer})
        methods = await client.v1.customers.payment_methods.list_async(customer)
        assert [one.card.brand for one in methods.data if one.card] == ["mastercard", "visa"]
        item: Any = {"price": price.id, "tax_rates": [rate]}
        with pytest.raises(stripe.InvalidRequestError, match="archived"):
            await client.v1.subscriptions.create_async({"customer": customer, "items": [item]})
        with pytest.raises(stripe.CardError):
            await client.v1.payment_methods.attach_async(
                "pm_card_visa_chargeDeclined", {"customer": customer}
            )


async def test_one_customer_has_one_currency(serve: Serve) -> None:
    """A customer billed in euro cannot be billed in dollars."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer = await card_customer(client)
        await client.v1.subscriptions.create_async({**await d1_items(client), "customer": customer})
        with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
            await client.v1.subscriptions.create_async(
                {**await d2_items(client), "customer": customer}
            )


async def test_an_issued_invoice_keeps_its_amounts_and_terms(serve: Serve) -> None:
    """invoice_not_editable for terms; metadata stays editable."""
    async with running(serve, now=NOW) as sim, sim.client() as client:
        customer = await card_customer(client)
        subscription = await client.v1.subscriptions.create_async(
            {**await d1_items(client), "customer": customer, "cancel_at": unix(at(2027, 1, 1))}
        )
        assert subscription.cancel_at == unix(at(2027, 1, 1))
        invoice = str(subscription.latest_invoice)
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await client.v1.invoices.update_async(invoice, {"collection_method": "send_invoice"})
        assert refusal.value.code == "invoice_not_editable"
        noted = await client.v1.invoices.update_async(invoice, {"metadata": {"erp": "1"}})
        assert noted.metadata is not None
        assert noted.metadata["erp"] == "1"
        lines = await client.v1.invoices.line_items.list_async(invoice)
        assert len(lines.data) == 2
        paid = await client.v1.invoice_payments.list_async({"invoice": invoice})
        assert [one.amount_paid for one in paid.data] == [1_589_100]
        sim.clock.freeze(at(2027, 1, 2))
        ended = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert (ended.status, ended.ended_at) == ("canceled", unix(at(2027, 1, 1)))
        assert len((await client.v1.invoices.list_async()).data) == 1


async def test_a_refused_change_changes_nothing(serve: Serve) -> None:
    """Half of an update is never kept."""
    async with running(serve, now=NOW) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async({"name": "Nordwerk"})
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        draft = await client.v1.invoices.retrieve_async(str(subscription.latest_invoice))
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.invoices.update_async(
                draft.id, {"collection_method": "charge_automatically", "days_until_due": 14}
            )
        same = await client.v1.invoices.retrieve_async(draft.id)
        assert same.collection_method == "send_invoice"
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.subscriptions.update_async(
                subscription.id, {"days_until_due": 14, "default_payment_method": "pm_none"}
            )
        kept = await client.v1.subscriptions.retrieve_async(subscription.id)
        assert kept.days_until_due == 30
        issued = await client.v1.invoices.finalize_invoice_async(draft.id)
        assert issued.due_date == unix(at(2026, 1, 31))


async def test_the_state_outlives_the_process(
    serve: Serve, tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    """Saved at the end and soon after changes, read at the start: keys and plans included."""
    state = str(tmp_path / "stripe.sqlite")
    async with running(serve, now=NOW, state=state) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async(
            {"name": "Nordwerk"}, {"idempotency_key": "k"}
        )
        subscription = await client.v1.subscriptions.create_async(
            {
                **await d2_items(client),
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
            }
        )
        until(lambda: _holds(state, subscription.id))
    later = NOW + timedelta(hours=1)
    async with running(serve, now=later, state=state) as sim, sim.client(DE_KEY) as client:
        again = await client.v1.customers.create_async(
            {"name": "Nordwerk"}, {"idempotency_key": "k"}
        )
        assert again.id == customer.id
        invoice = await client.v1.invoices.retrieve_async(str(subscription.latest_invoice))
        assert (invoice.status, invoice.number) == ("open", "DE-2026-00001")
        await sim.http.post(f"{sim.url}/_sim/reset")
        assert (await client.v1.customers.list_async()).data == []


def _holds(state: str, text: str) -> bool:
    path = Path(state)
    return path.exists() and text.encode() in path.read_bytes()
