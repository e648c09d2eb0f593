"""A dispute is read back with what it moved and the invoice that it is about (PF-08)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.dispute import DisputeStatus
from dealthread.errors import ContractDrift, NotFound, StepRejected
from tests.adapters.stripe_network import ACCOUNT
from tests.adapters.stripe_wire import Routes, page

DAY = 1_767_571_200  # 2026-01-05


def moved(amount: int, fee: int, created: int = DAY) -> dict[str, Any]:
    return {
        "id": f"txn_{amount}",
        "object": "balance_transaction",
        "amount": amount,
        "created": created,
        "currency": "usd",
        "exchange_rate": None,
        "fee": fee,
        "net": amount - fee,
    }


def dispute(**changes: Any) -> dict[str, Any]:
    """As docs.stripe.com/api/disputes/object shows one, cut to what is read."""
    return {
        "id": "du_1",
        "object": "dispute",
        "amount": 10_000,
        "balance_transactions": [moved(-10_000, 1_500)],
        "charge": "ch_1",
        "created": DAY,
        "currency": "usd",
        "evidence_details": {"due_by": DAY + 9 * 86_400},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
        **changes,
    }


async def test_an_open_one_names_its_invoice_its_payment_and_the_last_day(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    asked: list[dict[str, str]] = []

    def payments(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=page({"id": "inpay_1", "invoice": "in_1"}))

    routes.on("GET", "/v1/disputes/du_1", dispute())
    routes.on("GET", "/v1/invoice_payments", payments)
    read = await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert asked[0]["payment[payment_intent]"] == "pi_1"
    assert (read.status, read.reason, read.opened_on) == (
        DisputeStatus.OPEN,
        "fraudulent",
        date(2026, 1, 5),
    )
    assert (read.invoice_id, read.payment_id) == ("in_1", "inpay_1")
    assert (str(read.withdrawn), str(read.fee), str(read.reinstated)) == (
        "100.00 USD",
        "15.00 USD",
        "0.00 USD",
    )
    assert read.evidence_due == datetime(2026, 1, 14, tzinfo=UTC)


async def test_one_that_was_won_says_what_came_back_and_when(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    rows = [moved(-10_000, 1_500), moved(10_000, -1_500, DAY + 86_400)]
    routes.on("GET", "/v1/disputes/du_1", dispute(status="won", balance_transactions=rows))
    routes.on("GET", "/v1/invoice_payments", page())
    read = await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert (read.status, str(read.reinstated), str(read.fee_returned)) == (
        DisputeStatus.WON,
        "100.00 USD",
        "15.00 USD",
    )
    assert read.reinstated_on == date(2026, 1, 6)


@pytest.mark.parametrize(
    ("vendor", "status"),
    [
        ("warning_needs_response", DisputeStatus.OPEN),
        ("under_review", DisputeStatus.OPEN),
        ("lost", DisputeStatus.LOST),
        ("warning_closed", DisputeStatus.CLOSED),
        ("prevented", DisputeStatus.CLOSED),
    ],
)
async def test_an_inquiry_of_a_charge_without_an_invoice_takes_nothing(
    routed_billing: StripeBilling, routes: Routes, vendor: str, status: DisputeStatus
) -> None:
    """And where no answer is allowed there is no last day."""
    routes.on(
        "GET",
        "/v1/disputes/du_1",
        dispute(
            status=vendor,
            balance_transactions=[],
            payment_intent=None,
            evidence_details={"due_by": 0},
        ),
    )
    read = await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert (read.status, bool(read.withdrawn), read.invoice_id, read.evidence_due) == (
        status,
        False,
        "",
        None,
    )


async def test_a_payment_of_several_invoices_names_none_and_says_so(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """No page says which of them is disputed: each of its payments is told."""
    routes.on("GET", "/v1/disputes/du_1", dispute())
    routes.on(
        "GET",
        "/v1/invoice_payments",
        page({"id": "inpay_1", "invoice": "in_1"}, {"id": "inpay_2", "invoice": "in_2"}),
    )
    read = await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert (read.invoice_id, read.is_of_several) == ("", True)
    assert [(one.invoice_id, one.payment_id) for one in read.payments] == [
        ("in_1", "inpay_1"),
        ("in_2", "inpay_2"),
    ]


async def test_what_was_converted_is_told_in_the_currency_of_the_balance(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """docs.stripe.com/api/balance_transactions/object: 10.00 EUR at 1.234 are 12.34 USD."""
    taken = {**moved(-1_234, 1_500), "exchange_rate": 1.234}
    routes.on(
        "GET",
        "/v1/disputes/du_1",
        dispute(amount=1_000, currency="eur", balance_transactions=[taken]),
    )
    routes.on("GET", "/v1/invoice_payments", page())
    read = await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert (str(read.amount), str(read.withdrawn), str(read.fee), str(read.reinstated)) == (
        "10.00 EUR",
        "12.34 USD",
        "15.00 USD",
        "0.00 USD",
    )
    assert (read.rate, read.is_converted) == (Decimal("1.234"), True)


async def test_what_moved_balances_of_two_currencies_is_a_persons(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    rows = [moved(-10_000, 1_500), {**moved(9_000, 0), "currency": "eur"}]
    routes.on("GET", "/v1/disputes/du_1", dispute(balance_transactions=rows))
    routes.on("GET", "/v1/invoice_payments", page())
    with pytest.raises(StepRejected) as refused:
        await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert (refused.value.code, refused.value.field) == (
        "dispute_moved_in_two_currencies",
        "balance_transactions.currency",
    )
    assert refused.value.evidence["currencies"] == "EUR, USD"


async def test_a_conversion_without_its_rate_names_the_field(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    routes.on("GET", "/v1/disputes/du_1", dispute(currency="eur"))
    routes.on("GET", "/v1/invoice_payments", page())
    with pytest.raises(ContractDrift) as drifted:
        await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert drifted.value.evidence["field"] == "balance_transactions.exchange_rate"


async def test_an_unknown_state_names_its_field(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    routes.on("GET", "/v1/disputes/du_1", dispute(status="arbitrated"))
    with pytest.raises(ContractDrift) as drifted:
        await routed_billing.read_dispute(ACCOUNT, "du_1")
    assert drifted.value.evidence["field"] == "status"


@pytest.mark.parametrize("native_id", ["", "du_unknown"])
async def test_one_that_is_not_there_is_not_found(
    routed_billing: StripeBilling, native_id: str
) -> None:
    with pytest.raises(NotFound):
        await routed_billing.read_dispute(ACCOUNT, native_id)
