"""Usage to the biller: sums of what was taken in, each counted there once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from temporalio import activity

from activities.usage_inputs import SendUsage, UsageSent
from dealthread.domain.catalog import ConfigSet
from dealthread.errors import ContractDrift, NotFound, TransportError
from dealthread.hub_usage import UsageBatch, UsageSendingStore
from dealthread.outcome import Done, Rejected
from dealthread.ports.clock import BusinessClock
from dealthread.ports.usage import UsagePort

MOST_PLANNED, MOST_AT_ONCE = 500, 10
WAIT_SECONDS, LONGEST_WAIT_SECONDS = 15.0, 900.0
_BUDGET = timedelta(seconds=4)
"""Of one activity: with the longest call it stays below start-to-close. What is left is the next
one's."""
_OLDEST = timedelta(days=30)
"""Of an instant that is told: Stripe takes none of more than 35 days ago."""
_DIFFERS = "counted_usage_differs"


class UsageActivities:
    """Through the biller's port and our own book of sums, which is the write journal here."""

    def __init__(
        self,
        biller: UsagePort,
        store: UsageSendingStore,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._biller = biller
        self._store = store
        self._config = config
        self._clock = clock

    @activity.defn(name="usage.send")
    async def send(self, order: SendUsage) -> UsageSent:
        """Plan what is due, then send what is planned, oldest first, until nothing is due or the
        time is over. Each sum stands in the store before it is sent."""
        account, until = order.billing_account, datetime.now(UTC) + _BUDGET
        interval = 0 if order.at_once else self._config().policy.usage_send_seconds
        sent = not_sent = 0
        refusals: dict[str, None] = {}
        is_over = False
        while not is_over and datetime.now(UTC) < until:
            await self._store.plan(account, interval, MOST_PLANNED, self._clock.now() - _OLDEST)
            batches = await self._store.due(account, MOST_AT_ONCE)
            is_over = not batches
            for batch in batches:
                why = await self._send(batch)
                if why:
                    not_sent += 1
                    refusals[why] = None
                    await self._store.not_sent(batch.report.batch_key, why, _wait(batch))
                else:
                    sent += 1
                    await self._store.sent(batch.report.batch_key)
        return UsageSent(
            sent=sent,
            not_sent=not_sent,
            waiting=await self._store.waiting(account),
            refusals=tuple(refusals),
            is_over=is_over,
        )

    async def _send(self, batch: UsageBatch) -> str:
        """Why it is not known to be there; "" once it is."""
        try:
            if batch.attempts:
                # An earlier attempt may have had its effect: the biller's sum tells.
                found = await self._is_counted(batch)
                if found is not None:
                    return "" if found else _DIFFERS
            outcome = await self._biller.report_usage(batch.report, attempt=batch.attempts + 1)
            if isinstance(outcome, Done):
                return ""
            if isinstance(outcome, Rejected) and batch.attempts:
                # Perhaps refused because it is known there: a sum that lagged behind a moment ago.
                return "" if await self._is_counted(batch) else outcome.code
            return outcome.code
        except (TransportError, ContractDrift) as error:
            return error.code

    async def _is_counted(self, batch: UsageBatch) -> bool | None:
        """Whether the biller's sum holds the batch; None where it surely does not. False where it
        is neither with nor without it: somebody else counts there, and a person has to look."""
        report = batch.report
        start, end = _midnight(batch.period_start), _midnight(batch.period_end)
        before = await self._store.known_sent(batch)
        try:
            counted = await self._biller.counted_usage(
                report.billing_account, report.customer_key, report.meter, start, end
            )
        except NotFound:
            return None
        if counted == before:
            return None
        return counted == before + report.quantity


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


def _wait(batch: UsageBatch) -> float:
    return min(WAIT_SECONDS * 2.0 ** min(batch.attempts, 10), LONGEST_WAIT_SECONDS)
