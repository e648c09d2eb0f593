"""Signatures of inbound messages: Standard Webhooks and Stripe's scheme, over the raw bytes.

Whatever is wrong with a signature, the answer is the same: not verified. Several secrets may be
live at once, for rotation. The timestamp may differ by five minutes either way.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

TOLERANCE_SECONDS = 300


def standard_webhook_ok(
    secrets: Iterable[str],
    message_id: str,
    timestamp: str,
    signatures: str,
    body: bytes,
    now: float,
) -> bool:
    """Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, any of several signatures."""
    if not message_id or not _recent(timestamp, now):
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    given = [part[3:] for part in signatures.split(" ") if part.startswith("v1,")]
    return any(
        hmac.compare_digest(expected.encode(), candidate.encode())
        for secret in secrets
        if (expected := _standard_signature(secret, signed))
        for candidate in given
    )


def _standard_signature(secret: str, signed: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return ""
    if not key:
        return ""
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def stripe_ok(secrets: Iterable[str], header: str, body: bytes, now: float) -> bool:
    """Stripe's scheme: `t=…,v1=…`, HMAC-SHA256 over `t.body` (docs.stripe.com/webhooks)."""
    pairs = [item.split("=", 1) for item in header.split(",") if "=" in item]
    timestamp = next((value for name, value in pairs if name.strip() == "t"), "")
    given = [value for name, value in pairs if name.strip() == "v1"]
    if not _recent(timestamp, now):
        return False
    signed = timestamp.encode() + b"." + body
    return any(
        hmac.compare_digest(
            hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode(),
            candidate.encode(),
        )
        for secret in secrets
        if secret
        for candidate in given
    )


def _recent(timestamp: str, now: float) -> bool:
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    return abs(now - int(timestamp)) <= TOLERANCE_SECONDS
