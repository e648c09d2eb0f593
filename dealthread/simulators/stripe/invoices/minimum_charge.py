"""The smallest and the largest amount a charge can have, in minor units.

Source: docs.stripe.com/currencies#minimum-and-maximum-charge-amounts. The minimum there is that of
the settlement currency; here every currency settles in itself. The page names a minimum for each
currency this simulator takes.
"""

from __future__ import annotations

from dealthread.simulators.stripe.wire.errors import StripeError

MINIMUM = {
    "aud": 50,
    "cad": 50,
    "chf": 50,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "jpy": 50,
    "nok": 300,
    "sek": 300,
    "usd": 50,
}
# "Up to eight digits": 999,999.99 in a currency with two decimals.
MAXIMUM = 99_999_999


def is_too_small(amount: int, currency: str) -> bool:
    """Whether a positive amount is less than a charge may be."""
    return 0 < amount < MINIMUM[currency]


def check(amount: int, currency: str) -> None:
    """Refuse an amount that cannot be charged."""
    if is_too_small(amount, currency):
        raise StripeError.refused(
            f"Amount must be at least {MINIMUM[currency]} {currency}",
            code="amount_too_small",
            param="amount",
        )
    if amount > MAXIMUM:
        raise StripeError.refused(
            f"Amount must be no more than {MAXIMUM} {currency}",
            code="amount_too_large",
            param="amount",
        )
