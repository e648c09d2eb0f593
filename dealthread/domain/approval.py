"""Who has to agree to an amount. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from dealthread.domain.contract import ApprovalReason
from dealthread.domain.money import Money


def above_limit(
    gross: Money, limits: Mapping[str, Decimal], rule: str, field: str
) -> tuple[ApprovalReason, ...]:
    """Finance agrees to more than the limit of its currency; a currency without one has none."""
    limit = limits.get(gross.currency)
    if limit is None or gross.amount <= limit:
        return ()
    detail = f"{gross} with tax is above {limit:,}"
    return (ApprovalReason(rule=rule, queue="finance", field=field, detail=detail),)
