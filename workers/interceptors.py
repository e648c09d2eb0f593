"""The activity boundary: our errors become Temporal's here, and nowhere else.

The error's class decides whether to retry; Retry-After becomes the next retry's delay. Messages
hold codes only; evidence travels as an encrypted detail.
"""

from __future__ import annotations

from typing import Any, NoReturn

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from dealthread.errors import (
    BadInput,
    DealthreadError,
    OutcomeUnknown,
    StepRejected,
    is_effect_possible,
)
from dealthread.failure import ErrorDetails

log = structlog.get_logger()

BUG_ATTEMPTS = 6
"""Attempts of a step that fails with an error nobody foresaw: about half a minute."""
_STORE_AWAY = (SQLAlchemyError, OSError)


class ErrorTranslation(Interceptor):
    """Put in front of every activity of every worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one activity."""
        return _Boundary(super().intercept_activity(next))


class _Boundary(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        with structlog.contextvars.bound_contextvars(
            workflow_id=info.workflow_id,
            activity=info.activity_type,
            attempt=info.attempt,
        ):
            try:
                result = await super().execute_activity(input)
            except DealthreadError as error:
                log.warning("step_failed", kind=error.kind, code=error.code)
                _raise(error)
            except ApplicationError:
                raise
            except Exception as error:
                # The SDK would log the message and the traceback in clear; we log the class.
                log.error("step_crashed", error=type(error).__name__)
                away = isinstance(error, _STORE_AWAY)
                raise ApplicationError(
                    "unexpected error",
                    ErrorDetails(
                        code=type(error).__name__,
                        evidence={"message": str(error)[:500]},
                        effect_possible=is_effect_possible(error),
                    ),
                    type="unexpected",
                    # A store that is away comes back. A bug does not go away by itself: after a
                    # few attempts a person sees it.
                    non_retryable=not away and info.attempt >= BUG_ATTEMPTS,
                    category=ApplicationErrorCategory.BENIGN,
                ) from error
            log.info("step_done")
            return result


def _raise(error: DealthreadError) -> NoReturn:
    details = ErrorDetails(
        code=error.code,
        case_kind=error.case_kind if isinstance(error, StepRejected) else "",
        field=error.field if isinstance(error, StepRejected | BadInput) else "",
        action=error.action if isinstance(error, BadInput) else "",
        evidence=error.evidence,
        effect_possible=is_effect_possible(error),
    )
    exhausted = isinstance(error, OutcomeUnknown) and error.exhausted
    raise ApplicationError(
        f"{error.kind}",
        details,
        type=error.kind,
        non_retryable=exhausted or not error.retryable,
        next_retry_delay=error.retry_after,
        # Keeps the SDK's own logger from printing message and traceback in clear.
        category=ApplicationErrorCategory.BENIGN,
    ) from None
