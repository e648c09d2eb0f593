"""Settings of the core, read once by an entry point and passed down. Secrets stay `SecretStr`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dealthread.codec import EncryptingCodec, parse_keys
from dealthread.domain.base import Frozen
from dealthread.errors import BadInput


class Principal(Frozen):
    """Who a bearer token of the process API stands for."""

    actor: str
    roles: tuple[str, ...] = ()


class Subscriber(Frozen):
    """One receiver of business events. `secret_name` points to the signing secret's setting."""

    name: str
    url: str
    secret_name: str
    types: tuple[str, ...]
    kind: str = ""
    """What it is for, where that matters: `communications` tells the customer."""
    read_url: str = ""
    """Base address of its look-up, `<read_url>/contracts/<contract key>`; "" where it has none."""
    token_name: str = ""
    """Points to the setting of the look-up's bearer token, `DEALTHREAD_READ_TOKEN_<NAME>`."""

    @model_validator(mode="after")
    def _readable(self) -> Subscriber:
        if bool(self.read_url) != bool(self.token_name):
            raise ValueError(f"{self.name}: read_url and token_name go together")
        return self


class Settings(BaseSettings):
    """Environment variables `DEALTHREAD_…`."""

    model_config = SettingsConfigDict(env_prefix="DEALTHREAD_", extra="ignore")

    database_url: SecretStr
    """PostgreSQL, e.g. postgresql://user:password@host/dealthread."""
    temporal_address: str = "127.0.0.1:7233"
    """Used when no Temporal profile (TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE) is given."""
    temporal_namespace: str = "default"
    """Used when the Temporal profile names none."""
    codec_keys: SecretStr
    """JSON {key id: base64 of 32 bytes}; the first one encrypts, all of them decrypt."""
    config_dir: Path = Path("config")
    """Finance's configuration: companies, products, taxes, policies."""
    business_offset_seconds: int = 0
    """Business time minus machine time; 0 in production."""
    tenant: str = "default"
    """Part of document keys: two tenants on one ERP never share a key."""
    api_tokens: SecretStr = SecretStr("{}")
    """JSON {token: {"actor": …, "roles": […]}}."""
    webhook_secrets: SecretStr = SecretStr("{}")
    """JSON {"salesforce:<org>": […], "salesforce-outbound:<org>": […], "stripe:<account>": […]}."""
    subscribers: Annotated[tuple[Subscriber, ...], NoDecode] = ()
    """JSON list of event receivers: name, url, secret_name, types, kind where it matters, and
    read_url with token_name where it answers what it holds of a contract."""
    invoice_to_cash: bool = False
    """Carry the biller's invoices, credits and payments to the ledger and show them in the CRM.
    Off: its events are verified, stored and held, and taken up when this is switched on."""
    subscriber_disable_failures: int = 20
    """Failed deliveries in a row after which a subscriber is disabled …"""
    subscriber_disable_hours: float = 24
    """… and this long after the first of them, whichever comes later."""
    ui_url: str = ""
    """Base URL of the Temporal UI, for links in messages."""
    bridge_url: str = "http://127.0.0.1:8700"
    """Where the process API answers; the CLI asks there."""
    codec_token: SecretStr = SecretStr("")
    """Serve clear text to the Temporal UI at /codec/<token>; empty: no codec server."""
    codec_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Web pages that may ask the codec server, e.g. the Temporal UI's origin."""
    late_effect_seconds: float = 90
    """How long after a lost answer an effect may still appear at a vendor."""
    lease_seconds: float = 35
    """How long an attempt of a write keeps others away; longer than an activity may take."""
    unknown_budget: int = 6
    """Lost answers of one write after which a person is asked …"""
    unknown_minutes: float = 20
    """… and this long after the first of them, whichever comes later."""
    circuit_failures: int = Field(5, ge=1)
    """Unreachable answers of an ERP in a row that open its circuit."""
    circuit_probe_seconds: float = Field(15, gt=0)
    """First pause until an open circuit is probed; it doubles …"""
    circuit_longest_pause_seconds: float = Field(300, gt=0)
    """… up to this."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""

    @field_validator("subscribers", "codec_origins", mode="before")
    @classmethod
    def _json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) and value else value or ()
        except json.JSONDecodeError:
            raise ValueError("not JSON") from None

    @field_validator("api_tokens")
    @classmethod
    def _tokens(cls, value: SecretStr) -> SecretStr:
        entries = _object(value)
        try:
            for principal in entries.values():
                Principal.model_validate(principal)
        except ValidationError:
            raise ValueError('not {token: {"actor": …, "roles": […]}}') from None
        if "" in entries:
            raise ValueError("an empty token would let everybody in")
        return value

    @field_validator("webhook_secrets")
    @classmethod
    def _secrets(cls, value: SecretStr) -> SecretStr:
        for source, secrets in _object(value).items():
            known = isinstance(secrets, list) and all(isinstance(one, str) for one in secrets)
            if not known or not all(secrets):
                raise ValueError(f"{source} is not a list of secrets")
        return value

    def codec(self) -> EncryptingCodec:
        """The payload codec. Raises BadInput when the keys are unusable."""
        try:
            return EncryptingCodec(parse_keys(self.codec_keys.get_secret_value()))
        except ValueError as error:
            raise BadInput(
                "bad_codec_keys", field="DEALTHREAD_CODEC_KEYS", action=str(error)
            ) from None

    def principals(self) -> dict[str, Principal]:
        """Token → principal."""
        raw = json.loads(self.api_tokens.get_secret_value() or "{}")
        return {token: Principal.model_validate(value) for token, value in raw.items()}

    def orgs(self) -> tuple[str, ...]:
        """Salesforce organisations we take messages from."""
        raw = json.loads(self.webhook_secrets.get_secret_value() or "{}")
        return tuple(key.split(":", 1)[1] for key in raw if key.startswith("salesforce:"))

    def secrets_of(self, source: str) -> tuple[str, ...]:
        """Webhook secrets of a source such as `salesforce:<org>`; empty when unknown."""
        raw = json.loads(self.webhook_secrets.get_secret_value() or "{}")
        return tuple(raw.get(source, ()))


def _object(value: SecretStr) -> dict[str, Any]:
    """A JSON object. The message never quotes what was given: it holds secrets."""
    try:
        given = json.loads(value.get_secret_value() or "{}")
    except json.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise ValueError("not a JSON object")
    return given


class OffsetClock:
    """Business time of this process."""

    def __init__(self, offset_seconds: int) -> None:
        self._offset = timedelta(seconds=offset_seconds)

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + self._offset


def load_settings() -> Settings:
    """Read the environment. Raises BadInput naming the first wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # Below the first part stands the place inside a JSON value.
        name = "DEALTHREAD_" + str(first["loc"][0]).upper()
        raise BadInput(
            "bad_setting",
            field=name,
            action=f"{first['msg']}: set {name} (docs/settings.md), or run `dealthread up`",
        ) from None
