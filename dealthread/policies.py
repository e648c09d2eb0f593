"""Time-outs and retries of activities, named. Workflows use them as `**WRITE`.

What must not repeat is non-retryable by its error class. Writes have no attempt limit (a long
Retry-After would eat it): their limit is schedule-to-close, which counts back-off and time in the
queue. Where "unavailable for so long" decides something, as with an undo, `patient` counts
attempts instead.

Write activities have no heartbeat (each is a billed action) and wait for their own end when
cancelled: an undo that overtakes its act leaves an orphan.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy


class Timing(TypedDict, total=False):
    """The part of an activity's options that a policy decides; queue and summary are the step's."""

    start_to_close_timeout: timedelta
    schedule_to_start_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy
    priority: Priority
    cancellation_type: workflow.ActivityCancellationType


FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)

_BACKOFF = RetryPolicy(
    initial_interval=FIRST_DELAY,
    backoff_coefficient=2.0,
    maximum_interval=LONGEST_DELAY,
    maximum_attempts=0,
)


def patient(patience: timedelta) -> RetryPolicy:
    """Retry for about this long after the first failure, then give up.

    Counted in attempts of the known back-off, because schedule-to-close would also count the time
    in a queue: a long backlog is no outage.
    """
    attempts, waited, delay = 1, timedelta(0), FIRST_DELAY
    while waited + delay <= patience:
        waited += delay
        delay = min(delay * 2, LONGEST_DELAY)
        attempts += 1
    return RetryPolicy(
        initial_interval=FIRST_DELAY,
        backoff_coefficient=2.0,
        maximum_interval=LONGEST_DELAY,
        maximum_attempts=attempts,
    )


HTTP_TOTAL = timedelta(seconds=25)
"""Longest a vendor call may take: below start-to-close, so that an attempt Temporal gave up on
is dead in its process too."""

ACTIVITY_LIMIT = timedelta(seconds=30)
"""Start-to-close of every activity."""

READ = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=patient(timedelta(minutes=15)),
)

LOOK = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(minutes=4),
    retry_policy=patient(timedelta(minutes=1)),
)
"""A read beside a person who is asked: whose system is away is read another time."""

LAST_LOOK = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(days=7),
    retry_policy=patient(timedelta(days=3)),
)
"""A read after which nobody looks again: a system that is away on that very day is waited for, so
that one outage is not a case of each contract that ended meanwhile."""

WRITE = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(hours=24),
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

SHOW = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(minutes=4),
    retry_policy=patient(timedelta(minutes=1)),
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""A telling that nothing waits for: it is taken up again later. Below the five minutes in which a
customer who has paid gets the service back."""

HOLD_PATIENCE = timedelta(minutes=30)
"""How long the start of an agreement with a reviewed first invoice is tried: half of the hour after
which a biller finalises a draft by itself, so that a person has the other half."""

POST_LEDGER = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    schedule_to_close_timeout=timedelta(days=7),
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)

POST_REVENUE = Timing(**POST_LEDGER, priority=Priority(priority_key=1))
"""What the money waits for: invoices, credits, payments, recognised revenue, and the customer that
an invoice is posted to. Of a company's queue these come first; all else has the middle, 3."""

BOOKS_LIMIT = timedelta(minutes=5)
"""A company's books from the beginning: pages of entries, one call each."""

LOOK_AT_BOOKS = Timing(
    start_to_close_timeout=BOOKS_LIMIT,
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=patient(timedelta(minutes=15)),
)

CLOSE_BOOKS = Timing(
    start_to_close_timeout=BOOKS_LIMIT,
    schedule_to_close_timeout=timedelta(days=7),
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""A look at the books and one write; of the write's own time the adapter keeps watch."""

COMPENSATE = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    # A long Retry-After or a queue without a worker ends here at the latest.
    schedule_to_close_timeout=timedelta(days=1),
    retry_policy=patient(timedelta(minutes=15)),
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""An undo whose system stays away becomes a case after a quarter of an hour, like a read: until it
is undone something stands that should not, and the undos behind it wait."""

STORE = Timing(
    start_to_close_timeout=ACTIVITY_LIMIT,
    retry_policy=_BACKOFF,
    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
)
"""Our own database: it must come back, so there is no end."""
