"""Use that was taken in and that the biller is not known to have in time.

Both looks start from what is on its way (the partial indexes of planned sums and of periods with
use that is in no sum), so that they cost as much as there is of that, not as much as there was.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, func, literal, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.service_level import Late, Level, ServiceLevels
from dealthread.naming import usage_id
from dealthread.store.schema import contracts
from dealthread.store.schema_usage import usage_batches, usage_events, usage_periods
from dealthread.store.service_levels import OF_CONTRACT, late_of, paged
from dealthread.store.usage_sending import PLANNED, SENT

_PERIODS, _BATCHES, _EVENTS = usage_periods.c, usage_batches.c, usage_events.c
PAGED_BY = (
    _PERIODS.billing_account,
    _PERIODS.contract_key,
    _PERIODS.line_key,
    _PERIODS.period_start,
)
"""The order of the index of unsent use: a page is read from it, not sorted out of all use."""


class LateUsage:
    """Late by contract line and billing period. `ahead` as of `ServiceLevelReading`."""

    def __init__(self, engine: AsyncEngine, ahead: timedelta) -> None:
        self._engine = engine
        self._ahead = ahead

    async def find(self, levels: ServiceLevels, now: datetime) -> list[Late]:
        """A sum that waits since too long ago, and use of which no sum was made at all."""
        cutoff = now - self._ahead - levels.least(Level.USAGE_COUNTED)
        found: dict[str, Late] = {}
        async with self._engine.connect() as connection:
            for query in (sums_that_wait(cutoff), use_without_sum(cutoff)):
                async for row in paged(connection, query, PAGED_BY):
                    late = self._late(row)
                    first = found.setdefault(late.case_id, late)
                    if late.since < first.since:
                        found[late.case_id] = first.model_copy(update={"since": late.since})
        return [one for one in found.values() if one.is_late(levels, now)]

    def _late(self, row: Row[Any]) -> Late:
        evidence = {
            "billing_account": row.billing_account,
            "meter": row.meter,
            "line": row.line_key,
            "period": row.period_start.isoformat(),
            "not_counted": f"{row.not_sent.normalize():f}",
        }
        if row.refusal:
            evidence["refusal"] = row.refusal
        late = late_of(
            row,
            Level.USAGE_COUNTED,
            row.waits_since + self._ahead,
            usage_id(row.billing_account),
            part=f"{row.contract_key}/{row.line_key}/{row.period_start.isoformat()}",
            evidence=evidence,
        )
        # What the use is worth is the biller's to rate; the contract's value is not at risk.
        return late.model_copy(update={"money": None})


def sums_that_wait(cutoff: datetime) -> Select[Any]:
    """One sum of a period is under way at a time."""
    return (
        _what_is_told(_BATCHES.refusal, _BATCHES.created_at)
        .join(usage_batches, _same_period(_BATCHES))
        # Not a bound value: a plan for any state could not use the index of the planned ones.
        .where(_BATCHES.state == literal_column(f"'{PLANNED}'"), _BATCHES.created_at <= cutoff)
    )


def use_without_sum(cutoff: datetime) -> Select[Any]:
    """Between two sums a line always has use of which none was made: only what came before
    `cutoff` is late, and it is looked for only where no sum was made since then."""
    oldest = (
        select(func.min(_EVENTS.received_at).label("received_at"))
        .where(
            _same_period(_EVENTS),
            _EVENTS.received_at <= cutoff,
            or_(_PERIODS.planned_at.is_(None), _EVENTS.received_at > _PERIODS.planned_at),
        )
        .lateral()
    )
    return (
        _what_is_told(literal(""), oldest.c.received_at)
        .join(oldest, oldest.c.received_at.is_not(None))
        .where(
            _PERIODS.quantity > _PERIODS.planned,
            or_(_PERIODS.planned_at.is_(None), _PERIODS.planned_at <= cutoff),
        )
    )


def _what_is_told(refusal: Any, since: Any) -> Select[Any]:
    sent = usage_batches.alias("sent")
    counted = (
        select(func.coalesce(func.sum(sent.c.quantity), 0))
        .where(_same_period(sent.c), sent.c.state == SENT)
        .scalar_subquery()
    )
    return select(
        _PERIODS.line_key,
        _PERIODS.period_start,
        _PERIODS.billing_account,
        _PERIODS.meter,
        (_PERIODS.quantity - counted).label("not_sent"),
        since.label("waits_since"),
        refusal.label("refusal"),
        *OF_CONTRACT,
    ).join_from(usage_periods, contracts, contracts.c.contract_key == _PERIODS.contract_key)


def _same_period(columns: Any) -> Any:
    return and_(
        columns.contract_key == _PERIODS.contract_key,
        columns.line_key == _PERIODS.line_key,
        columns.period_start == _PERIODS.period_start,
    )
