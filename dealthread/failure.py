"""How our errors look on the workflow's side of an activity."""

from __future__ import annotations

from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    TimeoutError,
    TimeoutType,
)

from dealthread.domain.base import Carried
from dealthread.errors import ErrorKind


class ErrorDetails(Carried):
    """Evidence of an error; travels as an encrypted detail of the failure."""

    code: str
    case_kind: str = ""
    field: str = ""
    action: str = ""
    evidence: dict[str, str] = {}
    effect_possible: bool = False
    """The write was sent before, and nothing has shown since what became of it."""


class Problem(Carried):
    """Why a step did not succeed, in our terms."""

    kind: ErrorKind
    details: ErrorDetails

    @property
    def is_uncertain(self) -> bool:
        """Whether an effect may exist although the step failed."""
        return self.details.effect_possible or self.kind in (
            ErrorKind.OUTCOME_UNKNOWN,
            ErrorKind.ATTEMPT_IN_FLIGHT,
        )

    @property
    def is_unavailable(self) -> bool:
        """The other side did not answer the last attempt, which had no effect."""
        return self.kind in (ErrorKind.VENDOR_UNAVAILABLE, ErrorKind.RATE_LIMITED)


def problem_of(error: ActivityError) -> Problem:
    """Classify. A time-out without a better reason is uncertain, never "failed"."""
    cause: BaseException | None = error.cause
    timed_out = isinstance(cause, TimeoutError)
    if timed_out and isinstance(cause, FailureError) and isinstance(cause.cause, ApplicationError):
        cause = cause.cause
    elif timed_out and _never_began(cause):
        return Problem(
            kind=ErrorKind.VENDOR_UNAVAILABLE, details=ErrorDetails(code="waited_in_the_queue")
        )
    told = cause.details[0] if isinstance(cause, ApplicationError) and cause.details else None
    details = ErrorDetails.model_validate(told or {"code": ""})
    if isinstance(cause, ApplicationError) and cause.type in set(ErrorKind):
        return Problem(kind=ErrorKind(cause.type), details=details)
    if timed_out or isinstance(cause, CancelledError):
        return Problem(kind=ErrorKind.OUTCOME_UNKNOWN, details=ErrorDetails(code="timed_out"))
    return Problem(
        kind=ErrorKind.INVARIANT_BROKEN,
        details=ErrorDetails(
            code="unexpected_error",
            case_kind="integration.contract_drift",
            effect_possible=details.effect_possible,
        ),
    )


def _never_began(cause: BaseException | None) -> bool:
    """Nobody took it up, not even once: its system is away, or has too much to do."""
    return (
        isinstance(cause, TimeoutError)
        and cause.type is TimeoutType.SCHEDULE_TO_START
        and cause.cause is None
    )
