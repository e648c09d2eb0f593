"""RS-01: what a workflow sees of a failed step; a time-out is never "failed"."""

from __future__ import annotations

import pytest
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    RetryState,
    ServerError,
    TimeoutError,
    TimeoutType,
)

from dealthread.errors import ErrorKind
from dealthread.failure import ErrorDetails, problem_of


def activity_error(cause: BaseException | None) -> ActivityError:
    error = ActivityError(
        "activity failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="erp.confirm",
        activity_id="1",
        retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
    )
    error.__cause__ = cause
    return error


def ours(kind: str, **details: object) -> ApplicationError:
    return ApplicationError("x", *([details] if details else []), type=kind)


def timed_out(last: BaseException | None = None) -> TimeoutError:
    error = TimeoutError("timeout", type=TimeoutType.SCHEDULE_TO_CLOSE, last_heartbeat_details=[])
    error.__cause__ = last
    return error


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_our_own_errors_keep_kind_and_evidence(kind: ErrorKind) -> None:
    details = {
        "code": "invalid_account",
        "case_kind": "erp.rejected",
        "field": "account",
        "action": "mend it",
        "evidence": {"line": "1"},
    }
    problem = problem_of(activity_error(ours(kind, **details)))
    assert problem.kind is kind
    assert problem.details == ErrorDetails.model_validate(details)
    assert problem.is_uncertain is (kind in ("outcome_unknown", "attempt_in_flight"))
    assert problem.is_unavailable is (kind in ("vendor_unavailable", "rate_limited"))


@pytest.mark.parametrize("kind", [*ErrorKind, "unexpected"])
def test_an_error_behind_which_an_effect_may_stand_is_uncertain_whatever_it_is(kind: str) -> None:
    """A look-up that is refused after the write went out says nothing about the write."""
    cause = ours(kind, code="refused", effect_possible=True)
    assert problem_of(activity_error(cause)).is_uncertain
    assert problem_of(activity_error(timed_out(cause))).is_uncertain


def test_an_error_without_details_keeps_its_kind() -> None:
    problem = problem_of(activity_error(ours("rejected")))
    assert (problem.kind, problem.details.code) == (ErrorKind.REJECTED, "")


def test_details_of_a_newer_version_are_read() -> None:
    problem = problem_of(activity_error(ours("rejected", code="c", added_later="x")))
    assert problem.details.code == "c"


@pytest.mark.parametrize(
    "cause", [timed_out(), CancelledError("cancelled"), timed_out(ServerError("lost"))]
)
def test_without_an_answer_the_outcome_is_unknown(cause: BaseException) -> None:
    problem = problem_of(activity_error(cause))
    assert problem.kind is ErrorKind.OUTCOME_UNKNOWN
    assert problem.details.code == "timed_out"
    assert problem.is_uncertain


def test_a_time_out_tells_the_last_reason_it_knows() -> None:
    cause = timed_out(ours("vendor_unavailable", code="connection_refused"))
    problem = problem_of(activity_error(cause))
    assert (problem.kind, problem.details.code) == ("vendor_unavailable", "connection_refused")


@pytest.mark.parametrize(
    "cause",
    [None, ApplicationError("x"), ApplicationError("x", type="KeyError"), ServerError("gone")],
)
def test_anything_else_is_a_bug_that_a_person_sees(cause: BaseException | None) -> None:
    problem = problem_of(activity_error(cause))
    assert problem.kind is ErrorKind.INVARIANT_BROKEN
    assert problem.details.case_kind == "integration.contract_drift"
    assert not problem.is_uncertain
