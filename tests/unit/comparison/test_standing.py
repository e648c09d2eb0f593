"""DM-10: what moved here while the systems were read was not changed in the systems."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dealthread.domain.comparison.standing import ContractStanding, RunUnderWay, Told
from dealthread.domain.contract import ContractState
from tests.support.running_contract import worked_contract

THEN = datetime(2026, 3, 1, 9, tzinfo=UTC)
HEARD = Told(
    subscriber="cs", event_id="evt_1", state="active", version=1, waiting="contract.amended"
)
BEFORE = ContractStanding(
    contract=worked_contract(), state=ContractState.ACTIVE, changed_at=THEN, told=(HEARD,)
)


@pytest.mark.parametrize(
    "changed",
    [
        {"changed_at": THEN.replace(hour=10)},
        {"state": ContractState.ENDED},
        {"holds": ("invoice-1",)},
        {"runs": (RunUnderWay(business_key="amendment:C-1:1", stage="crm", began_at=THEN),)},
        {"told": (Told(subscriber="cs", event_id="evt_2", state="active", version=2),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_changed_between_two_readings_has_moved(changed: dict[str, object]) -> None:
    """An event that customer success confirmed meanwhile is one of them."""
    assert not BEFORE.moved_since(BEFORE.model_copy())
    assert BEFORE.model_copy(update=changed).moved_since(BEFORE)
