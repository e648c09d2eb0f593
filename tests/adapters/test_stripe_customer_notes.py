"""What the biller's adapter says of a change of a customer's record before it makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.customer_field import CustomerField
from dealthread.domain.party import Address, TaxId
from dealthread.outcome import Done, Rejected
from tests.adapters.conftest import Simulator
from tests.adapters.test_stripe_contract import customer_of, onboarding
from tests.support import deals


@dataclass
class Notes:
    """What was said, and what had gone out by then."""

    simulator: Simulator
    said: list[set[str]] = field(default_factory=list)
    before: list[list[str]] = field(default_factory=list)

    async def take(self, fields: frozenset[CustomerField]) -> None:
        self.said.append({one.value for one in fields})
        self.before.append([row["method"] for row in self.simulator.requests()])


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, None),
        ({"legal_name": "Harborline Freight Group Inc."}, {"party_legal_name"}),
        ({"language": "de"}, {"billing_contact"}),
        (
            {"shipping_address": Address(street="1 Pier", city="Houston", country="US")},
            {"ship_to_address"},
        ),
        ({"tax_ids": (TaxId(scheme="us_ein", number="98-7654321"),)}, {"tax_identifier"}),
    ],
    ids=["nothing", "name", "language", "place of use", "tax"],
)
async def test_the_fields_are_named_before_anything_is_written(
    billing: StripeBilling,
    stripe_simulator: Simulator,
    changes: dict[str, Any],
    fields: set[str] | None,
) -> None:
    customer = await customer_of(billing, deals.d1(), deals.HARBORLINE)
    command = onboarding(deals.d1(), deals.HARBORLINE.model_copy(update=changes))
    stripe_simulator.forget()
    notes = Notes(stripe_simulator)
    outcome = await billing.update_customer(
        command, customer, idempotency_key="n1", note=notes.take
    )
    assert isinstance(outcome, Done)
    assert notes.said == ([] if fields is None else [fields])
    assert all(set(methods) == {"GET"} for methods in notes.before)
    assert (fields is not None) == any(
        row["method"] == "POST" for row in stripe_simulator.requests()
    )
    again = await billing.update_customer(command, customer, idempotency_key="n2", note=notes.take)
    assert isinstance(again, Done)
    assert len(notes.said) == (fields is not None), "it is as it should be"


async def test_a_parent_and_a_record_taken_up_again_are_named(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    customer = await customer_of(billing, deals.d1(), deals.HARBORLINE)
    await billing.retire_customer(customer, idempotency_key="x")
    command = onboarding(deals.d1(), deals.HARBORLINE).model_copy(
        update={"parent_customer_key": "A-PARENT"}
    )
    notes = Notes(stripe_simulator)
    await billing.update_customer(command, customer, idempotency_key="y", note=notes.take)
    assert notes.said == [{"commercial_hierarchy", "in_use"}]


async def test_a_name_that_stands_in_the_shipping_details_too_is_no_new_place(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    place = Address(street="1 Pier", city="Houston", country="US")
    party = deals.HARBORLINE.model_copy(update={"shipping_address": place})
    customer = await customer_of(billing, deals.d1(), party)
    renamed = party.model_copy(update={"legal_name": "Harborline Freight Group Inc."})
    notes = Notes(stripe_simulator)
    outcome = await billing.update_customer(
        onboarding(deals.d1(), renamed), customer, idempotency_key="z", note=notes.take
    )
    assert isinstance(outcome, Done)
    assert notes.said == [{"party_legal_name"}]


async def test_what_is_refused_was_named_and_leaves_the_record_as_it_was(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Who keeps the names takes them back where the answer says that nothing was written."""
    customer = await customer_of(billing, deals.d1(), deals.HARBORLINE)
    bad = deals.HARBORLINE.model_copy(update={"tax_ids": (TaxId(scheme="eu_vat", number="DE1"),)})
    notes = Notes(stripe_simulator)
    outcome = await billing.update_customer(
        onboarding(deals.d1(), bad), customer, idempotency_key="r", note=notes.take
    )
    assert isinstance(outcome, Rejected)
    assert notes.said == [{"tax_identifier"}]
