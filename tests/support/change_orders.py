"""Orders of changes for the worked deals, as a person would ask for them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    ChangeTiming,
    LineAction,
    LineOrder,
    RenewalDecision,
    RenewalOrder,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract, ContractLine
from dealthread.naming import amendment_id, cancellation_id, renewal_id, withdrawal_id


def seats_of(contract: Contract) -> ContractLine:
    """The first recurring line."""
    return next(line for line in contract.lines if line.kind == "recurring")


def seats(
    contract: Contract,
    quantity: int,
    day: date,
    source: str = "A1",
    *,
    timing: ChangeTiming = ChangeTiming.ON_DATE,
    **more: object,
) -> AmendmentOrder:
    """Another number of seats from a day on."""
    return AmendmentOrder.model_validate(
        {
            "change_id": amendment_id(contract.key, source),
            "contract_key": contract.key,
            "accepted_on": day,
            "timing": timing,
            "effective_from": day,
            "lines": (
                LineOrder(
                    action=LineAction.QUANTITY,
                    line_key=seats_of(contract).line_key,
                    quantity=Decimal(quantity),
                ),
            ),
            **more,
        }
    )


def renewal(
    contract: Contract,
    day: date,
    decision: RenewalDecision = RenewalDecision.ACCEPT,
    uplift: str = "",
) -> RenewalOrder:
    """What follows the present term."""
    assert contract.end_date is not None
    return RenewalOrder(
        change_id=renewal_id(contract.key, contract.end_date),
        contract_key=contract.key,
        accepted_on=day,
        decision=decision,
        uplift_percent=Decimal(uplift) if uplift else None,
    )


def cancellation(
    contract: Contract,
    day: date,
    source: str = "X1",
    *,
    timing: ChangeTiming = ChangeTiming.ON_DATE,
    **more: object,
) -> CancellationOrder:
    """The contract ends on a day."""
    return CancellationOrder.model_validate(
        {
            "change_id": cancellation_id(contract.key, source),
            "contract_key": contract.key,
            "accepted_on": day,
            "timing": timing,
            "effective_from": day,
            **more,
        }
    )


def withdrawal(contract: Contract, target: str, day: date) -> WithdrawalOrder:
    """A change that was asked for is taken back."""
    return WithdrawalOrder(
        change_id=withdrawal_id(target),
        contract_key=contract.key,
        accepted_on=day,
        target=target,
    )
