"""A subscription that others made at the simulated biller: read as it stands, then marked as ours.
Nothing is billed, and what is marked once is left alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract
from dealthread.outcome import Done, Rejected
from dealthread.ports.adoption import FOREIGN_REFERENCE, TakeOverAgreement
from tests.adapters.conftest import Simulator, native
from tests.support.running_contract import worked_contract

ACCOUNT = "acct_us01"
OPPORTUNITY = "006000000000001AAA"


class Others:
    """Customer and subscription as another connector left them: fifty seats since January."""

    def __init__(self, simulator: Simulator) -> None:
        self.client = native(simulator, ACCOUNT)
        self.customer = self.client.v1.customers.create(
            {
                "name": "Harborline Logistics LLC",
                "email": "ap@harborline.example",
                "tax_id_data": [{"type": "us_ein", "value": "12-3456789"}],
                "metadata": {"crm_account": "001000000000K1AAA"},
            }
        )
        self.subscription = self.client.v1.subscriptions.create(
            {
                "customer": self.customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
                "backdate_start_date": _at(date(2026, 1, 1)),
                "billing_cycle_anchor": _at(date(2027, 1, 1)),
                "proration_behavior": "create_prorations",
                "metadata": {"opportunity": OPPORTUNITY},
                "items": [
                    {
                        "price_data": {
                            "currency": "usd",
                            "product": "seat-std",
                            "unit_amount": 27000,
                            "recurring": {"interval": "year"},
                        },
                        "quantity": 50,
                    }
                ],
            }
        )

    def invoices(self) -> list[Any]:
        """All of the account."""
        return list(self.client.v1.invoices.list({"limit": 100}).data)


def _at(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@pytest.fixture
def others(stripe_simulator: Simulator) -> Others:
    return Others(stripe_simulator)


def _contract() -> Contract:
    return worked_contract().model_copy(update={"billing_account": ACCOUNT})


async def _command(billing: StripeBilling) -> TakeOverAgreement:
    book = await billing.read_book(ACCOUNT)
    (subscription,) = book.subscriptions
    return TakeOverAgreement(
        contract=_contract(),
        customer=subscription.customer,
        subscription=subscription.ref,
        items={"L1": subscription.items[0].native_id},
    )


async def test_the_book_tells_what_is_billed_and_whose_ids_stand_on_it(
    billing: StripeBilling, others: Others
) -> None:
    (draft,) = others.invoices()
    book = await billing.read_book(ACCOUNT)
    assert book.open_bills == ()  # a draft is no claim
    others.client.v1.invoices.finalize_invoice(draft.id)
    book = await billing.read_book(ACCOUNT)
    (customer,), (subscription,), (bill,) = book.customers, book.subscriptions, book.open_bills
    assert (customer.email_domain, customer.tax_ids, customer.named) == (
        "harborline.example",
        ("12-3456789",),
        ("001000000000K1AAA",),
    )
    assert (subscription.named, subscription.contract_key) == ((OPPORTUNITY,), "")
    assert (subscription.period_start, subscription.period_end) == (
        date(2026, 1, 1),
        date(2027, 1, 1),
    )
    (item,) = subscription.items
    assert (item.product, item.quantity, item.period_months) == ("seat-std", Decimal(50), 12)
    assert str(item.unit_price) == "270 USD"
    assert (bill.subscription, str(bill.net), str(bill.remaining)) == (
        subscription.ref.native_id,
        "13,500.00 USD",
        "13,500.00 USD",
    )


async def test_references_are_put_on_once_and_nothing_is_billed(
    billing: StripeBilling, others: Others, stripe_simulator: Simulator
) -> None:
    command = await _command(billing)
    before = len(others.invoices())
    assert await billing.find_taken_over(command) is None
    made = await billing.take_over(command, idempotency_key="adoption:C#1/billing/do")
    assert isinstance(made, Done)
    assert made.value.items == command.items
    assert made.value.committed_until == date(2027, 1, 1)
    found = await billing.find_taken_over(command)
    assert found is not None
    assert found.ref == command.subscription
    assert await billing.find_customer(ACCOUNT, command.contract.customer_key) is not None
    marked = others.client.v1.subscriptions.retrieve(others.subscription.id)
    assert marked.metadata.to_dict()["opportunity"] == OPPORTUNITY
    assert marked.cancel_at == _at(date(2027, 1, 1))
    assert len(others.invoices()) == before
    stripe_simulator.forget()
    assert isinstance(await billing.take_over(command, idempotency_key="again"), Done)
    assert {one["method"] for one in stripe_simulator.requests()} == {"GET"}


async def test_an_answer_that_is_lost_is_found_again(
    billing: StripeBilling, others: Others, stripe_simulator: Simulator
) -> None:
    assert others
    command = await _command(billing)
    stripe_simulator.fault("lose_answer", method="POST", path="/v1/subscriptions/")
    lost = await billing.take_over(command, idempotency_key="adoption:C#1/billing/do")
    assert not isinstance(lost, Done)
    stripe_simulator.heal()
    assert await billing.find_taken_over(command) is not None


async def test_what_belongs_to_another_contract_is_refused(
    billing: StripeBilling, others: Others
) -> None:
    command = await _command(billing)
    others.client.v1.customers.update(
        others.customer.id, {"metadata": {"dealthread_customer": "A-ANOTHER"}}
    )
    refused = await billing.take_over(command, idempotency_key="adoption:C#1/billing/do")
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.field) == (
        FOREIGN_REFERENCE,
        "customer.metadata.dealthread_customer",
    )
