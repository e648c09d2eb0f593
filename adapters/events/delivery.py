"""One signed POST (Standard Webhooks) and what its answer means.

The event's id is the message id: a subscriber recognises a repeat by it, so repeating is safe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from adapters.http import (
    CallMeter,
    parse_retry_after,
    to_its_end,
    within_total,
    write_failure,
)
from dealthread.errors import AuthRejected, RateLimited, VendorUnavailable
from dealthread.outcome import Rejected, Unknown

MAX_ANSWER_BYTES = 1024 * 1024
_NONE: Mapping[str, str] = {}
_NOT_NOW = frozenset({408, 425})


@dataclass(frozen=True)
class Received:
    """A 2xx answer. `body` is its JSON, or None where it is no JSON."""

    body: Any


def signed_headers(secret: SecretStr, event_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """id, timestamp and body are signed together. `at` is machine time: receivers refuse a
    timestamp more than five minutes from theirs, whatever the business date."""
    signature = Webhook(secret.get_secret_value()).sign(event_id, at, body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


async def post_event(
    client: httpx.AsyncClient,
    path: str,
    secret: SecretStr,
    event_id: str,
    body: bytes,
    *,
    case_kind: str,
    meter: CallMeter,
    operation: str,
    extra_headers: Mapping[str, str] = _NONE,
) -> Received | Rejected | Unknown:
    """Send once. Raises only transport errors that exclude an effect; awaits its own end."""
    meter.count("events", operation)
    headers = signed_headers(secret, event_id, body, datetime.now(UTC)) | dict(extra_headers)
    try:
        response = await to_its_end(within_total(client.post(path, content=body, headers=headers)))
    except (httpx.HTTPError, TimeoutError) as error:
        return write_failure(error)
    return answer_of(response, case_kind)


def answer_of(response: httpx.Response, case_kind: str) -> Received | Rejected | Unknown:
    """By status: 2xx received, 410 switched off, 4xx refused, 5xx not known."""
    status = response.status_code
    if 200 <= status < 300:
        if len(response.content) > MAX_ANSWER_BYTES:
            return Unknown("answer_too_large")
        try:
            return Received(json.loads(response.content) if response.content else None)
        except ValueError:
            return Received(None)
    if status == 429:
        raise RateLimited(
            "rate_limited", retry_after=parse_retry_after(response.headers.get("Retry-After"))
        )
    if status in (401, 403):
        raise AuthRejected("subscriber_refused_signature", status=str(status))
    if status in _NOT_NOW:
        raise VendorUnavailable("subscriber_not_ready", status=str(status))
    if status == 410:
        # Standard Webhooks: the endpoint is disabled; sending on would be ignored for ever.
        return Rejected(case_kind, "subscriber_disabled", evidence={"status": "410"})
    if status >= 500:
        header = response.headers.get("Retry-After")
        return Unknown(
            "server_error",
            retry_after=parse_retry_after(header) if header else None,
            evidence={"status": str(status)},
        )
    code = "redirect_refused" if status < 400 else f"http_{status}"
    return Rejected(case_kind, code, evidence={"status": str(status)})
