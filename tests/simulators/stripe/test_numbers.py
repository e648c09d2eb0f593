"""Invoice numbers in sequence: for the account, or for each customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from dealthread.simulators.stripe.config import AccountConfig
from tests.simulators.stripe.settlement import charged, payer
from tests.simulators.stripe.support import US_KEY, at, running

Serve = Callable[[Any], str]
PER_CUSTOMER = {
    "accounts": (AccountConfig(id="acct_us", secret_key=US_KEY, invoice_numbering="customer"),)
}


async def test_numbers_per_customer_as_stripe_publishes_them(serve: Serve) -> None:
    """docs.stripe.com/invoicing/customize: TYPGRA-0001, TYPGRA-0002; others do not disturb."""
    async with running(serve, now=at(2026, 1, 1), **PER_CUSTOMER) as sim, sim.client() as client:
        one = await payer(client, invoice_prefix="TYPGRA")
        other = await payer(client)
        numbers = []
        for customer in (one, other, one):
            numbers.append((await charged(client, customer, 1000)).number)
        prefix = (await client.v1.customers.retrieve_async(other)).invoice_prefix
        assert numbers == ["TYPGRA-0001", f"{prefix}-0001", "TYPGRA-0002"]
        assert (await client.v1.customers.retrieve_async(one)).next_invoice_sequence == 3


async def test_a_customers_sequence_can_go_on_from_an_older_system(serve: Serve) -> None:
    """Same page: left off at 123, resumed at 124; never back, never another's prefix."""
    async with running(serve, now=at(2026, 1, 1), **PER_CUSTOMER) as sim, sim.client() as client:
        customer = await payer(client, invoice_prefix="OLD123", next_invoice_sequence=124)
        assert (await charged(client, customer, 1000)).number == "OLD123-0124"
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.customers.update_async(customer, {"next_invoice_sequence": 124})
        await client.v1.customers.update_async(customer, {"next_invoice_sequence": 200})
        await client.v1.customers.update_async(customer, {"invoice_prefix": "NEW123"})
        assert (await charged(client, customer, 1000)).number == "NEW123-0200"
        for taken in ("OLD123", "NEW123", "no", "TOOLONGAPREFIX"):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await payer(client, invoice_prefix=taken)
            assert refused.value.param == "invoice_prefix"


async def test_an_account_that_counts_for_itself_shows_no_customer_sequence(serve: Serve) -> None:
    """Docstring of `Customer.next_invoice_sequence`: ignored in requests, left out of answers."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client, next_invoice_sequence=50)
        assert "next_invoice_sequence" not in (await client.v1.customers.retrieve_async(customer))
        numbers = [(await charged(client, customer, 1000)).number for _ in range(2)]
        assert numbers == ["US-000001", "US-000002"]
