"""Prices of usage at the biller, found by a key that follows from the product.

A metered price cannot be given with a subscription as the others are (`price_data` knows neither
meters nor tiers, docs.stripe.com/api/subscriptions/create): it is part of the catalogue, as tax
rates are. What it says must be what the contract agreed, tier by tier, or nothing is started.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from adapters.stripe import translate
from adapters.stripe.clients import BillingAccount
from adapters.stripe.plan import Charge, Every
from dealthread.domain.money import EXPONENTS
from dealthread.domain.usage.terms import UsageTerms
from dealthread.errors import StepRejected

_UNMAPPED, _DRIFT = "catalogue.unmapped", "catalogue.drift"


def lookup_key(product: str, currency: str, every: Every) -> str:
    """How the catalogue names a metered price: `usage:api-use:gbp:1month`."""
    return f"usage:{product}:{currency}:{every.count}{every.interval}"


def key_of(charge: Charge) -> str:
    """Of a charge of usage."""
    assert charge.every is not None  # noqa: S101 - usage recurs
    return lookup_key(charge.product, charge.currency, charge.every)


class UsagePrices:
    """Cached per account: a price of Stripe's never changes its tiers, but a key may move to
    another price; what does not fit is read once more before it is refused."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    async def of(self, account: BillingAccount, charges: Iterable[Charge]) -> dict[str, str]:
        """Lookup key → price id. Raises StepRejected where the account lacks the price, or has
        another one."""
        found: dict[str, str] = {}
        for charge in charges:
            if charge.usage is None:
                continue
            key = key_of(charge)
            known = (account.key, f"{key}:{charge.usage.model_dump_json()}")
            if known not in self._known:
                self._known[known] = await _checked(account, charge.usage, key, charge.product)
            found[key] = self._known[known]
        return found


async def _checked(account: BillingAccount, terms: UsageTerms, key: str, product: str) -> str:
    answer = await account.read(
        "list_prices",
        lambda: account.v1.prices.list_async(
            {"lookup_keys": [key], "active": True, "limit": 1, "expand": ["data.tiers"]}
        ),
    )
    rows = translate.rows(answer, "data")
    if not rows:
        raise StepRejected(
            "usage_price_missing", case_kind=_UNMAPPED, field="lines.usage", price=key
        )
    price = rows[0]
    for what, wanted, shown in (
        ("product", product, translate.id_of(price.get("product"))),
        ("currency", terms.currency.lower(), translate.text(price, "currency")),
        ("usage_type", "metered", translate.text(price, "recurring", "usage_type")),
        ("tiers_mode", "graduated", translate.text(price, "tiers_mode")),
        ("tiers", _tiers(terms), _shown_tiers(price)),
        ("meter", terms.meter, await _meter_of(account, price)),
    ):
        if wanted != shown:
            raise StepRejected(
                "usage_price_differs",
                case_kind=_DRIFT,
                field=f"lines.usage.{what}",
                price=key,
                expected=str(wanted),
                found=str(shown),
            )
    return translate.text(price, "id")


async def _meter_of(account: BillingAccount, price: translate.Data) -> str:
    """The event name of a price's meter; "" of one that takes no events any more."""
    meter_id = translate.text(price, "recurring", "meter")
    meter = await account.read(
        "read_meter", lambda: account.v1.billing.meters.retrieve_async(meter_id)
    )
    if translate.text(meter, "status") != "active":
        return ""
    return translate.text(meter, "event_name")


def _tiers(terms: UsageTerms) -> list[tuple[Decimal | None, Decimal]]:
    minor = EXPONENTS[terms.currency]
    return [(tier.up_to, _plain(tier.unit_price.scaleb(minor))) for tier in terms.tiers]


def _shown_tiers(price: translate.Data) -> list[tuple[Decimal | None, Decimal]]:
    found = []
    for tier in translate.rows(price, "tiers"):
        if translate.at(tier, "flat_amount_decimal") is not None:
            raise translate.drift("tiers.flat_amount_decimal")
        up_to = translate.at(tier, "up_to")
        found.append(
            (
                None if up_to is None else Decimal(str(up_to)),
                _plain(Decimal(str(translate.at(tier, "unit_amount_decimal")))),
            )
        )
    return found


def _plain(value: Decimal) -> Decimal:
    return Decimal(f"{value.normalize():f}")
