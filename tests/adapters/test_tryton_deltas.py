"""Bookings of a change's delta in the real Tryton 8.2: what is taken back, what costs less."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.erp.tryton.rpc import TrytonRpc
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.documents import BookingState
from dealthread.domain.money import Money
from dealthread.outcome import Rejected
from dealthread.ports.erp import DraftBooking, ErpPort
from tests.support import deals
from tests.support.tryton import done, draft_command, orders_with

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)

CHANGE = "amendment:C-D2:006000000000001AAA"


def delta(*lines: tuple[str, str, str]) -> Contract:
    """D2 with lines of its own that hold (quantity, net, key)."""
    contract = deals.d2()
    pattern = contract.lines[0]
    return contract.model_copy(update={"lines": tuple(_line(pattern, *line) for line in lines)})


def _line(pattern: ContractLine, quantity: str, net: str, key: str) -> ContractLine:
    amount = Money.of(net, "EUR")
    return pattern.model_copy(
        update={"line_key": key, "quantity": Decimal(quantity), "committed_net": amount}
    )


async def amending(erp: ErpPort, contract: Contract, amends: str = "DT1") -> DraftBooking:
    """The command that books a delta."""
    command = await draft_command(erp, contract, deals.NORDWERK)
    context = command.context.model_copy(update={"business_key": CHANGE})
    return command.model_copy(update={"amends": amends, "context": context})


async def test_a_reduction_is_booked_with_negative_net_and_tax(tryton_erp: ErpPort) -> None:
    """-5 seats: the order is negative to the cent, quoted, and read back the same."""
    command = await amending(tryton_erp, delta(("-5", "-333.33", "L-A")))
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert booking.state is BookingState.QUOTATION
    assert (booking.net, booking.tax) == (Money.of("-333.33", "EUR"), Money.of("-63.33", "EUR"))
    assert booking.gross == Money.of("-396.66", "EUR")
    assert booking.lines[0].quantity == -5
    assert booking.context["amends"] == "DT1"
    assert await tryton_erp.find_booking("2", command.document_key) == booking
    assert done(await tryton_erp.draft_booking(command, idempotency_key="k")) == booking


async def test_a_lower_price_is_booked_as_a_negative_quantity_at_a_positive_price(
    tryton_erp: ErpPort,
) -> None:
    """Ten seats that cost 12.50 less each; a higher price beside it stays positive."""
    command = await amending(tryton_erp, delta(("10", "-125.00", "L-A"), ("4", "80.00", "L-B")))
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert booking.net == Money.of("-45.00", "EUR")
    assert [(line.quantity, line.unit_price) for line in booking.lines] == [
        (Decimal(-10), Decimal("12.5")),
        (Decimal(4), Decimal(20)),
    ]


async def test_a_change_that_nets_to_nothing_is_booked_with_its_lines(tryton_erp: ErpPort) -> None:
    """A swap of equal worth: the lines are the record, the total is nought."""
    command = await amending(tryton_erp, delta(("-2", "-100.00", "L-A"), ("1", "100.00", "L-B")))
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert (booking.net.amount, booking.tax.amount) == (0, 0)
    assert len(booking.lines) == 2


async def test_a_negative_booking_is_confirmed_and_reversed(tryton_erp: ErpPort) -> None:
    """Its return is positive, and both net to nought."""
    command = await amending(tryton_erp, delta(("-5", "-333.33", "L-A")))
    booking = done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    confirmed = done(await tryton_erp.confirm_booking(booking, idempotency_key="k"))
    assert confirmed.state is BookingState.CONFIRMED
    assert isinstance(await tryton_erp.cancel_booking(booking, idempotency_key="k"), Rejected)
    for _ in range(2):
        undone = done(await tryton_erp.reverse_booking(booking, idempotency_key="k"))
        assert undone.state is BookingState.REVERSED
    returned = await tryton_erp.read_booking("2", undone.reversal.native_id)
    assert returned.net == Money.of("333.33", "EUR")


async def test_several_bookings_of_one_contract_are_told_apart_by_their_keys(
    tryton_erp: ErpPort,
) -> None:
    """Cancelling the change's draft leaves the first booking as it was."""
    first = await draft_command(tryton_erp, deals.d2(), deals.NORDWERK)
    sold = done(await tryton_erp.draft_booking(first, idempotency_key="k"))
    change = await amending(tryton_erp, delta(("-5", "-333.33", "L-A")), first.document_key)
    amended = done(await tryton_erp.draft_booking(change, idempotency_key="k"))
    assert amended.ref != sold.ref
    assert amended.context["amends"] == first.document_key
    done(await tryton_erp.cancel_booking(amended, idempotency_key="k"))
    assert await tryton_erp.find_booking("2", first.document_key) == sold
    assert await tryton_erp.find_booking("2", change.document_key) is None


async def test_the_order_names_the_change_and_the_order_it_adds_to(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc
) -> None:
    """For whoever sees a negative order and asks why."""
    command = await amending(tryton_erp, delta(("-5", "-333.33", "L-A")), "DT0000000000000X")
    done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    (row,) = await orders_with(tryton_rpc, 2, [["reference", "=", command.document_key]])
    assert f"Change {CHANGE} of order DT0000000000000X." in row["comment"]
