"""Which accounts the simulator serves, read from the environment or built by a test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, TypeAdapter

# The API version stripe-python 16 pins (stripe/_api_version.py).
API_VERSION = "2026-10-28.endive"


class AccountConfig(BaseModel):
    """One Stripe account: its key, its numbering, its settings, its webhook endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    secret_key: str = Field(min_length=8)
    # Format of the account's invoice numbers; {year} is the year of finalisation.
    number_format: str = "{:06d}"
    webhook_url: str | None = None
    webhook_secret: str | None = None
    # Rounding of tax: on each line, or once on the total. A setting of the account in Stripe.
    tax_rounding: Literal["line", "total"] = "line"
    country: str = "US"
    name: str | None = None
    # Numbers in sequence for the account or for each customer, a setting of the account in Stripe.
    invoice_numbering: Literal["account", "customer"] = "account"
    # Days from each failed automatic attempt to the next one; empty: no retries. Stripe's own
    # choice of times ("Smart Retries") cannot be known, its custom schedules are lists like this.
    retry_days: tuple[PositiveInt, ...] = (3, 5, 7)
    # What becomes of a subscription, and of the invoice, when the last retry has failed.
    subscription_after_retries: Literal["canceled", "past_due", "unpaid"] = "past_due"
    invoice_after_retries: Literal["open", "uncollectible"] = "open"
    # What Stripe keeps of a card's charge (stripe.com/pricing, United States).
    card_fee_percent: Decimal = Decimal("2.9")
    card_fee_fixed: int = Field(default=30, ge=0)
    # Days until a charge is available; the schedule on which it is then paid out.
    payout_delay_days: int = Field(default=2, ge=0)
    payout_interval: Literal["manual", "daily"] = "manual"


class SimulatorConfig(BaseModel):
    """Everything the simulator is told at start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accounts: tuple[AccountConfig, ...] = Field(min_length=1)
    clock_offset_seconds: float = 0.0
    # A file's path or a postgresql:// address; None keeps everything in memory.
    state: str | None = None
    # A folder: every exchange of the API is noted there, for whoever judges them.
    tape: str | None = None
    # Search is eventually consistent (docs.stripe.com/search: normally under a minute).
    search_lag_seconds: float = 0.3
    tick_seconds: float = 0.25

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> SimulatorConfig:
        """Read `DEALTHREAD_SIM_*`; the accounts are a JSON list."""
        env = os.environ if environ is None else environ
        text = env.get("DEALTHREAD_SIM_STRIPE_ACCOUNTS")
        if not text:
            raise ValueError("DEALTHREAD_SIM_STRIPE_ACCOUNTS is not set (JSON list of accounts)")
        accounts = TypeAdapter(tuple[AccountConfig, ...]).validate_json(text)
        return cls(
            accounts=accounts,
            clock_offset_seconds=float(env.get("DEALTHREAD_SIM_CLOCK_OFFSET_SECONDS") or 0),
            state=env.get("DEALTHREAD_SIM_STATE") or None,
            tape=env.get("DEALTHREAD_SIM_TAPE") or None,
            search_lag_seconds=float(env.get("DEALTHREAD_SIM_STRIPE_SEARCH_LAG_SECONDS") or 0.3),
        )


def format_number(number_format: str, sequence: int, year: int) -> str:
    """`US-{:06d}` → `US-000001`; `DE-{year}-{:05d}` → `DE-2026-00001`."""
    return number_format.format(sequence, year=year)


# The currency of an account where nothing else names one; in Stripe it follows from the country.
_CURRENCIES = {
    "AU": "aud",
    "CA": "cad",
    "CH": "chf",
    "DK": "dkk",
    "GB": "gbp",
    "JP": "jpy",
    "NO": "nok",
    "SE": "sek",
    "US": "usd",
}


def default_currency(account: AccountConfig) -> str:
    """The account's own currency: that of its country, the euro for all others."""
    return _CURRENCIES.get(account.country, "eur")
