"""The customers' tax identifiers at the simulated biller, as the worked deals have them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.domain.documents import BillingCustomer
from dealthread.domain.party import Party, TaxId
from dealthread.errors import ContractDrift
from dealthread.outcome import Done, Rejected, Unknown
from tests.adapters.conftest import Simulator, native
from tests.adapters.fake_clock import FixedClock
from tests.adapters.stripe_samples import NOW
from tests.adapters.stripe_wire import Routes, page
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


def moved(*tax_ids: tuple[str, str]) -> Party:
    """Nordwerk at another address, with further tax identifiers."""
    address = deals.NORDWERK.billing_address.model_copy(update={"street": "Neuer Wall 1"})
    more = tuple(TaxId(scheme=scheme, number=number) for scheme, number in tax_ids)
    return deals.NORDWERK.model_copy(
        update={"billing_address": address, "tax_ids": (*deals.NORDWERK.tax_ids, *more)}
    )


def held(simulator: Simulator, native_id: str) -> tuple[str, list[str]]:
    """Street and tax identifiers as the biller has them."""
    client = native(simulator, deals.d2().billing_account)
    address = client.v1.customers.retrieve(native_id).address
    assert address is not None
    rows = client.v1.customers.tax_ids.list(native_id).data
    return address.line1 or "", sorted(row.value for row in rows)


async def test_a_refused_identifier_leaves_the_whole_record_as_it_was(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Rejected says that nothing was written: the identifier is tried before the address."""
    contract = deals.d2()
    made = await customer_of(billing, contract, deals.NORDWERK)
    before = held(stripe_simulator, made.ref.native_id)
    command = onboarding(contract, moved(("eu_vat", "DE12345")))
    outcome = await billing.update_customer(command, made, idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("tax.identifier", "tax_id_invalid")
    assert held(stripe_simulator, made.ref.native_id) == before


async def test_a_refusal_after_another_identifier_was_added_is_unknown_then_rejected(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """What was written is not denied; the repeat, under the same key, has the refused part left."""
    contract = deals.d2()
    made = await customer_of(billing, contract, deals.NORDWERK)
    command = onboarding(contract, moved(("eu_vat", "FR40303265045"), ("gb_vat", "GB1")))
    first = await billing.update_customer(command, made, idempotency_key="k")
    assert isinstance(first, Unknown)
    assert first.code == "refused_after_effect"
    assert first.evidence["seen"] == "tax_id_invalid"
    second = await billing.update_customer(command, made, idempotency_key="k")
    assert isinstance(second, Rejected)
    assert (second.case_kind, second.code) == ("tax.identifier", "tax_id_invalid")
    corrected = onboarding(contract, moved(("eu_vat", "FR40303265045"), ("gb_vat", "GB199999940")))
    third = await billing.update_customer(corrected, made, idempotency_key="k~1")
    assert isinstance(third, Done)
    assert held(stripe_simulator, made.ref.native_id) == (
        "Neuer Wall 1",
        ["DE199999907", "FR40303265045", "GB199999940"],
    )


async def test_an_identifier_whose_answer_was_lost_is_not_mixed_up_with_the_next(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Each has its own key, in a repeat too, when the ones before it are there already."""
    contract = deals.d2()
    made = await customer_of(billing, contract, deals.NORDWERK)
    command = onboarding(contract, moved(("eu_vat", "FR40303265045"), ("gb_vat", "GB199999940")))
    stripe_simulator.fault("lose_answer", method="POST", path="/tax_ids$", times=1)
    first = await billing.update_customer(command, made, idempotency_key="k")
    assert isinstance(first, Unknown)
    second = await billing.update_customer(command, made, idempotency_key="k")
    assert isinstance(second, Done), second
    assert held(stripe_simulator, made.ref.native_id)[1] == [
        "DE199999907",
        "FR40303265045",
        "GB199999940",
    ]


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [(400, "invalid_request_error", "refused_after_effect"),
     (409, "invalid_request_error", "effect_not_read_back"),
     (500, "api_error", "server_error")],
)  # fmt: skip
async def test_fields_that_fail_after_an_identifier_was_added_are_unknown(
    status: int, kind: str, code: str
) -> None:
    """No error and no refusal says "nothing happened" once something has."""
    routes = Routes()
    routes.on("GET", "/v1/customers/cus_1", {"id": "cus_1", "object": "customer"})
    routes.on("GET", "/v1/customers/cus_1/tax_ids", page())
    routes.on("POST", "/v1/customers/cus_1/tax_ids", {"id": "txi_1", "object": "tax_id"})
    body = {"error": {"type": kind, "code": "x"}}
    routes.on("POST", "/v1/customers/cus_1", lambda _: httpx.Response(status, json=body))
    outcome = await updated(routes)
    assert isinstance(outcome, Unknown)
    assert outcome.code == code


async def test_identifiers_that_cannot_be_read_stop_the_update_before_it_writes() -> None:
    """An unknown shape: nothing was sent, and the error may say so."""
    routes = Routes()
    routes.on("GET", "/v1/customers/cus_1", {"id": "cus_1", "object": "customer"})
    routes.on("GET", "/v1/customers/cus_1/tax_ids", {"data": "x"})
    with pytest.raises(ContractDrift):
        await updated(routes)
    assert {method for method, _ in routes.sent} == {"GET"}


async def updated(routes: Routes) -> Any:
    """An update of Nordwerk's record on that network."""
    contract = deals.d2()
    adapter = StripeBilling(
        StripeSettings(accounts={contract.billing_account: SecretStr("sk_test_secret")}),
        FixedClock(NOW),
        transport=lambda: httpx.MockTransport(routes.handle),
    )
    existing = BillingCustomer(
        ref=contract.customer_ref.model_copy(
            update={"account": contract.billing_account, "native_id": "cus_1"}
        ),
        customer_key=contract.customer_key,
    )
    try:
        return await adapter.update_customer(
            onboarding(contract, deals.NORDWERK), existing, idempotency_key="k"
        )
    finally:
        await adapter.aclose()
