"""What contracts are worth: sold, billed, recognised, recurring (T1, T2, T13, T14)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from dealthread.domain.base import Frozen
from dealthread.domain.closing.tie import Answer, Identity, Pair, Scope, compared
from dealthread.domain.money import Money


class SoldContract(Frozen):
    """One contract up to a day, net, without usage; usage beside it."""

    contract_key: str
    sold: Money
    """Committed by its accepted versions."""
    billed: Money
    """Of what its bills say, less credits and voids."""
    backlog: Money
    """What its billing plan has still to bill, from the plan, never sold less billed."""
    usage_rated: Money
    usage_billed: Money
    usage_unbilled: Money
    """Stands in unbilled receivables."""


def check_sold(scope: Scope, contracts: Sequence[SoldContract]) -> Answer:
    """T1: sold is billed or still to be billed; use is billed or stands as a receivable."""
    pairs = []
    for one in contracts:
        pairs.append(
            Pair(
                what="sold, against billed and the billing plan's rest",
                expected=one.sold,
                found=one.billed + one.backlog,
                contract_key=one.contract_key,
            )
        )
        pairs.append(
            Pair(
                what="use as rated, against use billed and not billed",
                expected=one.usage_rated,
                found=one.usage_billed + one.usage_unbilled,
                contract_key=one.contract_key,
            )
        )
    return compared(Identity.SOLD, scope, pairs)


class Obligations(Frozen):
    """One contract up to a day, net, without usage."""

    contract_key: str
    sold: Money
    recognised: Money
    remaining: Money
    """Lines of its revenue schedule that are open, and services that wait for acceptance: never
    sold less recognised."""
    backlog: Money


class DeferredInLedger(Frozen):
    """What the ledger holds of the contracts' currency."""

    account: str
    deferred: Money
    """As it stands in the ledger, before netting."""
    contract_asset: Money


def check_remaining(
    scope: Scope, contracts: Sequence[Obligations], ledger: DeferredInLedger
) -> Answer:
    """T2: what remains by the schedules is sold less recognised, and is deferred in the ledger or
    not billed yet."""
    pairs = [
        Pair(
            what="sold less recognised, against open schedule lines",
            expected=one.sold - one.recognised,
            found=one.remaining,
            contract_key=one.contract_key,
        )
        for one in contracts
    ]
    backlog = Money.total((one.backlog for one in contracts), scope.currency)
    pairs.append(
        Pair(
            what="open schedule lines, against deferred in the ledger and the billing plan's rest",
            expected=Money.total((one.remaining for one in contracts), scope.currency),
            found=ledger.deferred + backlog - ledger.contract_asset,
            account=ledger.account,
        )
    )
    return compared(Identity.REMAINING, scope, pairs)


class ScheduledObligation(Frozen):
    """One obligation of a contract: its share of the price and its schedule."""

    contract_key: str
    obligation: str
    allocated: Money | None
    """None where only the contract's total is known: a changed contract is planned anew."""
    scheduled: Money
    """Recognised and open lines."""


class SoldFixed(Frozen):
    """Fixed consideration of a contract."""

    contract_key: str
    sold: Money


def check_schedules(
    scope: Scope, contracts: Sequence[SoldFixed], obligations: Sequence[ScheduledObligation]
) -> Answer:
    """T14: each obligation's schedule comes to its share, and all of a contract's to what was
    sold. What a line is billed may differ from what it is recognised; the totals may not."""
    ordered = sorted(obligations, key=lambda one: (one.contract_key, one.obligation))
    pairs = [
        Pair(
            what=f"share of {one.obligation}, against its schedule",
            expected=one.allocated,
            found=one.scheduled,
            contract_key=one.contract_key,
        )
        for one in ordered
        if one.allocated is not None
    ]
    totals = {
        key: Money.total((one.scheduled for one in mine), scope.currency)
        for key, mine in groupby(ordered, key=lambda one: one.contract_key)
    }
    zero = Money.zero(scope.currency)
    known = {one.contract_key: one.sold for one in contracts}
    pairs += [
        Pair(
            what="sold, against all schedule lines",
            expected=known.get(key, zero),
            found=totals.get(key, zero),
            contract_key=key,
        )
        for key in sorted({*known, *totals})
    ]
    return compared(Identity.SCHEDULES, scope, pairs)


class ArrMovement(Frozen):
    """One contract's annual recurring revenue over a month, and what moved it."""

    contract_key: str
    opening: Money
    new: Money
    expansion: Money
    contraction: Money
    churn: Money
    price: Money
    """A change of price alone; a decrease is below nought."""
    exchange: Money
    closing: Money


def check_arr(scope: Scope, contracts: Sequence[ArrMovement]) -> Answer:
    """T13: closing is opening and what is known to have moved it. In a contract's own currency
    exchange moves nothing."""
    pairs = []
    for one in contracts:
        moved = one.new + one.expansion - one.contraction - one.churn + one.price
        pairs.append(
            Pair(
                what="closing, against opening and its movements",
                expected=one.opening + moved + one.exchange,
                found=one.closing,
                contract_key=one.contract_key,
            )
        )
        pairs.append(
            Pair(
                what="exchange at a constant rate",
                expected=Money.zero(scope.currency),
                found=one.exchange,
                contract_key=one.contract_key,
            )
        )
    return compared(Identity.ARR, scope, pairs)
