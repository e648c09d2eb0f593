"""Whether a change may be carried out, and who has to agree first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from dealthread.domain.catalog import ChargeKind, ConfigSet
from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    ChangeOrder,
    RenewalDecision,
    RenewalOrder,
    WithdrawalOrder,
)
from dealthread.domain.contract import ApprovalReason, Contract, ContractLine, ContractState
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.effective import effective_date
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.lookup import line_keys, served_on, spans_of
from dealthread.domain.versions.money import ChangeMoney
from dealthread.domain.versions.order_checks import (
    amendment_findings,
    base_findings,
    cancellation_findings,
    renewal_findings,
)
from dealthread.domain.versions.refusal import OrderRefusal, OrderRefused
from dealthread.domain.versions.renewed import renewed
from dealthread.domain.versions.treatment import ssp_findings

DEAL_DESK = "deal-desk"
"""Queue of what sales has agreed; `ACCOUNTING` of dates and ends."""
ACCOUNTING = "accounting"

_STATES = {
    ContractState.ENDED: ("contract_ended", "sell it anew"),
    ContractState.NEVER_ACTIVATED: ("contract_never_activated", "sell it anew"),
    ContractState.PENDING: ("contract_pending", "wait until the deal is through"),
}


def refusals(
    contract: Contract,
    state: ContractState | None,
    order: ChangeOrder,
    today: date,
    config: ConfigSet,
) -> tuple[OrderRefusal, ...]:
    """Everything that stops an order; nothing is raised."""
    if state is None:
        return (_refusal("contract_unknown", "contract_key", "name a contract"),)
    if state in _STATES:
        code, action = _STATES[state]
        return (_refusal(code, "contract_key", action),)
    found = tuple(dict.fromkeys(_findings(contract, order, today, config)))
    if found or isinstance(order, WithdrawalOrder):
        return found
    try:
        after = _after(contract, order, today, config)
        return ssp_findings(contract, after, order, config)
    except OrderRefused as refused:
        return (refused.refusal,)


def _findings(
    contract: Contract, order: ChangeOrder, today: date, config: ConfigSet
) -> Iterator[OrderRefusal]:
    if isinstance(order, AmendmentOrder):
        yield from amendment_findings(contract, order, config, today)
    elif isinstance(order, RenewalOrder):
        yield from renewal_findings(contract, order, config, today)
    elif isinstance(order, CancellationOrder):
        yield from cancellation_findings(contract, order, today)
    else:
        yield from base_findings(contract, order)
        if not order.target:
            yield _refusal("target_missing", "target", "name the change that is taken back")
        elif order.target == order.change_id:
            yield _refusal("target_itself", "target", "name another change")


def _after(
    contract: Contract,
    order: AmendmentOrder | RenewalOrder | CancellationOrder,
    today: date,
    config: ConfigSet,
) -> Contract:
    if isinstance(order, AmendmentOrder):
        return amended(contract, order, config, today)
    if isinstance(order, RenewalOrder):
        return renewed(contract, order, config, today)
    return ended(contract, order, today)


def approvals(
    before: Contract,
    after: Contract,
    order: ChangeOrder,
    money: ChangeMoney,
    config: ConfigSet,
    today: date,
) -> tuple[ApprovalReason, ...]:
    """What a person has to agree to, by policy."""
    return tuple(_approvals(before, after, order, money, config, today))


def _approvals(
    before: Contract,
    after: Contract,
    order: ChangeOrder,
    money: ChangeMoney,
    config: ConfigSet,
    today: date,
) -> Iterator[ApprovalReason]:
    policy = config.policy
    if isinstance(order, CancellationOrder):
        if policy.cancellation_needs_approval:
            yield _reason("cancellation", ACCOUNTING, "cause", f"the contract ends: {order.cause}")
        yield from _backdated(before, order, today, policy.max_backdate_days)
    if isinstance(order, AmendmentOrder):
        moved = max(abs(after.tcv() - before.tcv()), abs(money.net))
        limit = policy.amendment_approval_net.get(before.currency)
        if limit is not None and moved.amount > limit:
            yield _reason("amount", ACCOUNTING, "lines", f"net value moves by {moved}")
        yield from _backdated(before, order, today, policy.max_backdate_days)
        if policy.reduction_needs_approval:
            yield from _reduced(before, after, order, today)
    if isinstance(order, AmendmentOrder) or (
        isinstance(order, RenewalOrder) and order.decision is not RenewalDecision.DECLINE
    ):
        yield from _discounted(before, after, policy.max_unapproved_discount_percent)


def _backdated(
    before: Contract, order: AmendmentOrder | CancellationOrder, today: date, most: int
) -> Iterator[ApprovalReason]:
    days = (today - effective_date(before, order, today)).days
    if days > most:
        yield _reason("backdated", ACCOUNTING, "effective_from", f"{days} days before today")


def _reduced(
    before: Contract, after: Contract, order: AmendmentOrder, today: date
) -> Iterator[ApprovalReason]:
    on = effective_date(before, order, today)
    for key in line_keys(before):
        was, now = served_on(spans_of(before, key), on), served_on(spans_of(after, key), on)
        if was is not None and (now is None or now.quantity < was.quantity):
            left = Decimal(0) if now is None else now.quantity
            yield _reason(
                "reduction", DEAL_DESK, f"lines.{key}.quantity", f"{was.quantity} to {left}"
            )


def _discounted(before: Contract, after: Contract, most: Decimal) -> Iterator[ApprovalReason]:
    """New spans at a price too far below list. A price that was agreed before is not asked again;
    usage is billed by the biller's tiers."""
    known = {(line.line_key, line.product_code, line.unit_price.amount) for line in before.lines}
    for line in after.lines:
        state = (line.line_key, line.product_code, line.unit_price.amount)
        percent = _discount(line)
        if state not in known and line.kind != ChargeKind.USAGE and percent > most:
            known.add(state)
            yield _reason(
                "discount",
                DEAL_DESK,
                f"lines.{line.line_key}.unit_price",
                f"{percent} % below list, {most.normalize():f} % need no approval",
            )


def _discount(line: ContractLine) -> Decimal:
    """Percent below list, two decimals half up; nought for a free price."""
    if line.list_price is None or line.list_price.amount <= 0:
        return Decimal(0)
    share = (line.list_price.amount - line.unit_price.amount) * 100 / line.list_price.amount
    return share.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _refusal(code: str, field: str, action: str) -> OrderRefusal:
    return OrderRefusal(code=code, field=field, action=action)


def _reason(rule: str, queue: str, field: str, detail: str) -> ApprovalReason:
    return ApprovalReason(rule=f"change.{rule}", queue=queue, field=field, detail=detail)
