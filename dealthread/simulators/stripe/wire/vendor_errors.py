"""Stripe's shapes for the faults of the kit's switch."""

from __future__ import annotations

import json

from dealthread.simulators.kit.faults import Fault
from dealthread.simulators.stripe.config import API_VERSION
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id

Answer = tuple[int, dict[str, str], bytes]


def _answer(error: StripeError, extra: dict[str, str] | None = None) -> Answer:
    request_id = new_id("req", 14)
    headers = {
        "content-type": "application/json",
        "Request-Id": request_id,
        "Stripe-Version": API_VERSION,
        **(extra or {}),
    }
    return error.status, headers, json.dumps(error.body(request_id)).encode()


class StripeFaults:
    """`VendorErrors` in Stripe's words."""

    def rate_limited(self, fault: Fault) -> Answer:
        """429, `rate_limit`; the limiter stands before the idempotency layer, nothing is saved."""
        error = StripeError(
            429,
            "invalid_request_error",
            fault.message or "Request rate limit exceeded.",
            code=fault.code or "rate_limit",
        )
        retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return _answer(error, {**retry, "Stripe-Rate-Limited-Reason": "global-rate"})

    def server_error(self, fault: Fault) -> Answer:
        """A failure before or beside the endpoint: nothing is saved under the key."""
        after = 500 if fault.kind.value == "server_error_after" else 503
        return _answer(
            StripeError(
                fault.status or after,
                "api_error",
                fault.message or "An unknown error occurred",
                code=fault.code,
            )
        )

    def rejected(self, fault: Fault) -> Answer:
        """A business rejection: a declined card unless the fault says something else."""
        status = fault.status or 402
        code = fault.code or "card_declined"
        kind = "card_error" if status == 402 else "invalid_request_error"
        extra = {"decline_code": "generic_decline"} if code == "card_declined" else {}
        message = fault.message or "Your card was declined."
        return _answer(StripeError(status, kind, message, code=code, extra=extra))

    def auth(self, fault: Fault) -> Answer:
        """401, as for a key that was rolled."""
        return _answer(
            StripeError(
                fault.status or 401,
                "invalid_request_error",
                fault.message or "Expired API Key provided: sk_test_********",
                code=fault.code or "api_key_expired",
            )
        )
