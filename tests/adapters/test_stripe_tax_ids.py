"""The customers' tax identifiers at the simulated biller, as the worked deals have them."""

from __future__ import annotations

from adapters.stripe.billing import StripeBilling
from dealthread.domain.party import TaxId
from dealthread.outcome import Done, Rejected
from tests.adapters.conftest import Simulator, native
from tests.adapters.test_stripe_contract import customer_of, onboarding
from tests.support import deals


async def test_an_update_adds_what_is_missing_and_keeps_what_is_there(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """D2: invoices were issued under the old identifier, so it stays."""
    contract = deals.d2()
    made = await customer_of(billing, contract, deals.NORDWERK)
    both = deals.NORDWERK.model_copy(
        update={
            "tax_ids": (
                *deals.NORDWERK.tax_ids,
                TaxId(scheme="eu_vat", number="FR40303265045"),
                TaxId(scheme="gb_vat", number="GB199999940"),
            )
        }
    )
    for attempt in ("first", "second"):
        outcome = await billing.update_customer(
            onboarding(contract, both), made, idempotency_key=attempt
        )
        assert isinstance(outcome, Done), outcome
    client = native(stripe_simulator, contract.billing_account)
    held = client.v1.customers.tax_ids.list(made.ref.native_id).data
    assert sorted((row.type, row.value) for row in held) == [
        ("eu_vat", "DE199999907"),
        ("eu_vat", "FR40303265045"),
        ("gb_vat", "GB199999940"),
    ]


async def test_a_malformed_identifier_is_a_case_of_tax_and_makes_no_customer(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """A person corrects the number; the biller holds nothing meanwhile."""
    contract = deals.d2()
    wrong = deals.NORDWERK.model_copy(
        update={"tax_ids": (TaxId(scheme="eu_vat", number="DE12345"),)}
    )
    outcome = await billing.create_customer(onboarding(contract, wrong), idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("tax.identifier", "tax_id_invalid")
    assert not native(stripe_simulator, contract.billing_account).v1.customers.list().data
