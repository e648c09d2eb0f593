"""Which billing accounts there are and their keys."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.http import secure_base_url


class StripeSettings(BaseSettings):
    """Read from the environment, `DEALTHREAD_STRIPE_…`. One billing account per legal entity."""

    model_config = SettingsConfigDict(
        env_prefix="DEALTHREAD_STRIPE_", frozen=True, hide_input_in_errors=True
    )

    accounts: dict[str, SecretStr]
    """JSON object: billing account → secret key."""
    api_base: str = "https://api.stripe.com"
    """Another address only for a simulator on loopback."""
    calls_per_second: float = Field(default=80, gt=0)
    """Per account. Live mode allows 100 a second, a sandbox 25."""
    settle_seconds: int = Field(default=0, ge=0)
    """How long a look-up may lag: fresh customers are listed, not only searched."""

    @field_validator("api_base")
    @classmethod
    def _secure(cls, value: str) -> str:
        return secure_base_url(value)

    @property
    def settle_window(self) -> timedelta:
        """As the port states it."""
        return timedelta(seconds=self.settle_seconds)
