"""Where the Salesforce org is and how we sign in to it."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.http import secure_base_url
from dealthread.naming import salesforce_id_18


class SalesforceSettings(BaseSettings):
    """Read from the environment, `DEALTHREAD_SALESFORCE_…`; one org per process."""

    model_config = SettingsConfigDict(
        env_prefix="DEALTHREAD_SALESFORCE_", frozen=True, hide_input_in_errors=True
    )

    org_id: str
    instance_url: str
    """My Domain address, https; plain http for a simulator on loopback."""
    client_id: str
    client_secret: SecretStr
    """Of an External Client App with the client-credentials flow."""
    api_version: str = Field(default="66.0", pattern=r"^\d{2,3}\.0$")
    """Pinned: the library's default (59.0) is older than what we use."""
    threads: int = Field(default=8, ge=1, le=20)
    """Calls at once. Production orgs allow 25 requests that last 20 s or longer."""
    settle_seconds: int = Field(default=0, ge=0)
    """How long a look-up may lag. By a unique external id it does not."""
    renewal_stage: str = Field(default="Prospecting", min_length=1)
    """Stage in which a renewal begins where it is made without CPQ: an open one of the org's."""

    @field_validator("org_id")
    @classmethod
    def _eighteen_characters(cls, value: str) -> str:
        return salesforce_id_18(value)

    @field_validator("instance_url")
    @classmethod
    def _secure(cls, value: str) -> str:
        return secure_base_url(value)

    @property
    def settle_window(self) -> timedelta:
        """As the port states it."""
        return timedelta(seconds=self.settle_seconds)
