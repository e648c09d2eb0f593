"""`/services/oauth2/token`: client credentials and JWT bearer, and the sessions they open."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.salesforce.access.jwt_bearer import GRANT_TYPE, JwtBearer
from dealthread.simulators.salesforce.access.oauth_errors import OAuthRefused
from dealthread.simulators.salesforce.config import SalesforceConfig


class Sessions:
    """Access tokens and until when they hold, in business time."""

    def __init__(self, config: SalesforceConfig, clock: SimClock) -> None:
        self._config = config
        self._clock = clock
        self._jwt = JwtBearer(config)
        self._expiry: dict[str, datetime] = {}

    def grant(
        self, raw_body: bytes, headers: Mapping[str, str], origin: str, user_id: str
    ) -> dict[str, Any]:
        """The token answer for a form body. Raises OAuthRefused."""
        if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise OAuthRefused("invalid_request", "the body must be form-urlencoded")
        form = dict(parse_qsl(raw_body.decode("latin-1")))
        if form.get("grant_type") == GRANT_TYPE:
            now = self._clock.now()
            self._jwt.check(form, now)
            return self._opened(now, origin, user_id)
        if form.get("grant_type") != "client_credentials":
            raise OAuthRefused("unsupported_grant_type", "grant type not supported")
        client_id, client_secret = _credentials(form, headers)
        if not hmac.compare_digest(client_id.encode(), self._config.client_id.encode()):
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(client_secret.encode(), self._config.client_secret.encode()):
            raise OAuthRefused("invalid_client", "invalid client credentials")
        now = self._clock.now()
        return {
            **self._opened(now, origin, user_id),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "issued_at": str(int(now.timestamp() * 1000)),
        }

    def is_good(self, authorization: str) -> bool:
        """Whether an Authorization header carries a session that has not expired."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in ("bearer", "oauth"):
            return False
        expiry = self._expiry.get(token.strip())
        return expiry is not None and self._clock.now() < expiry

    def expire_all(self) -> None:
        """As after a restart or when an administrator ends the sessions."""
        self._expiry.clear()

    def _opened(self, now: datetime, origin: str, user_id: str) -> dict[str, Any]:
        """A new session, as the JWT bearer flow answers it."""
        token = f"{self._config.org_id[:15]}!{secrets.token_urlsafe(48)}"
        self._forget_expired(now)
        self._expiry[token] = now + self._config.session_lifetime
        return {
            "access_token": token,
            "scope": "api",
            "instance_url": origin,
            "id": f"{origin}/id/{self._config.org_id}/{user_id}",
            "token_type": "Bearer",
        }

    def _forget_expired(self, now: datetime) -> None:
        self._expiry = {token: until for token, until in self._expiry.items() if now < until}


def _credentials(form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as exc:
            raise OAuthRefused("invalid_client", "invalid client credentials") from exc
        client_id, _, client_secret = decoded.partition(":")
        return client_id, client_secret
    return form.get("client_id", ""), form.get("client_secret", "")
