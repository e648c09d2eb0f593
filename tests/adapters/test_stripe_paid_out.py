"""PF-08: the payments of a payout one by one, and what the processor converted, as Stripe tells
them (docs.stripe.com/api/balance_transactions/object: `source`, `exchange_rate`)."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from adapters.stripe.billing import StripeBilling
from adapters.stripe.payouts import original_of, payment_of
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind
from dealthread.errors import ContractDrift
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import by_bank as by_mail
from tests.adapters.stripe_deals import started
from tests.adapters.stripe_network import ACCOUNT
from tests.adapters.stripe_wire import Routes, page
from tests.adapters.test_stripe_bills import US, by_card, first_id
from tests.adapters.test_stripe_payouts import DAY, moved, payout
from tests.support import deals


def charge(native_id: str, amount: int, currency: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": native_id,
        "object": "charge",
        "amount": amount,
        "currency": currency,
        "payment_intent": f"pi_of_{native_id}",
        **changes,
    }


async def test_a_converted_payment_is_what_the_customer_paid_and_what_it_came_to(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Stripe's own example: 10.00 EUR are 12.34 USD at 1.234. The rate is never computed with."""
    asked: list[httpx.QueryParams] = []
    rows = page(
        moved("txn_p", "payout", -9_680),
        moved(
            "txn_1", "charge", 1_234, 66, exchange_rate=1.234, source=charge("ch_1", 1000, "eur")
        ),
        moved("txn_2", "payment", 500, 10, source=charge("py_2", 500, "usd", payment_intent=None)),
        moved("txn_3", "stripe_fee", -40, reporting_category="fee", exchange_rate=1.1, source=None),
    )

    def listed(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        return httpx.Response(200, json=rows)

    routes.on("GET", "/v1/payouts/po_1", payout())
    routes.on("GET", "/v1/balance_transactions", listed)
    read = await routed_billing.read_payout(ACCOUNT, "po_1")
    assert (read.converted, read.converted_kinds) == (
        "txn_1",
        (MovementKind.CHARGE, MovementKind.FEE),
    )
    paid = await routed_billing.payout_payments(ACCOUNT, "po_1")
    assert asked[-1]["payout"] == "po_1"
    assert "data.source" in asked[-1].values()
    assert [(one.payment, str(one.original), str(one.amount), str(one.fee)) for one in paid] == [
        ("pi_of_ch_1", "10.00 EUR", "12.34 USD", "0.66 USD"),
        ("py_2", "5.00 USD", "5.00 USD", "0.10 USD"),
    ]


async def test_a_conversion_without_another_currency_names_its_field(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    odd = moved("txn_1", "charge", 1_234, exchange_rate=1.2, source=charge("ch_1", 1000, "usd"))
    routes.on("GET", "/v1/balance_transactions", page(odd))
    with pytest.raises(ContractDrift) as drifted:
        await routed_billing.payout_payments(ACCOUNT, "po_1")
    assert drifted.value.evidence["field"] == "source.currency"


async def test_a_balance_says_what_was_converted_before_the_month_and_in_it(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """10.00 EUR before and 20.00 EUR less a refund of 5.00 in the month."""
    month = DAY - 4 * 86_400  # 2026-01-01
    refund = {"id": "re_1", "object": "refund", "amount": 500, "currency": "eur"}
    rows = page(
        moved(
            "txn_1",
            "charge",
            1_234,
            created=month - 1,
            exchange_rate=1.234,
            source=charge("ch_1", 1000, "eur"),
        ),
        moved(
            "txn_2",
            "charge",
            2_400,
            created=month,
            exchange_rate=1.2,
            source=charge("ch_2", 2000, "eur"),
        ),
        moved("txn_3", "refund", -610, created=month, exchange_rate=1.22, source=refund),
    )
    routes.on("GET", "/v1/balance_transactions", rows)
    routes.on("GET", "/v1/payouts", page())
    (usd,) = await routed_billing.read_balance(ACCOUNT, date(2026, 1, 1), date(2026, 2, 1))
    assert usd.balance == Money.of("30.24", "USD")
    told = [
        [(str(one.original), str(one.amount)) for one in converted]
        for converted in (usd.converted_before, usd.converted_month)
    ]
    assert told == [[("10.00 EUR", "12.34 USD")], [("15.00 EUR", "17.90 USD")]]
    known = usd.known(date(2026, 2, 1))
    assert [(str(one.original), str(one.amount)) for one in known.converted] == [
        ("25.00 EUR", "30.24 USD")
    ]


async def test_a_payments_id_in_its_movement_is_that_in_its_bill(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1's 15,891.00 by card."""
    days.go(date(2026, 1, 1))
    agreement, _ = await started(dated_billing, by_mail(deals.d1()), deals.HARBORLINE)
    days.go(date(2026, 1, 2))
    native_id = first_id(agreement)
    by_card(stripe_simulator, US, native_id, 1_589_100)
    bill = await dated_billing.read_bill(US, native_id)
    client = native(stripe_simulator, US)
    (moved_row,) = client.v1.balance_transactions.list({"expand": ["data.source"]}).data
    row = moved_row.to_dict()
    assert payment_of(row) == bill.payments[0].processor_id != ""
    assert original_of(row) == bill.gross
