"""Confirmed, cancelled and reversed bookings in the real Tryton 8.2 (PF-19, ER-01)."""

from __future__ import annotations

import pytest

from adapters.erp.tryton.rpc import TrytonRpc
from dealthread.domain.documents import BookingState
from dealthread.errors import NotFound
from dealthread.outcome import Rejected
from dealthread.ports.erp import ErpPort
from tests.support import deals
from tests.support.tryton import done, draft_command, orders_with

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


async def test_a_draft_can_be_cancelled_again_and_again(tryton_erp: ErpPort) -> None:
    """PF-19: an undo with nothing left to undo succeeds."""
    command = await draft_command(tryton_erp, deals.d2(), deals.NORDWERK)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    for _ in range(2):
        cancelled = done(await tryton_erp.cancel_booking(booking, idempotency_key="k"))
        assert cancelled.state is BookingState.CANCELLED
    assert await tryton_erp.find_booking("2", command.document_key) is None
    assert (
        await tryton_erp.read_booking("2", command.document_key)
    ).state is BookingState.CANCELLED


async def test_confirming_twice_confirms_once(tryton_erp: ErpPort, tryton_rpc: TrytonRpc) -> None:
    """The confirmed order posts nothing and invoices nothing."""
    command = await draft_command(tryton_erp, deals.d2(), deals.NORDWERK)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    for _ in range(2):
        confirmed = done(await tryton_erp.confirm_booking(booking, idempotency_key="k"))
        assert confirmed.state is BookingState.CONFIRMED
        assert confirmed.ref == booking.ref
    assert done(await tryton_erp.draft_booking(command, idempotency_key="k")) == confirmed
    rows = await orders_with(tryton_rpc, 2, [["reference", "=", command.document_key]])
    assert [(row["state"], row["invoices"]) for row in rows] == [("processing", [])]
    refused = await tryton_erp.cancel_booking(booking, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert refused.code == "already_confirmed"


async def test_a_reversal_nets_to_zero_and_happens_once(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc
) -> None:
    """Domain §2: a confirmed booking is reversed by a return order that names it."""
    command = await draft_command(tryton_erp, deals.d4(), deals.COBALT)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    done(await tryton_erp.confirm_booking(booking, idempotency_key="k"))
    first = done(await tryton_erp.reverse_booking(booking, idempotency_key="k"))
    second = done(await tryton_erp.reverse_booking(booking, idempotency_key="k"))
    assert first.state is BookingState.REVERSED
    assert first == second
    pair = await orders_with(
        tryton_rpc,
        1,
        [
            "OR",
            ["id", "=", int(booking.ref.native_id)],
            ["origin", "=", f"sale.sale,{booking.ref.native_id}"],
        ],
    )
    assert len(pair) == 2
    assert sum(row["total_amount"] for row in pair) == 0
    assert {row["state"] for row in pair} == {"processing"}
    assert all(row["invoices"] == [] for row in pair)
    assert f"{command.document_key}-R" in {row["reference"] for row in pair}


async def test_reversing_what_was_never_confirmed_cancels_it(tryton_erp: ErpPort) -> None:
    """There is nothing to reverse in a quotation."""
    command = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    reversed_ = done(await tryton_erp.reverse_booking(booking, idempotency_key="k"))
    assert reversed_.state is BookingState.CANCELLED
    assert reversed_.reversal is None


async def test_an_unknown_booking_is_not_found(tryton_erp: ErpPort) -> None:
    """Reading is not creating."""
    assert await tryton_erp.find_booking("1", "DT-NOTHING") is None
    with pytest.raises(NotFound):
        await tryton_erp.read_booking("1", "DT-NOTHING")
