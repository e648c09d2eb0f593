"""Where the entitlement service is, and the secrets that events are signed with."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.http import secure_base_url

READ_TOKEN_PREFIX = "DEALTHREAD_READ_TOKEN_"  # noqa: S105 - the prefix of variable names
SECRET_PREFIX = "DEALTHREAD_WEBHOOK_SECRET_"  # noqa: S105 - the prefix of variable names


class EntitlementSettings(BaseSettings):
    """Read from the environment, `DEALTHREAD_ENTITLEMENT_…`."""

    model_config = SettingsConfigDict(
        env_prefix="DEALTHREAD_ENTITLEMENT_", frozen=True, hide_input_in_errors=True
    )

    url: str
    """Base address: events go to `<url>/events`, look-ups to `<url>/entitlements/<contract>`."""
    secret: SecretStr
    """Standard Webhooks signing secret, `whsec_…`."""
    token: SecretStr
    """Bearer token of the look-up."""

    @field_validator("url")
    @classmethod
    def _secure(cls, value: str) -> str:
        return secure_base_url(value)


def webhook_secrets(environment: Mapping[str, str] | None = None) -> dict[str, SecretStr]:
    """Secret name → secret, from `DEALTHREAD_WEBHOOK_SECRET_<NAME>`."""
    return _named(SECRET_PREFIX, environment)


def read_tokens(environment: Mapping[str, str] | None = None) -> dict[str, SecretStr]:
    """Token name → bearer token of a look-up, from `DEALTHREAD_READ_TOKEN_<NAME>`."""
    return _named(READ_TOKEN_PREFIX, environment)


def _named(prefix: str, environment: Mapping[str, str] | None) -> dict[str, SecretStr]:
    source = os.environ if environment is None else environment
    return {
        name.removeprefix(prefix): SecretStr(value)
        for name, value in source.items()
        if name.startswith(prefix) and value
    }
