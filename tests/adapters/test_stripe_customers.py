"""Customers, refusals, credentials and the number of calls at the simulated biller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.http import TallyMeter
from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.domain.money import Money
from dealthread.errors import AuthRejected, StepRejected
from dealthread.outcome import Done
from tests.adapters.conftest import ACCOUNTS, Simulator, native
from tests.adapters.fake_clock import OffsetClock
from tests.adapters.stripe_deals import by_bank, started
from tests.adapters.test_stripe_contract import customer_of, onboarding
from tests.support import deals


async def test_the_same_data_changes_nothing(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """A repeated onboarding reads; another address writes once."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    command = onboarding(contract, deals.HARBORLINE)
    stripe_simulator.forget()
    same = await billing.update_customer(command, customer, idempotency_key="u1")
    assert isinstance(same, Done)
    assert [row["method"] for row in stripe_simulator.requests()] == ["GET"]
    address = deals.HARBORLINE.billing_address.model_copy(update={"street": "200 Congress Ave"})
    moved = command.model_copy(
        update={"party": deals.HARBORLINE.model_copy(update={"billing_address": address})}
    )
    changed = await billing.update_customer(moved, customer, idempotency_key="u2")
    assert isinstance(changed, Done)
    client = native(stripe_simulator, "acct_us01")
    held = client.v1.customers.retrieve(customer.ref.native_id).address
    assert held is not None
    assert held.line1 == "200 Congress Ave"


async def test_a_fresh_customer_is_found_although_search_lags(billing: StripeBilling) -> None:
    """K9: search may be behind; what was just made is listed."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    found = await billing.find_customer("acct_us01", contract.customer_key)
    assert found is not None
    assert found.ref == customer.ref
    assert await billing.find_customer("acct_de01", contract.customer_key) is None


async def test_a_retired_customer_is_taken_up_again(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Master data is marked unused, never deleted; the next deal reuses it."""
    contract = deals.d1()
    customer = await customer_of(billing, contract, deals.HARBORLINE)
    await billing.retire_customer(customer, idempotency_key="x")
    outcome = await billing.update_customer(
        onboarding(contract, deals.HARBORLINE), customer, idempotency_key="y"
    )
    assert isinstance(outcome, Done)
    marks = (
        native(stripe_simulator, "acct_us01").v1.customers.retrieve(customer.ref.native_id).metadata
    )
    assert marks is not None
    assert "dealthread_unused" not in marks.to_dict()


@pytest.mark.parametrize(
    ("field", "value", "code", "case_kind"),
    [
        ("billing_product", "nowhere", "resource_missing", "catalogue.drift"),
        ("quantity", Decimal("1.5"), "quantity_not_whole", "deal.invalid_terms"),
        ("kind", "usage", "usage_price_not_supported", "catalogue.unmapped"),
    ],
)
async def test_a_preview_refuses_what_cannot_be_billed(
    billing: StripeBilling, field: str, value: Any, code: str, case_kind: str
) -> None:
    """K7: before anything is written."""
    contract = by_bank(deals.d1())
    bad = contract.lines[0].model_copy(update={field: value})
    with pytest.raises(StepRejected) as refused:
        await billing.preview_first_invoice(
            contract.model_copy(update={"lines": (bad,)}), deals.HARBORLINE
        )
    assert (refused.value.code, refused.value.case_kind) == (code, case_kind)


async def test_a_tax_rate_that_differs_from_ours_stops_the_deal(billing: StripeBilling) -> None:
    """V33: the code exists, its percentage is another one."""
    contract = by_bank(deals.d1())
    line = contract.lines[0]
    tax = line.tax.model_copy(update={"applied_rate": Decimal("6.7")})
    bad = contract.model_copy(update={"lines": (line.model_copy(update={"tax": tax}),)})
    with pytest.raises(StepRejected) as refused:
        await billing.preview_first_invoice(bad, deals.HARBORLINE)
    assert refused.value.code == "tax_rate_percentage_differs"
    assert refused.value.case_kind == "tax.rejected"


@pytest.fixture
async def stranger(stripe_simulator: Simulator, clock: OffsetClock) -> AsyncIterator[StripeBilling]:
    """The adapter with a key that is not one."""
    adapter = StripeBilling(
        StripeSettings(
            accounts={key: SecretStr("sk_test_wrong_key") for key in ACCOUNTS},
            api_base=stripe_simulator.url,
        ),
        clock,
    )
    yield adapter
    await adapter.aclose()


async def test_a_wrong_key_is_refused_credentials(stranger: StripeBilling) -> None:
    """K8."""
    with pytest.raises(AuthRejected):
        await stranger.find_customer("acct_us01", "A-HARBORLINE")


async def test_vendor_calls_of_a_deal_are_counted(
    billing: StripeBilling,
) -> None:
    """Cost: tax rates are listed once for the account, the rest per deal."""
    contract = by_bank(deals.d1())
    meter = TallyMeter()
    for account in ACCOUNTS:
        billing._accounts[account]._meter = meter
    await billing.preview_first_invoice(contract, deals.HARBORLINE)
    agreement, _ = await started(billing, contract, deals.HARBORLINE)
    assert agreement.first_invoice is not None
    assert agreement.first_invoice.gross == Money.of("15891.00", "USD")
    assert meter.calls == {
        ("stripe", "list_tax_rates"): 1,
        ("stripe", "preview_invoice"): 1,
        ("stripe", "create_customer"): 1,
        ("stripe", "start_agreement"): 1,
    }
