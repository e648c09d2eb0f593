"""Time-outs and retries of activities, named. Workflows use them as `**WRITE`.

No policy limits attempts: what must not repeat is non-retryable by its error class, and a long
Retry-After would eat an attempt limit. The limit is schedule-to-close, which counts back-off and
time in the queue. Write activities have no heartbeat (each is a billed action) and wait for their
own end when cancelled: an undo that overtakes its act leaves an orphan.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio import workflow
from temporalio.common import RetryPolicy


class Timing(TypedDict, total=False):
    """The part of an activity's options that a policy decides; queue and summary are the step's."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: workflow.ActivityCancellationType


_BACKOFF = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=5),
    maximum_attempts=0,
)

HTTP_TOTAL = timedelta(seconds=25)
"""Longest a vendor call may take: below start-to-close, so that an attempt Temporal gave up on
is dead in its process too."""

ACTIVITY_LIMIT = timedelta(seconds=30)
"""Start-to-close of every activity."""

READ = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(minutes=15),
    retry_policy=_BACKOFF,
)

WRITE = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(hours=24),
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

POST_LEDGER = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(days=7),
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

COMPENSATE = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

STORE = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""Our own database: it must come back, so there is no end."""
