"""PF-06: a booking carries all its groups; a missing one is refused by our schema, not the ERP."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from activities.erp_booking import booking_context
from dealthread.domain.documents import BookingContext
from dealthread.domain.transaction import SagaContext
from tests.support.deals import d1, d2, d4

GROUPS = (
    "term",
    "billing_schedule",
    "revenue_treatment",
    "tax_estimate",
    "receivable_terms",
    "contract_key",
)


def _context(contract) -> BookingContext:
    saga = SagaContext(
        business_key="quote-to-cash:o:d",
        generation=1,
        contract_key=contract.key,
        org="o",
        deal_id=contract.deal_id,
    )
    return booking_context(saga, contract)


@pytest.mark.parametrize("contract", [d1(), d2(), d4()], ids=["D1", "D2", "D4"])
def test_every_worked_deal_states_every_group(contract) -> None:
    """Billing schedule, revenue treatment, tax estimate, receivable terms, term, contract."""
    stated = _context(contract).model_dump()
    assert all(stated[group] for group in GROUPS)
    assert str(contract.booking_tax()) in stated["tax_estimate"]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("instead", [None, "", "  "])
def test_a_missing_or_empty_group_is_refused(group: str, instead: str | None) -> None:
    """The error names the group."""
    stated = _context(d1()).model_dump()
    if instead is None:
        del stated[group]
    else:
        stated[group] = instead
    with pytest.raises(ValidationError, match=group):
        BookingContext.model_validate(stated)
