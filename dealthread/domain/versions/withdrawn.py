"""The next version of a contract when a change is taken back before it took effect."""

from __future__ import annotations

from datetime import date

from dealthread.domain.contract import Contract
from dealthread.domain.versions.lookup import first_difference
from dealthread.domain.versions.refusal import OrderRefused


def withdrawn(contract: Contract, earlier: Contract, number: int, today: date) -> Contract:
    """The version before the change, as a new one.

    `number` is the version that the change made, `earlier` the one before it. Raises OrderRefused
    when the change has taken effect or another one was agreed on top of it.
    """
    if contract.version != number:
        raise OrderRefused("changed_since", "target", "withdraw what was agreed on top of it first")
    on = first_difference(earlier, contract)
    if on is None:
        on = contract.end_date
    if on is not None and on <= today:
        raise OrderRefused("took_effect", "target", "order the opposite change instead")
    return earlier.model_copy(update={"version": contract.version + 1})
