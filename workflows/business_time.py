"""Business time inside workflows: workflow time plus the environment's fixed offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from temporalio import workflow


def business_now(offset_seconds: int) -> datetime:
    """Aware, UTC, deterministic under replay."""
    return workflow.now() + timedelta(seconds=offset_seconds)


def business_today(offset_seconds: int) -> date:
    """The business date in UTC: anchors are 00:00 UTC of the date."""
    return business_now(offset_seconds).date()


def midnight(day: date) -> datetime:
    """00:00 UTC of a date."""
    return datetime.combine(day, time(0), UTC)


def time_left(offset_seconds: int, *moments: datetime | None) -> timedelta | None:
    """Until the first of these; None where there is none."""
    first = min((one for one in moments if one is not None), default=None)
    return None if first is None else first - business_now(offset_seconds)
