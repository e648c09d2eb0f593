"""Draft bookings in the real Tryton 8.2 (DM-01…05, PF-06, ER-01, RS-02)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.erp.tryton.rpc import TrytonRpc
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking, BookingState
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.outcome import Rejected
from dealthread.ports.erp import ErpPort
from tests.support import deals
from tests.support.tryton import done, draft_command, orders_with

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


@pytest.mark.parametrize(
    ("contract", "party", "net", "tax", "gross"),
    [
        (deals.d1(), deals.HARBORLINE, "15000.00", "891.00", "15891.00"),
        (deals.d2(), deals.NORDWERK, "17760.00", "3374.40", "21134.40"),
        (deals.d4(), deals.COBALT, "194400.00", "17253.00", "211653.00"),
    ],
    ids=["D1", "D2", "D4"],
)
async def test_worked_deals_are_booked_to_the_cent(
    tryton_erp: ErpPort, contract: Contract, party: Party, net: str, tax: str, gross: str
) -> None:
    """DM-01…05, PF-06: net, tax, total, customer, terms, PO, lines and context are the deal's."""
    command = await draft_command(tryton_erp, contract, party)
    booking: Booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    currency = contract.currency
    assert booking.state is BookingState.QUOTATION
    assert booking.net == Money.of(net, currency)
    assert booking.tax == Money.of(tax, currency)
    assert booking.gross == Money.of(gross, currency)
    assert booking.customer == command.customer.ref
    assert booking.payment_terms == contract.payment_terms
    assert booking.po_number == contract.po_number
    assert booking.document_key == command.document_key
    assert booking.number
    assert booking.context["contract"] == contract.key
    assert booking.context["billing_schedule"] == "yearly in advance"
    assert [
        (row.line_key, row.item, row.quantity, row.net, row.tax_codes) for row in booking.lines
    ] == [
        (row.line_key, row.erp_item, row.quantity, row.committed_net, (row.tax.code,))
        for row in contract.lines
    ]
    assert await tryton_erp.read_booking(contract.erp_company, command.document_key) == booking
    assert await tryton_erp.read_booking(contract.erp_company, booking.ref.native_id) == booking


async def test_the_ramp_is_three_dated_lines(tryton_erp: ErpPort, tryton_rpc: TrytonRpc) -> None:
    """D4: an ERP shows both days of a period included."""
    command = await draft_command(tryton_erp, deals.d4(), deals.COBALT)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    lines = await tryton_rpc.search_read(
        "sale.line",
        [["sale", "=", int(booking.ref.native_id)]],
        ["description"],
        context={"company": 1},
        order=[["sequence", "ASC"]],
    )
    assert [row["description"] for row in lines] == [
        "Business seat, 2026-02-01 to 2027-01-31",
        "Business seat, 2027-02-01 to 2028-01-31",
        "Business seat, 2028-02-01 to 2029-01-31",
    ]


async def test_a_repeat_finds_the_booking(tryton_erp: ErpPort, tryton_rpc: TrytonRpc) -> None:
    """RS-02: same key, same order, one attachment."""
    command = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    first = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert done(await tryton_erp.draft_booking(command, idempotency_key="k")) == first
    rows = await orders_with(tryton_rpc, 1, [["reference", "=", command.document_key]])
    assert len(rows) == 1
    attachments = await tryton_rpc.search_read(
        "ir.attachment",
        [["resource", "=", f"sale.sale,{first.ref.native_id}"]],
        ["name"],
        context={"company": 1},
    )
    assert len(attachments) == 1


async def test_a_corrected_deal_replaces_its_own_draft(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc
) -> None:
    """A decision "retry with correction" changes the terms: one order counts, the old one is
    cancelled, both stay on record."""
    command = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    changed = command.model_copy(
        update={"contract": command.contract.model_copy(update={"payment_terms": "NET30"})}
    )
    booking = done(await tryton_erp.draft_booking(changed, idempotency_key="k"))
    assert booking.payment_terms == "NET30"
    rows = await orders_with(tryton_rpc, 1, [["reference", "=", command.document_key]])
    assert sorted(row["state"] for row in rows) == ["cancelled", "quotation"]


async def test_net_that_needs_a_long_unit_price_is_booked_exactly(tryton_erp: ErpPort) -> None:
    """15,000 units for 1,000.01: Tryton's usual four decimals would be cents off."""
    contract = deals.d1()
    odd = contract.lines[0].model_copy(
        update={"quantity": Decimal(15000), "committed_net": Money.of("1000.01", "USD")}
    )
    contract = contract.model_copy(update={"lines": (odd,)})
    command = await draft_command(tryton_erp, contract, deals.HARBORLINE)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert booking.net == Money.of("1000.01", "USD")
    assert booking.tax == Money.of("66.00", "USD")


async def test_half_a_cent_of_tax_is_not_a_refusal(tryton_erp: ErpPort) -> None:
    """Tryton rounds half a cent to even, the estimate rounds it up: both are estimates.

    12.50 at 6.6 % is 0.825."""
    contract = deals.d1()
    odd = contract.lines[0].model_copy(
        update={"quantity": Decimal(1), "committed_net": Money.of("12.50", "USD")}
    )
    contract = contract.model_copy(update={"lines": (odd,)})
    assert contract.booking_tax() == Money.of("0.83", "USD")
    command = await draft_command(tryton_erp, contract, deals.HARBORLINE)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert booking.tax == Money.of("0.82", "USD")


def _with_line(contract: Contract, **change: Any) -> Contract:
    return contract.model_copy(update={"lines": (contract.lines[0].model_copy(update=change),)})


@pytest.mark.parametrize(
    ("change", "case_kind", "code", "field"),
    [
        ({"erp_item": "SEAT-BLK"}, "erp.rejected", "user_error", "salable"),
        ({"erp_item": "NO-SUCH-ITEM"}, "erp.rejected", "item_unknown", "item"),
        (
            {"tax": deals.d2().lines[0].tax},
            "tax.rejected",
            "tax_code_unknown",
            "tax_code",
        ),
        ({"start_date": date(2019, 1, 1)}, "tax.rejected", "tax_code_unknown", "tax_code"),
    ],
    ids=["not salable", "unknown item", "tax of another company", "tax not yet valid"],
)
async def test_a_refused_line_leaves_no_order(
    tryton_erp: ErpPort,
    tryton_rpc: TrytonRpc,
    change: dict[str, Any],
    case_kind: str,
    code: str,
    field: str,
) -> None:
    """W3: the ERP refuses before the pivot, and nothing but the customer is left."""
    command = await draft_command(tryton_erp, _with_line(deals.d1(), **change), deals.HARBORLINE)
    outcome = await tryton_erp.draft_booking(command, idempotency_key="k")
    assert isinstance(outcome, Rejected), outcome
    assert (outcome.case_kind, outcome.code, outcome.field) == (case_kind, code, field)
    assert await orders_with(tryton_rpc, 1, [["reference", "=", command.document_key]]) == []
    assert await tryton_erp.find_booking("1", command.document_key) is None


async def test_an_estimate_that_the_ledger_does_not_share_is_refused(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc
) -> None:
    """Totals are read back; a difference cancels the draft and names both amounts."""
    command = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    wrong = command.model_copy(update={"estimated_tax": Money.of("890.99", "USD")})
    outcome = await tryton_erp.draft_booking(wrong, idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("erp.rejected", "totals_differ")
    assert outcome.evidence["tax"] == "891.00"
    assert outcome.evidence["expected_tax"] == "890.99"
    rows = await orders_with(tryton_rpc, 1, [["reference", "=", wrong.document_key]])
    assert [row["state"] for row in rows] == ["cancelled"]
