"""The JWT bearer flow's assertion: who signed it, for whom, until when.

Salesforce help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration": RS256 with the key of
the certificate uploaded to the app; `iss` is the client id, `aud` the authorisation server, `sub`
the user name, `exp` seconds since 1970. The texts of refusals are those that users of the flow
report (e.g. simple-salesforce issue 491, jsforce and restforce threads).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from dealthread.simulators.salesforce.access.oauth_errors import OAuthRefused
from dealthread.simulators.salesforce.access.pem import rsa_key
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.jsonio import NotJson, loads

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST_VALIDITY = timedelta(minutes=5)
"""An assertion that would hold longer is refused: the longest seen accepted in public reports."""


class JwtBearer:
    """Checks assertions against one app's certificate or public key."""

    def __init__(self, config: SalesforceConfig) -> None:
        self._config = config
        self._key = None if config.jwt_public_key is None else rsa_key(config.jwt_public_key)

    def check(self, form: Mapping[str, str], now: datetime) -> None:
        """Raise OAuthRefused unless the form carries a good assertion."""
        if self._key is None:
            raise OAuthRefused(
                "not_simulated", "no certificate is configured for the JWT bearer flow"
            )
        claims = self._claims(form.get("assertion", ""), self._key)
        if claims.get("iss") != self._config.client_id:
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in self._config.jwt_audiences:
            raise _refused("audience is invalid")
        until = _instant(claims.get("exp"))
        if until <= now:
            raise _refused("expired authorization code")
        if until > now + LONGEST_VALIDITY:
            raise _refused("invalid assertion")
        if claims.get("sub") != self._config.username:
            raise _refused("user hasn't approved this consumer")

    @staticmethod
    def _claims(assertion: str, key: RSAPublicKey) -> dict[str, Any]:
        try:
            header, claims, signature = assertion.split(".")
            if _json(header).get("alg") != "RS256":
                raise _refused("invalid assertion")
            key.verify(_bytes(signature), f"{header}.{claims}".encode(), PKCS1v15(), SHA256())
            return _json(claims)
        except (ValueError, InvalidSignature) as exc:
            raise _refused("invalid assertion") from exc


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as exc:
        raise ValueError("not base64url") from exc


def _json(part: str) -> dict[str, Any]:
    try:
        value = loads(_bytes(part))
    except NotJson as exc:
        raise ValueError("not JSON") from exc
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _instant(exp: Any) -> datetime:
    """Seconds since 1970; a text of digits is taken too, as simple-salesforce sends one."""
    if isinstance(exp, str) and exp.isascii() and exp.isdigit():
        exp = int(exp)
    if isinstance(exp, bool) or not isinstance(exp, int):
        raise _refused("invalid assertion")
    try:
        return datetime.fromtimestamp(exp, UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise _refused("invalid assertion") from exc


def _refused(description: str) -> OAuthRefused:
    return OAuthRefused("invalid_grant", description)
