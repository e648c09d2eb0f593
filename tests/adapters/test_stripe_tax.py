"""Tax rates and tax identifiers: the newest counts, what is missing is added or asked for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.errors import StepRejected
from dealthread.outcome import Done, Rejected
from dealthread.ports.billing import StartAgreement
from tests.adapters.stripe_network import ACCOUNT, CUSTOMER, KEY, invoice
from tests.adapters.stripe_samples import CUSTOMER_NULLS, onboarding
from tests.adapters.stripe_wire import Routes, page
from tests.support import deals


async def test_a_missing_tax_identifier_is_added_and_a_known_one_is_not(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Compared by kind and number; an old one stays, since invoices were issued under it."""
    command = onboarding(deals.d2())
    known: list[dict[str, Any]] = [{"id": "txi_1", "type": "eu_vat", "value": "DE136695976"}]
    present = {
        **CUSTOMER_NULLS,
        "id": "cus_1",
        "object": "customer",
        "name": command.party.legal_name,
        "email": "erika@example.com",
        "preferred_locales": ["de"],
        "address": {"line1": "Am Sandtorkai 2", "city": "Hamburg", "postal_code": "20457",
                    "country": "DE"},
        "metadata": {"dealthread_customer": "A-NORDWERK", "dealthread_parent": "A-PARENT"},
    }  # fmt: skip

    def add(request: httpx.Request) -> httpx.Response:
        known.append({"id": "txi_2", "type": "eu_vat", "value": "DE199999907"})
        return httpx.Response(200, json={"id": "txi_2", "object": "tax_id"})

    routes.on("GET", "/v1/customers/cus_1", present)
    routes.on("GET", "/v1/customers/cus_1/tax_ids",
              lambda _: httpx.Response(200, json=page(*known)))  # fmt: skip
    routes.on("POST", "/v1/customers/cus_1/tax_ids", add)
    for _ in range(2):
        outcome = await routed_billing.update_customer(command, CUSTOMER, idempotency_key="u")
        assert isinstance(outcome, Done), outcome
    assert routes.keys == ["u:1"]


async def test_the_newest_rate_of_a_tax_code_counts(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Stripe lists the newest first; an older rate with the same code has been replaced."""
    routes.on("POST", "/v1/invoices/create_preview", {**invoice(), "lines": page()})
    preview = await routed_billing.preview_first_invoice(deals.d1(), deals.HARBORLINE)
    assert preview.ref is None
    assert ("POST", "/v1/invoices/create_preview") in routes.sent


async def test_a_tax_code_that_the_account_lacks_is_asked_for_once_more(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """It may have been added since; then it is refused before anything is written."""
    with pytest.raises(StepRejected) as refused:
        await routed_billing.preview_first_invoice(
            deals.d4().model_copy(update={"billing_account": ACCOUNT}), deals.COBALT
        )
    assert refused.value.case_kind == "tax.rejected"
    outcome = await routed_billing.start_agreement(
        StartAgreement(contract=deals.d4(), customer=CUSTOMER, hold_first_invoice=False),
        idempotency_key=KEY,
    )
    assert isinstance(outcome, Rejected)
    assert outcome.evidence["tax_code"] == "US-NY-SAAS"
    assert routes.sent == [("GET", "/v1/tax_rates")] * 2
