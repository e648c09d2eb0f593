"""Payouts are read back whole, by kind of movement; what is not known is named (PF-08)."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.money import Money
from dealthread.domain.payout import MovementKind, PayoutStatus
from dealthread.errors import ContractDrift, NotFound
from tests.adapters.stripe_network import ACCOUNT
from tests.adapters.stripe_wire import Routes, page

DAY = 1_767_571_200  # 2026-01-05


def payout(**changes: Any) -> dict[str, Any]:
    """As docs.stripe.com/api/payouts/object shows one, cut to what is read."""
    return {
        "id": "po_1",
        "object": "payout",
        "amount": 9_680,
        "arrival_date": DAY,
        "automatic": True,
        "currency": "usd",
        "failure_balance_transaction": None,
        "failure_code": None,
        "reconciliation_status": "completed",
        "status": "paid",
        **changes,
    }


def moved(native_id: str, kind: str, amount: int, fee: int = 0, **changes: Any) -> dict[str, Any]:
    """As docs.stripe.com/api/balance_transactions/object shows one, cut to what is read."""
    return {
        "id": native_id,
        "object": "balance_transaction",
        "amount": amount,
        "currency": "usd",
        "exchange_rate": None,
        "fee": fee,
        "net": amount - fee,
        "reporting_category": kind,
        "type": kind,
        **changes,
    }


async def test_movements_are_summed_by_kind_over_all_pages(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """The payout's own transaction is none of them."""
    pages = [
        page(moved("txn_p", "payout", -9_680), moved("txn_1", "charge", 10_000, 320), more=True),
        page(
            moved("txn_2", "payment", 500, 10),
            moved("txn_3", "payment_refund", -200),
            moved("txn_4", "adjustment", -300, 1_500, reporting_category="dispute"),
            moved("txn_5", "adjustment", 1_510, reporting_category="other_adjustment"),
            moved("txn_6", "stripe_fee", -40, reporting_category="fee"),
            moved("txn_7", "payout_failure", 40, reporting_category="payout_reversal"),
        ),
    ]
    asked: list[dict[str, str]] = []

    def rows(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=pages[len(asked) - 1])

    routes.on("GET", "/v1/payouts/po_1", payout())
    routes.on("GET", "/v1/balance_transactions", rows)
    read = await routed_billing.read_payout(ACCOUNT, "po_1")
    assert [one["payout"] for one in asked] == ["po_1", "po_1"]
    assert asked[1]["starting_after"] == "txn_1"
    assert (read.status, read.amount, read.arrival_date) == (
        PayoutStatus.PAID,
        Money.of("96.80", "USD"),
        date(2026, 1, 5),
    )
    assert [(one.kind, one.count, str(one.amount), str(one.fee)) for one in read.movements] == [
        (MovementKind.CHARGE, 2, "105.00 USD", "3.30 USD"),
        (MovementKind.REFUND, 1, "-2.00 USD", "0.00 USD"),
        (MovementKind.DISPUTE, 1, "-3.00 USD", "15.00 USD"),
        (MovementKind.FEE, 1, "-0.40 USD", "0.00 USD"),
        (MovementKind.ADJUSTMENT, 1, "15.10 USD", "0.00 USD"),
        (MovementKind.RETURNED, 1, "0.40 USD", "0.00 USD"),
    ]


@pytest.mark.parametrize(
    "changes", [{"automatic": False}, {"reconciliation_status": "in_progress"}]
)
async def test_what_cannot_be_listed_yet_is_not_asked_for(
    routed_billing: StripeBilling, routes: Routes, changes: dict[str, Any]
) -> None:
    routes.on("GET", "/v1/payouts/po_1", payout(**changes))
    read = await routed_billing.read_payout(ACCOUNT, "po_1")
    assert read.movements == ()
    assert [path for _, path in routes.sent] == ["/v1/payouts/po_1"]


async def test_one_that_failed_says_when_and_why(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    back = {"id": "txn_b", "object": "balance_transaction", "created": DAY + 3 * 86_400}
    routes.on(
        "GET",
        "/v1/payouts/po_1",
        payout(status="failed", failure_code="account_closed", failure_balance_transaction=back),
    )
    routes.on("GET", "/v1/balance_transactions", page(moved("txn_1", "charge", 9_680)))
    read = await routed_billing.read_payout(ACCOUNT, "po_1")
    assert (read.status, read.failure_code, read.returned_on) == (
        PayoutStatus.FAILED,
        "account_closed",
        date(2026, 1, 8),
    )


async def test_what_nobody_has_an_account_for_and_what_was_converted_is_named(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    routes.on("GET", "/v1/payouts/po_1", payout())
    routes.on(
        "GET",
        "/v1/balance_transactions",
        page(
            moved("txn_1", "reserve_hold", -100),
            moved("txn_2", "charge", 9_780, exchange_rate=1.08),
        ),
    )
    read = await routed_billing.read_payout(ACCOUNT, "po_1")
    (unknown,) = [one for one in read.movements if one.kind is MovementKind.UNKNOWN]
    assert (unknown.vendor_kinds, read.converted) == (("reserve_hold",), "txn_2")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"status": "lost"}, "status"), ({"arrival_date": None}, "arrival_date")],
)
async def test_an_unknown_shape_of_a_payout_names_its_field(
    routed_billing: StripeBilling, routes: Routes, changes: dict[str, Any], field: str
) -> None:
    routes.on("GET", "/v1/payouts/po_1", payout(**changes))
    with pytest.raises(ContractDrift) as drifted:
        await routed_billing.read_payout(ACCOUNT, "po_1")
    assert drifted.value.evidence["field"] == field


@pytest.mark.parametrize(
    ("changes", "field"), [({"net": 1}, "net"), ({"currency": "eur"}, "currency")]
)
async def test_a_movement_that_contradicts_itself_names_its_field(
    routed_billing: StripeBilling, routes: Routes, changes: dict[str, Any], field: str
) -> None:
    routes.on("GET", "/v1/payouts/po_1", payout())
    routes.on("GET", "/v1/balance_transactions", page(moved("txn_1", "charge", 9_680, **changes)))
    with pytest.raises(ContractDrift) as drifted:
        await routed_billing.read_payout(ACCOUNT, "po_1")
    assert drifted.value.evidence["field"] == field


@pytest.mark.parametrize("native_id", ["", "po_unknown"])
async def test_one_that_is_not_there_is_not_found(
    routed_billing: StripeBilling, native_id: str
) -> None:
    with pytest.raises(NotFound):
        await routed_billing.read_payout(ACCOUNT, native_id)


async def test_the_balance_of_a_day_is_what_moved_by_then(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Before the month, in it, and paid out; another currency is another balance. A payout of the
    month is read with what is in it; one that arrived long before is not asked for."""
    month, end = DAY - 4 * 86_400, DAY + 27 * 86_400  # 2026-01-01, 2026-02-01
    rows = page(
        moved("txn_p", "payout", -9_680, created=DAY - 86_400),
        moved("txn_1", "charge", 10_000, 320, created=month - 1),
        moved("txn_2", "charge", 500, 10, created=month),
        moved("txn_3", "refund", -200, created=end - 1),
        moved("txn_4", "charge", 700, 20, created=end - 1, currency="eur"),
    )
    inside = page(moved("txn_1", "charge", 10_000, 320, created=month - 1))
    asked: list[dict[str, str]] = []

    def listed(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=inside if "payout" in asked[-1] else rows)

    routes.on("GET", "/v1/balance_transactions", listed)
    long_ago = payout(id="po_0", arrival_date=DAY - 30 * 86_400)
    routes.on("GET", "/v1/payouts", page(payout(), long_ago))
    routes.on("GET", "/v1/payouts/po_1", payout())
    eur, usd = await routed_billing.read_balance(ACCOUNT, date(2026, 1, 1), date(2026, 2, 1))
    assert asked[0]["created[lt]"] == str(end)
    assert (str(usd.balance), str(eur.balance)) == ("2.90 USD", "6.80 EUR")
    assert [(one.kind, str(one.amount)) for one in usd.before] == [
        (MovementKind.CHARGE, "100.00 USD")
    ]
    assert [(one.kind, str(one.amount), str(one.fee)) for one in usd.month] == [
        (MovementKind.CHARGE, "5.00 USD", "0.10 USD"),
        (MovementKind.REFUND, "-2.00 USD", "0.00 USD"),
    ]
    (paid,) = usd.payouts
    assert (paid.ref.native_id, str(paid.movements[0].net)) == ("po_1", "96.80 USD")
    assert (eur.before, eur.payouts) == ((), ())


async def test_on_top_of_what_is_known_only_what_came_since_is_listed(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Read in two parts it is what it is read whole, kind by kind; another currency that has moved
    no more stays what it was."""
    month, end = DAY - 4 * 86_400, DAY + 27 * 86_400  # 2026-01-01, 2026-02-01
    rows = [
        moved("txn_1", "charge", 10_000, 320, created=month - 1),
        moved("txn_e", "charge", 700, 20, created=month - 1, currency="eur"),
        moved("txn_2", "charge", 500, 10, created=month),
        moved("txn_3", "refund", -200, created=end - 1),
    ]
    asked: list[dict[str, str]] = []

    def listed(request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        asked.append(query)
        since, until = int(query.get("created[gte]", 0)), int(query["created[lt]"])
        return httpx.Response(
            200, json=page(*(one for one in rows if since <= one["created"] < until))
        )

    routes.on("GET", "/v1/balance_transactions", listed)
    routes.on("GET", "/v1/payouts", page())
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    whole = await routed_billing.read_balance(ACCOUNT, january, february)
    december = await routed_billing.read_balance(ACCOUNT, date(2025, 12, 1), january)
    known = tuple(one.known(january) for one in december)
    assert asked[-1]["created[gte]"] == "0"
    assert await routed_billing.read_balance(ACCOUNT, january, february, known) == whole
    assert asked[-1]["created[gte]"] == str(month)
    assert [one.known(february) for one in whole] == [
        one.known(february)
        for one in await routed_billing.read_balance(ACCOUNT, february, february, known)
    ]
