"""Invoice items left pending by an undone agreement, at the simulated biller."""

from __future__ import annotations

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.documents import Agreement, AgreementStatus, BillingCustomer
from dealthread.outcome import Done
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_deals import KEY, NORDWERK, UNDO, amounts, d2, started

ACCOUNT = "acct_de01"


def _add_items(simulator: Simulator, agreement: Agreement, customer: BillingCustomer) -> str:
    """Somebody adds charges to the agreement, and one to the customer; the latter's id."""
    client = native(simulator, ACCOUNT)
    assert agreement.subscription is not None
    buyer = customer.ref.native_id
    for amount in (700, 800):
        client.v1.invoice_items.create(
            {
                "customer": buyer,
                "currency": "eur",
                "amount": amount,
                "subscription": agreement.subscription.native_id,
            }
        )
    other = client.v1.invoice_items.create({"customer": buyer, "currency": "eur", "amount": 900})
    return other.id


def _pending(simulator: Simulator, customer: BillingCustomer) -> list[str]:
    rows = native(simulator, ACCOUNT).v1.invoice_items.list(
        {"customer": customer.ref.native_id, "pending": True}
    )
    return [row.id for row in rows.data]


async def test_an_undo_leaves_no_charge_of_the_agreement_for_the_next_invoice(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Domain table, undo of a started agreement: its pending items go, the customer's own stays."""
    agreement, customer = await started(billing, d2("US"), NORDWERK, hold=True)
    own = _add_items(stripe_simulator, agreement, customer)
    outcome = await billing.cancel_agreement(agreement, ACCOUNT, idempotency_key=UNDO)
    assert isinstance(outcome, Done), outcome
    assert outcome.value.status is AgreementStatus.CANCELLED
    assert _pending(stripe_simulator, customer) == [own]
    native(stripe_simulator, ACCOUNT).v1.invoice_items.delete(own)
    again, _ = await started(billing, d2("US"), NORDWERK, key=KEY.replace("#1", "#2"))
    assert amounts(again.first_invoice) == ("17760.00", "3374.40", "21134.40")


@pytest.mark.parametrize("kind", ["lose_answer", "server_error", "refuse"])
async def test_a_removal_that_was_interrupted_is_finished_by_the_repeat(
    billing: StripeBilling, stripe_simulator: Simulator, kind: str
) -> None:
    """RS-04: the same key again; nothing is removed twice, nothing is left."""
    agreement, customer = await started(billing, d2("US"), NORDWERK, hold=True)
    own = _add_items(stripe_simulator, agreement, customer)
    stripe_simulator.fault(kind, method="DELETE", path="/v1/invoiceitems/ii_")
    first = await billing.cancel_agreement(agreement, ACCOUNT, idempotency_key=UNDO)
    assert not isinstance(first, Done)
    second = await billing.cancel_agreement(agreement, ACCOUNT, idempotency_key=UNDO)
    assert isinstance(second, Done), second
    assert _pending(stripe_simulator, customer) == [own]
