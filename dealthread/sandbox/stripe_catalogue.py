"""The catalogue at the biller: products and tax rates of every selling company."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, cast

import stripe
from stripe.params import CustomerCreateParams, PriceCreateParams, TaxRateCreateParams

from dealthread.domain.catalog import ConfigSet, TaxCode
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.money import EXPONENTS, UnitPrice
from dealthread.domain.pricing.tier import TierTable
from dealthread.sandbox.loopback import TIMEOUT_SECONDS, loopback_session
from dealthread.stack.info import StackInfo

TAX_CODE = "dealthread_tax_code"
"""Metadata of a tax rate: our code. The billing adapter finds the rate by it."""
CUSTOMER = "dealthread_customer"
"""Metadata of a customer: our customer key."""
TEST_CARD = "pm_card_visa"
"""Stripe's test card that is always accepted (docs.stripe.com/testing)."""
_NAME_LENGTH = 50
"""Longest display name of a tax rate."""


@contextmanager
def billing_clients(stack: StackInfo) -> Iterator[dict[str, stripe.StripeClient]]:
    """Billing account → Stripe's own client, which reaches this machine only."""
    session = loopback_session()
    http = stripe.RequestsClient(timeout=TIMEOUT_SECONDS[1], session=session)
    try:
        yield {
            account: stripe.StripeClient(
                key,
                base_addresses={"api": stack.urls.stripe},
                http_client=http,
                max_network_retries=0,
            )
            for account, key in stack.credentials.stripe_secret_keys.items()
        }
    finally:
        session.close()


def ensure_catalogue(clients: dict[str, stripe.StripeClient], config: ConfigSet) -> int:
    """Create what is missing; how many objects were created."""
    created = 0
    for account in config.billing_accounts:
        client = clients[account.key]
        created += _products(client, config)
        created += _usage_prices(client, config, account.currencies)
        created += _tax_rates(
            client, [code for code in config.tax_codes if code.seller == account.seller]
        )
    return created


def put_card_on_file(client: stripe.StripeClient, customer_key: str, name: str, email: str) -> str:
    """The customer with a card as default, as if it had used the hosted page; the customer's id.

    A customer with this key that is there already is left as it is.
    """
    for row in every(client.v1.customers.list({"limit": 100})):
        if (row.get("metadata") or {}).get(CUSTOMER) == customer_key:
            return str(row["id"])
    params: CustomerCreateParams = {
        "name": name,
        "email": email,
        "metadata": {CUSTOMER: customer_key},
        "payment_method": TEST_CARD,
        "invoice_settings": {"default_payment_method": TEST_CARD},
    }
    created = client.v1.customers.create(
        params, {"idempotency_key": f"sandbox/card/{customer_key}"}
    )
    return str(created.id)


def every(page: Any) -> Iterator[dict[str, Any]]:
    """The rows of a list, every page of it, as plain data."""
    for row in page.auto_paging_iter():
        yield row.to_dict()


def _products(client: stripe.StripeClient, config: ConfigSet) -> int:
    present = {row["id"] for row in every(client.v1.products.list({"limit": 100}))}
    wanted = {row.billing_product: row.name for row in config.products}
    missing = {key: name for key, name in wanted.items() if key not in present}
    for key, name in missing.items():
        client.v1.products.create(
            {"id": key, "name": name}, {"idempotency_key": f"sandbox/product/{key}"}
        )
    return len(missing)


def _usage_prices(
    client: stripe.StripeClient, config: ConfigSet, currencies: tuple[str, ...]
) -> int:
    """The meters, and a price for each currency of the account and each way to bill it."""
    meters = {
        row["event_name"]: row["id"]
        for row in every(client.v1.billing.meters.list({"status": "active", "limit": 100}))
    }
    present = {row["lookup_key"] for row in every(client.v1.prices.list({"limit": 100}))}
    made = 0
    for product in config.products:
        if product.usage is None:
            continue
        meter = product.usage.meter
        if meter not in meters:
            meters[meter] = client.v1.billing.meters.create(
                {
                    "display_name": product.name,
                    "event_name": meter,
                    "default_aggregation": {"formula": "sum"},
                },
                {"idempotency_key": f"sandbox/meter/{meter}"},
            ).id
            made += 1
        for table in product.usage.prices:
            for frequency in product.frequencies:
                months = BillingFrequency(frequency).months
                interval = ("year", months // 12) if months % 12 == 0 else ("month", months)
                currency = table.currency.lower()
                key = f"usage:{product.billing_product}:{currency}:{interval[1]}{interval[0]}"
                if table.currency not in currencies or key in present:
                    continue
                client.v1.prices.create(
                    _usage_price(product.billing_product, table, meters[meter], interval, key),
                    {"idempotency_key": f"sandbox/price/{key}"},
                )
                made += 1
    return made


def _usage_price(
    product: str, table: TierTable, meter: str, interval: tuple[str, int], key: str
) -> PriceCreateParams:
    params = {
        "product": product,
        "currency": table.currency.lower(),
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tax_behavior": "exclusive",
        "lookup_key": key,
        "recurring": {
            "interval": interval[0],
            "interval_count": interval[1],
            "usage_type": "metered",
            "meter": meter,
        },
        "tiers": [
            {
                "up_to": "inf" if tier.up_to is None else int(tier.up_to),
                "unit_amount_decimal": _minor(tier.unit_price),
            }
            for tier in table.tiers
        ],
    }
    return cast("PriceCreateParams", params)


def _minor(price: UnitPrice) -> Decimal:
    """In plain digits, as Stripe reads them."""
    return Decimal(f"{price.amount.scaleb(EXPONENTS[price.currency]).normalize():f}")


def _tax_rates(client: stripe.StripeClient, codes: list[TaxCode]) -> int:
    present: set[tuple[str, Decimal]] = set()
    for row in every(client.v1.tax_rates.list({"active": True, "limit": 100})):
        code = (row.get("metadata") or {}).get(TAX_CODE)
        if code:
            present.add((code, Decimal(str(row["percentage"]))))
    # A code whose rate changes has one for each percentage: what was billed keeps the old one.
    missing = {
        (code.code, code.applied_rate): code
        for code in codes
        if (code.code, code.applied_rate) not in present
    }
    for code in missing.values():
        # Stripe takes the number as text; its own type says float, which would not be exact.
        params = {
            "display_name": (code.wording or code.code)[:_NAME_LENGTH],
            "description": code.code,
            "inclusive": False,
            "percentage": f"{code.applied_rate.normalize():f}",
            "metadata": {TAX_CODE: code.code},
        }
        client.v1.tax_rates.create(cast("TaxRateCreateParams", params))
    return len(missing)
