"""Every write repeated after a lost answer, in the real Tryton 8.2 (RS-02, RS-09)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.erp.tryton.factory import create
from adapters.erp.tryton.rpc import TrytonRpc
from dealthread.domain.documents import BookingState
from dealthread.domain.money import Money
from dealthread.errors import VendorUnavailable
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.erp import ErpPort
from tests.support import deals
from tests.support.tryton import (
    FailingAt,
    document_key,
    done,
    draft_command,
    onboard,
    orders_with,
    with_lost_answer,
)

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


DRAFT_WRITES = ("model.sale.sale.create", "model.ir.attachment.create", "model.sale.sale.quote")


@pytest.mark.parametrize("method", DRAFT_WRITES)
async def test_a_lost_answer_while_drafting_ends_in_one_order(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc, tryton_server: RunningTryton, method: str
) -> None:
    """RS-02: Unknown, then the repeat goes on from what is there: one order, one attachment."""
    command = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    lost = await with_lost_answer(
        tryton_server.settings,
        method,
        lambda port: port.draft_booking(command, idempotency_key="k"),
    )
    assert isinstance(lost, Unknown)
    assert lost.code == "read_timeout"
    half = await tryton_erp.find_booking("1", command.document_key)
    assert half is not None
    whole = method == "model.sale.sale.quote"
    assert (half.state is BookingState.QUOTATION) == whole
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert booking.state is BookingState.QUOTATION
    assert booking.context["contract"] == "C-D1"
    assert booking.gross == Money.of("15891.00", "USD")
    rows = await orders_with(tryton_rpc, 1, [["reference", "=", command.document_key]])
    assert len(rows) == 1


@pytest.mark.parametrize("kind", ["answer lost", "not connected"])
async def test_any_call_of_a_draft_may_fail(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc, tryton_server: RunningTryton, kind: str
) -> None:
    """RS-02, RS-09: whichever of a draft's calls fails, reads included, what the port says about
    an effect is true, and the repeat ends in one complete order."""
    contract, party = deals.d2(), deals.NORDWERK
    for number in itertools.count(1):
        command = await draft_command(tryton_erp, contract, party)
        transport = FailingAt(number, before=kind == "not connected")
        async with httpx.AsyncClient(transport=transport) as http:
            try:
                outcome = await create(tryton_server.settings, http).draft_booking(
                    command, idempotency_key="k"
                )
            except VendorUnavailable:
                outcome = None
        rows = await orders_with(tryton_rpc, 2, [["reference", "=", command.document_key]])
        if outcome is None:
            assert rows == [], "raised although an order exists"
        elif not transport.failed:
            assert isinstance(outcome, Done)
            break
        else:
            assert isinstance(outcome, Unknown)
        booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
        assert booking.state is BookingState.QUOTATION
        assert booking.context["contract"] == "C-D2"
        rows = await orders_with(tryton_rpc, 2, [["reference", "=", command.document_key]])
        assert [row["state"] for row in rows] == ["quotation"]
    assert number > 10


async def test_an_undo_after_a_lost_draft_leaves_nothing_open(
    tryton_erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """PF-19: the half-made order is found by the look-up and cancelled."""
    command = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    await with_lost_answer(
        tryton_server.settings,
        "model.sale.sale.create",
        lambda port: port.draft_booking(command, idempotency_key="k"),
    )
    half = await tryton_erp.find_booking("1", command.document_key)
    assert half is not None
    assert half.state is BookingState.DRAFT
    refused = await tryton_erp.confirm_booking(half, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert refused.code == "booking_incomplete"
    done(await tryton_erp.cancel_booking(half, idempotency_key="k"))
    assert await tryton_erp.find_booking("1", command.document_key) is None


async def test_a_late_second_order_is_cancelled(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc, tryton_server: RunningTryton
) -> None:
    """A create that arrives after its repeat leaves two orders; one counts, one is cancelled."""
    command = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    late = await draft_command(tryton_erp, deals.d1(), deals.HARBORLINE)
    await with_lost_answer(
        tryton_server.settings,
        "model.sale.sale.create",
        lambda port: port.draft_booking(late, idempotency_key="k"),
    )
    straggler = await tryton_erp.find_booking("1", late.document_key)
    assert straggler is not None
    await tryton_rpc.write(
        "model.sale.sale.write",
        [int(straggler.ref.native_id)],
        {"reference": command.document_key},
        context={"company": 1},
        case_kind="erp.rejected",
    )
    confirmed = done(await tryton_erp.confirm_booking(booking, idempotency_key="k"))
    assert confirmed.ref == booking.ref
    rows = await orders_with(tryton_rpc, 1, [["reference", "=", command.document_key]])
    assert sorted(row["state"] for row in rows) == ["cancelled", "processing"]


@pytest.mark.parametrize("method", ["confirm", "return"])
async def test_a_lost_answer_after_the_pivot_is_repeated_safely(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc, tryton_server: RunningTryton, method: str
) -> None:
    """Confirmed once, returned once, whichever answer is lost."""
    command = await draft_command(tryton_erp, deals.d2(), deals.NORDWERK)
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    if method == "confirm":
        lost = await with_lost_answer(
            tryton_server.settings,
            "model.sale.sale.confirm",
            lambda port: port.confirm_booking(booking, idempotency_key="k"),
        )
        assert isinstance(lost, Unknown)
        found = await tryton_erp.find_booking("2", command.document_key)
        assert found is not None
        assert found.state is BookingState.CONFIRMED
    done(await tryton_erp.confirm_booking(booking, idempotency_key="k"))
    for rpc_method in (
        "wizard.sale.return_sale.execute",
        "model.sale.sale.write",
        "model.sale.sale.quote",
        "model.sale.sale.confirm",
    ):
        lost = await with_lost_answer(
            tryton_server.settings,
            rpc_method,
            lambda port: port.reverse_booking(booking, idempotency_key="k"),
        )
        assert isinstance(lost, Unknown)
    assert done(await tryton_erp.reverse_booking(booking, idempotency_key="k")).reversal is not None
    origin = f"sale.sale,{booking.ref.native_id}"
    assert len(await orders_with(tryton_rpc, 2, [["origin", "=", origin]])) == 1


@pytest.mark.parametrize("method", ["model.party.party.create", "model.party.relation.all.write"])
async def test_a_lost_answer_while_onboarding_ends_in_one_customer(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc, tryton_server: RunningTryton, method: str
) -> None:
    """One party per key, under the right parent."""
    suffix = f"-{document_key()}"
    command = onboard(deals.d2(), deals.NORDWERK, deals.NORDWERK_HOLDING, suffix)
    if method.endswith("write"):
        done(await tryton_erp.create_customer(command, idempotency_key="k"))
        other = deals.COBALT.model_copy(update={"key": f"A-NEW{suffix}"})
        command = command.model_copy(update={"parent": other, "parent_customer_key": other.key})
    lost = await with_lost_answer(
        tryton_server.settings,
        method,
        lambda port: port.create_customer(command, idempotency_key="k"),
    )
    assert isinstance(lost, Unknown)
    customer = done(await tryton_erp.create_customer(command, idempotency_key="k"))
    assert customer.parent is not None
    rows = await tryton_rpc.search_read(
        "party.party",
        [["code", "in", [command.customer_key, command.parent_customer_key]]],
        ["code"],
        context={"company": 2},
    )
    assert len(rows) == 2
