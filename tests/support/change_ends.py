"""The two clean ends of a change, read back from every system in memory."""

from __future__ import annotations

from collections import Counter

from dealthread.domain.contract import Contract
from dealthread.domain.documents import BookingState
from dealthread.naming import erp_document_key
from tests.fakes.world import settled
from tests.support.saga_lab import Lab

ACTS = (
    "erp.draft_booking",
    "billing.change_agreement",
    "entitlement.grant",
    "erp.confirm_booking",
    "crm.record_change",
)
"""Every write of a change that bills and books, in order; the second one is the pivot."""
PIVOT = 1


def adjustments(it: Lab, contract: Contract, change_id: str, generation: int = 1):
    """Bookings under the change's key."""
    key = erp_document_key("default", contract.seller, "adjustment", change_id, generation)
    return it.erp.bookings.get(key, [])


async def changed_once(it: Lab, before: Contract, change_id: str, did_before: list[str]) -> None:
    """Each act took effect once; the new version is the present one in store and entitlement."""
    await settled(it.world)
    did = Counter(it.world.did(before.key, before.customer_key)) - Counter(did_before)
    assert [did[act] for act in ACTS] == [1] * len(ACTS), did
    assert "erp.cancel_booking" not in did
    present = await it.contracts.read(before.key)
    assert present is not None
    assert present.version == before.version + 1
    assert [one.state for one in adjustments(it, before, change_id)] == [BookingState.CONFIRMED]
    held = {(one.line_key, one.quantity) for one in it.entitlement.held[before.key].grants}
    assert held == {
        (line.line_key, line.quantity) for line in present.lines if line.entitlement_template
    }
    assert await it.reading.uncertain() == []


async def as_it_was(it: Lab, before: Contract, change_id: str, did_before: list[str]) -> None:
    """A change that stopped: nothing of it is live, the contract is what it was."""
    await settled(it.world)
    did = Counter(it.world.did(before.key, before.customer_key)) - Counter(did_before)
    assert did["billing.change_agreement"] == 0
    assert did["entitlement.grant"] == 0
    assert did["erp.confirm_booking"] == 0
    assert {one.state for one in adjustments(it, before, change_id)} <= {BookingState.CANCELLED}
    assert await it.contracts.read(before.key) == before
    assert await it.reading.uncertain() == []
