"""What Stripe's errors mean. Read from class, status and code; messages are never passed on,
since they repeat what was sent: names and e-mail addresses among it."""

from __future__ import annotations

from datetime import timedelta

import stripe

from adapters.http import certainly_not_sent, parse_retry_after, seen
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    NotFound,
    RateLimited,
    StepRejected,
    TransportError,
    VendorUnavailable,
)
from dealthread.outcome import Rejected, Unknown

IN_USE_RETRY = timedelta(seconds=2)
REJECTED = "billing.rejected"
"""The kind of case for a refused agreement or invoice, where no better one is known."""
SAVED_ERROR = "saved_server_error"
"""A 500 that Stripe stored under the key and replays: repeating it is useless."""

_REPLAYED = "replayed"
"""In the evidence of a refusal that Stripe stored under the key."""

_SIMULATOR_ONLY = "simulator_unsupported"
"""Our simulator's word for what it does not carry; Stripe never says it."""

_CATALOGUE = ("price", "product", "plan")


def code_of(error: stripe.StripeError) -> str:
    """Stripe's code. On some classes `e.code` stays None although the body has one."""
    details = error.error
    return str(error.code or (details.code if details else None) or "")


def param_of(error: stripe.StripeError) -> str:
    """The offending parameter where Stripe names it."""
    details = error.error
    named = details.param if details else None
    return str(getattr(error, "param", None) or named or "")


def evidence_of(error: stripe.StripeError) -> dict[str, str]:
    """Codes, parameter names and Stripe's request id, by which its support finds the call."""
    details = error.error
    parts = {
        "status": str(error.http_status or ""),
        "error_type": str(details.type) if details else "",
        "error_code": code_of(error),
        "param": param_of(error),
        "decline_code": str(getattr(details, "decline_code", None) or ""),
        "request_id": str(error.request_id or ""),
    }
    return {name: value for name, value in parts.items() if value}


def lost_after_effect(error: TransportError) -> Unknown:
    """A later call of a write of several calls failed: "no effect" would not be true any more."""
    return Unknown("effect_not_read_back", error.retry_after, {"seen": error.code})


def refused_after_effect(refusal: Rejected) -> Unknown:
    """A later call of a write of several calls was refused: "nothing written" would not be true."""
    return Unknown("refused_after_effect", None, {**refusal.evidence, "seen": refusal.code})


def is_missing(error: stripe.StripeError) -> bool:
    """Whether the object asked for does not exist."""
    return error.http_status == 404


def read_error(error: stripe.StripeError, case_kind: str) -> DealthreadError:
    """The error a read raises; a preview's refusal is a StepRejected."""
    common = _excludes_effect(error)
    if common is not None:
        return common
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError):
        return VendorUnavailable(seen(error.__cause__))
    if status is not None and status >= 500:
        return VendorUnavailable("server_error", retry_after=_server_retry(error))
    if isinstance(error, stripe.InvalidRequestError):
        if is_missing(error):
            return NotFound("billing_object_not_found", **evidence_of(error))
        return _refusal(error, case_kind)
    if status is not None and 400 <= status < 500:
        return _refusal(error, case_kind)
    return ContractDrift("unexpected_billing_answer", **evidence_of(error))


def write_error(error: stripe.StripeError, case_kind: str) -> Rejected | Unknown:
    """The outcome of a write; raises where the answer excludes an effect and time may help."""
    common = _excludes_effect(error)
    if common is not None:
        raise common
    if isinstance(error, stripe.APIConnectionError):
        return Unknown(seen(error.__cause__))
    status = error.http_status
    replayed = (error.headers or {}).get("Idempotent-Replayed") == "true"
    if status is not None and status >= 500:
        return Unknown(
            SAVED_ERROR if replayed else "server_error",
            retry_after=_server_retry(error),
            evidence=evidence_of(error),
        )
    if status is None or status < 400:
        return Unknown("malformed_answer", evidence=evidence_of(error))
    refusal = _refusal(error, case_kind)
    evidence = {**refusal.evidence, **({_REPLAYED: "true"} if replayed else {})}
    return Rejected(refusal.case_kind, refusal.code, refusal.field, evidence)


def is_replayed(outcome: object) -> bool:
    """Whether a write ended in what Stripe stored under its key for an earlier request."""
    if isinstance(outcome, Rejected):
        return _REPLAYED in outcome.evidence
    return isinstance(outcome, Unknown) and outcome.code == SAVED_ERROR


def _excludes_effect(error: stripe.StripeError) -> DealthreadError | None:
    evidence = evidence_of(error)
    status = error.http_status
    if code_of(error) == _SIMULATOR_ONLY:
        # No rule of business: a case would ask a person to mend what is right.
        return ContractDrift(_SIMULATOR_ONLY, **evidence)
    if isinstance(error, stripe.APIConnectionError):
        cause = error.__cause__
        # httpx refuses to send through a client that was closed, with a bare RuntimeError.
        if certainly_not_sent(cause) or isinstance(cause, RuntimeError):
            return VendorUnavailable("not_sent")
        return None
    if isinstance(error, stripe.RateLimitError) or status == 429:
        # The limiter runs before the idempotency layer: nothing was done or stored.
        return RateLimited(
            "rate_limited",
            retry_after=parse_retry_after((error.headers or {}).get("Retry-After")),
            **evidence,
        )
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError) or status in (
        401,
        403,
    ):
        return AuthRejected("billing_credentials_refused", **evidence)
    if isinstance(error, stripe.IdempotencyError):
        return InvariantBroken("idempotency_key_reused_with_another_request", **evidence)
    if status == 409:
        if code_of(error) == "idempotency_key_in_use":
            return VendorUnavailable("idempotency_key_in_use", retry_after=IN_USE_RETRY, **evidence)
        return Conflict("billing_object_changed", **evidence)
    return None


def _refusal(error: stripe.StripeError, case_kind: str) -> StepRejected:
    code = code_of(error) or f"http_{error.http_status}"
    field = param_of(error)
    kind = case_kind
    if isinstance(error, stripe.CardError):
        kind = "customer.data_missing"
    elif code.startswith("tax_id_") or "tax_id" in field:
        kind = "tax.identifier"
    elif "tax_rate" in field:
        kind = "tax.rejected"
    elif code == "resource_missing" and any(word in field for word in _CATALOGUE):
        kind = "catalogue.drift"
    return StepRejected(code, case_kind=kind, field=field, **_without_field(evidence_of(error)))


def _without_field(evidence: dict[str, str]) -> dict[str, str]:
    # "param" is the refusal's field; the names left are free of the constructor's own.
    return {name: value for name, value in evidence.items() if name != "param"}


def _server_retry(error: stripe.StripeError) -> timedelta | None:
    header = (error.headers or {}).get("Retry-After")
    return parse_retry_after(header) if header else None
