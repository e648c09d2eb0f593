"""Standard Webhooks signatures (standard-webhooks.com specification): sign and verify."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

SECRET_PREFIX = "whsec_"  # noqa: S105 the prefix that the specification gives secrets
TOLERANCE_SECONDS = 300


class SignatureRefused(Exception):
    """The message is not signed with any of our secrets, or is too old or too new."""


def secret_key(secret: str) -> bytes:
    """The key bytes of a `whsec_…` secret (base64 after the prefix)."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as exc:
        raise ValueError("a webhook secret is whsec_ followed by base64") from exc
    if not key:
        raise ValueError("a webhook secret must not be empty")
    return key


def signature(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body joined by dots."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class StandardWebhooksSigner:
    """Signs with every secret given, so that a receiver may rotate."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("at least one webhook secret is needed")
        self._keys = [secret_key(secret) for secret in secrets]

    def headers(self, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """The three `webhook-…` headers."""
        signatures = [
            signature(key, message_id=message_id, timestamp=timestamp, body=body)
            for key in self._keys
        ]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, machine_now: datetime
) -> str:
    """The id of a message signed with one of our secrets. Raises SignatureRefused otherwise."""
    message_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not message_id or not given or not (stamp.isascii() and stamp.isdigit()):
        raise SignatureRefused("signature headers are missing or malformed")
    if abs(machine_now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise SignatureRefused("the timestamp is outside the tolerance")
    expected = [
        signature(secret_key(secret), message_id=message_id, timestamp=int(stamp), body=body)
        for secret in secrets
    ]
    offered = [one.encode() for one in given.split(" ")]
    # Every pair is compared, so that the time taken does not tell which secret matched.
    matches = [hmac.compare_digest(one, own.encode()) for one in offered for own in expected]
    if not any(matches):
        raise SignatureRefused("no signature matches")
    return message_id
