"""Errors as values with evidence.

    DealthreadError            kind, retryable, acts (who must act), evidence
    ├── TransportError         the call did not get a business answer
    │   ├── RateLimited        retry_after
    │   ├── VendorUnavailable  not sent, or refused before any effect
    │   │   └── Outage         so for longer than the step may wait
    │   ├── AuthRejected
    │   ├── Conflict           somebody changed the object meanwhile
    │   └── ContractDrift      the vendor answered in a shape we do not know
    ├── StepRejected           a business refusal: no retry, a person decides
    ├── OutcomeUnknown         the effect may or may not exist
    ├── AttemptInFlight        another attempt of the same write is alive
    ├── NotFound
    ├── BadInput               names the field and what to do
    └── InvariantBroken        a bug of ours: never retried blindly

Messages hold codes, never values: values are in `evidence`, which is encrypted on its way
through Temporal. The class decides whether a retry makes sense; the call site does not.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from dealthread.outcome import Rejected


class ErrorKind(StrEnum):
    """Closed set; stays clear text in Temporal's history, so it holds no data."""

    RATE_LIMITED = "rate_limited"
    VENDOR_UNAVAILABLE = "vendor_unavailable"
    AUTH_REJECTED = "auth_rejected"
    CONFLICT = "conflict"
    CONTRACT_DRIFT = "contract_drift"
    REJECTED = "rejected"
    OUTCOME_UNKNOWN = "outcome_unknown"
    ATTEMPT_IN_FLIGHT = "attempt_in_flight"
    NOT_FOUND = "not_found"
    BAD_INPUT = "bad_input"
    INVARIANT_BROKEN = "invariant_broken"


class Acts(StrEnum):
    """Who must act."""

    NOBODY = "nobody"
    OPERATOR = "operator"
    FINANCE = "finance"
    ENGINEER = "engineer"


class DealthreadError(Exception):
    """Base of every error we raise on purpose."""

    kind: ClassVar[ErrorKind]
    retryable: ClassVar[bool] = False
    acts: ClassVar[Acts] = Acts.ENGINEER

    def __init__(self, code: str, **evidence: str) -> None:
        super().__init__(f"{self.kind}: {code}")
        self.code = code
        self.evidence = evidence

    @property
    def retry_after(self) -> timedelta | None:
        """Earliest useful retry, where the other side told us."""
        return None


_EFFECT_POSSIBLE = "an earlier attempt of this write may have had its effect"


def mark_effect_possible(error: Exception) -> None:
    """Note on an error, whatever it is, that the write behind it may have happened all the same:
    who decides about it must not be told that nothing exists."""
    error.add_note(_EFFECT_POSSIBLE)


def is_effect_possible(error: Exception) -> bool:
    """Whether `mark_effect_possible` was called on it."""
    return _EFFECT_POSSIBLE in getattr(error, "__notes__", ())


class TransportError(DealthreadError):
    """The call got no business answer; nothing is known to have happened unless said."""

    retryable = True
    acts = Acts.NOBODY


class _Delayed(DealthreadError):
    """Carries the earliest useful retry."""

    retryable = True

    def __init__(self, code: str, *, retry_after: timedelta | None = None, **evidence: str) -> None:
        super().__init__(code, **evidence)
        self._retry_after = retry_after

    @property
    def retry_after(self) -> timedelta | None:
        return self._retry_after


class RateLimited(_Delayed, TransportError):
    """429 or a quota: no effect, come back after `retry_after`."""

    kind = ErrorKind.RATE_LIMITED


class VendorUnavailable(_Delayed, TransportError):
    """Nothing was sent, or a gateway refused before any effect."""

    kind = ErrorKind.VENDOR_UNAVAILABLE


class Outage(VendorUnavailable):
    """The vendor has been away for longer than the step may wait: it goes on without, now."""

    retryable = False


class AuthRejected(TransportError):
    """Credentials refused after one renewal. Repeating would only lock the account: a person
    renews them, then decides to retry."""

    kind = ErrorKind.AUTH_REJECTED
    retryable = False
    acts = Acts.ENGINEER


class Conflict(TransportError):
    """The object changed between our read and our write; re-read and decide."""

    kind = ErrorKind.CONFLICT


class ContractDrift(TransportError):
    """An answer in an unknown shape to a read. (To a write it is an `Unknown` outcome.)"""

    kind = ErrorKind.CONTRACT_DRIFT
    retryable = False
    acts = Acts.ENGINEER


class StepRejected(DealthreadError):
    """The other system understood and refused. `case_kind` names the exception case."""

    kind = ErrorKind.REJECTED
    acts = Acts.OPERATOR

    def __init__(self, code: str, *, case_kind: str, field: str = "", **evidence: str) -> None:
        super().__init__(code, **evidence)
        self.case_kind = case_kind
        self.field = field

    @classmethod
    def of(cls, outcome: Rejected) -> StepRejected:
        """The refusal that a port answered with, its evidence whatever it is named."""
        error = cls(outcome.code, case_kind=outcome.case_kind, field=outcome.field)
        error.evidence = dict(outcome.evidence)
        return error


class OutcomeUnknown(_Delayed):
    """A write was sent and its answer is lost. Looked up by key until the budget is spent."""

    kind = ErrorKind.OUTCOME_UNKNOWN
    acts = Acts.OPERATOR

    def __init__(
        self,
        code: str,
        *,
        retry_after: timedelta | None = None,
        exhausted: bool = False,
        **evidence: str,
    ) -> None:
        super().__init__(code, retry_after=retry_after, **evidence)
        self.exhausted = exhausted


class AttemptInFlight(_Delayed):
    """An earlier attempt of this write may still be running; wait for its lease to end."""

    kind = ErrorKind.ATTEMPT_IN_FLIGHT


class NotFound(DealthreadError):
    """The thing asked for does not exist where it should."""

    kind = ErrorKind.NOT_FOUND
    acts = Acts.OPERATOR


class BadInput(DealthreadError):
    """Input at an edge is wrong. `field` names it, `action` says what to do."""

    kind = ErrorKind.BAD_INPUT
    acts = Acts.OPERATOR

    def __init__(self, code: str, *, field: str, action: str, **evidence: str) -> None:
        super().__init__(code, **evidence)
        self.field = field
        self.action = action


class InvariantBroken(DealthreadError):
    """Something that our own rules exclude."""

    kind = ErrorKind.INVARIANT_BROKEN
