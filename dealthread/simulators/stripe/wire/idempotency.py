"""The idempotency layer, before any handler (docs.stripe.com/api/idempotent_requests).

- A key has up to 255 characters and belongs to one account.
- The result is saved once an endpoint begins to execute: success or failure, a 500 included.
- Nothing is saved for a failed validation, a conflict with a request still executing, 401 or 429.
- The same key with other parameters, or for another endpoint, is an `idempotency_error`.
- A key may be forgotten at 24 hours; then the request runs anew. Here it is forgotten then.
"""

from __future__ import annotations

from dataclasses import dataclass

from dealthread.simulators.stripe.store import AccountState, Json
from dealthread.simulators.stripe.wire.errors import StripeError

MAX_KEY_LENGTH = 255
KEPT_SECONDS = 24 * 3600
# The header's name is not confirmed by any page at hand; no client may rely on it.
REPLAYED_HEADER = "Idempotent-Replayed"


@dataclass(frozen=True)
class Saved:
    """A result that is answered again."""

    status: int
    body: str
    request_id: str


def begin(
    account: AccountState, key: str, *, fingerprint: str, path: str, now: float
) -> Saved | None:
    """Claim a key for execution, or give the saved result. Raises for misuse and conflicts."""
    if len(key) > MAX_KEY_LENGTH:
        raise StripeError.invalid(
            f"Idempotency keys have up to {MAX_KEY_LENGTH} characters.", param="Idempotency-Key"
        )
    record = account.idempotency.get(key)
    if record is not None and now - record["at"] >= KEPT_SECONDS:
        del account.idempotency[key]
        record = None
    if record is None:
        account.idempotency[key] = {
            "at": now,
            "fingerprint": fingerprint,
            "path": path,
            "result": None,
        }
        return None
    if record["path"] != path:
        raise _mismatch(
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{record['path']}' vs '{path}'). Try using a key other than '{key}' if you "
            "meant to execute a different request."
        )
    if record["fingerprint"] != fingerprint:
        raise _mismatch(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request."
        )
    if record["result"] is None:
        raise StripeError(
            409,
            "invalid_request_error",
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            code="idempotency_key_in_use",
            is_validation=True,
        )
    return Saved(**record["result"])


def forget(account: AccountState, key: str) -> None:
    """Release a key whose request never began to execute."""
    account.idempotency.pop(key, None)


def save(account: AccountState, key: str, saved: Saved) -> None:
    """Keep the result of an execution."""
    record: Json | None = account.idempotency.get(key)
    if record is not None:
        record["result"] = {
            "status": saved.status,
            "body": saved.body,
            "request_id": saved.request_id,
        }


def drop_unfinished(account: AccountState) -> None:
    """After a restart nothing is executing any more; the records of such requests are void."""
    unfinished = [key for key, record in account.idempotency.items() if record["result"] is None]
    for key in unfinished:
        del account.idempotency[key]


def _mismatch(message: str) -> StripeError:
    return StripeError(400, "idempotency_error", message, is_validation=True)
