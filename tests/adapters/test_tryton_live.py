"""The Tryton adapter against the real Tryton 8.2 (ER-01, PF-06, PF-19, RS-02)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from adapters.erp.tryton.factory import create
from adapters.erp.tryton.rpc import TrytonRpc
from dealthread.config import load_config
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Booking, BookingState, ErpCustomer
from dealthread.domain.money import Money
from dealthread.domain.party import Party, TaxId
from dealthread.errors import NotFound, VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports import DraftBooking, ErpPort, OnboardErpCustomer, PostingQuestion
from dealthread.stack import tryton
from tests.support import deals

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)

_numbers = itertools.count(1)


@pytest.fixture
def erp(tryton_server: RunningTryton, tryton_http: httpx.AsyncClient) -> ErpPort:
    return create(tryton_server.settings, tryton_http)


@pytest.fixture
def rpc(tryton_server: RunningTryton, tryton_http: httpx.AsyncClient) -> TrytonRpc:
    """For reading Tryton by another way than the port."""
    return TrytonRpc(tryton_server.settings, tryton_http)


def document_key() -> str:
    """A fresh key of 16 characters."""
    return f"DT{next(_numbers):014d}"


def onboard(
    contract: Contract, party: Party, parent: Party | None = None, suffix: str = ""
) -> OnboardErpCustomer:
    return OnboardErpCustomer(
        customer_key=party.key + suffix,
        company=contract.erp_company,
        party=party,
        parent=parent,
        parent_customer_key=parent.key + suffix if parent else None,
        currency=contract.currency,
        payment_terms=contract.payment_terms,
    )


def done(outcome: Outcome[Any]) -> Any:
    assert isinstance(outcome, Done), outcome
    return outcome.value


async def customer_of(erp: ErpPort, contract: Contract, party: Party) -> ErpCustomer:
    command = onboard(contract, party)
    return done(await erp.create_customer(command, idempotency_key="k"))


async def draft_command(
    erp: ErpPort, contract: Contract, party: Party, key: str | None = None
) -> DraftBooking:
    return DraftBooking(
        document_key=key or document_key(),
        contract=contract,
        customer=await customer_of(erp, contract, party),
        estimated_tax=contract.booking_tax(),
        context={"billing_schedule": "yearly in advance", "revenue_treatment": "by day"},
    )


async def orders_with(rpc: TrytonRpc, company: int, domain: list[Any]) -> list[dict[str, Any]]:
    return await rpc.search_read(
        "sale.sale",
        domain,
        ["state", "reference", "origin", "total_amount", "invoices", "comment"],
        context={"company": company},
    )


# ---------------------------------------------------------------- customers


async def test_a_customer_is_created_once_under_its_parent(erp: ErpPort) -> None:
    """DM-02: the parent is made when it is missing, and the same command changes nothing."""
    command = onboard(deals.d2(), deals.NORDWERK, deals.NORDWERK_HOLDING, "-1")
    first = done(await erp.create_customer(command, idempotency_key="k"))
    again = done(await erp.create_customer(command, idempotency_key="k"))
    assert first.created
    assert not again.created
    assert first.ref == again.ref
    assert first.ref.account == "tryton.2"
    assert first.parent == again.parent
    assert first.parent is not None
    assert await erp.find_customer("2", command.customer_key) == again


async def test_unchanged_data_writes_nothing(erp: ErpPort, rpc: TrytonRpc) -> None:
    """The record's own time stamp stays, so a repeat is free of noise in the ledger's history."""
    command = onboard(deals.d1(), deals.HARBORLINE, suffix="-same")
    customer = done(await erp.create_customer(command, idempotency_key="k"))

    async def stamp() -> Any:
        rows = await rpc.search_read(
            "party.party",
            [["code", "=", command.customer_key]],
            ["_timestamp", "addresses._timestamp", "addresses.subdivision"],
            context={"company": 1},
        )
        assert rows[0]["addresses."][0]["subdivision"] is not None
        return rows

    before = await stamp()
    done(await erp.update_customer(command, customer, idempotency_key="k"))
    assert await stamp() == before


async def test_a_changed_parent_moves_the_child(erp: ErpPort, rpc: TrytonRpc) -> None:
    """DM-02: one relation to the new parent; the old one is gone, none is left twice."""
    child = onboard(deals.d2(), deals.NORDWERK, deals.NORDWERK_HOLDING, "-2")
    first = done(await erp.create_customer(child, idempotency_key="k"))
    other = deals.NORDWERK_HOLDING.model_copy(
        update={"key": "A-OTHERHOLD", "legal_name": "Andere Holding AG", "tax_ids": ()}
    )
    moved = child.model_copy(update={"parent": other, "parent_customer_key": other.key})
    second = done(await erp.update_customer(moved, first, idempotency_key="k"))
    assert second.parent is not None
    assert second.parent != first.parent
    relations = await rpc.search_read(
        "party.relation.all",
        [["from_", "=", int(first.ref.native_id)]],
        ["to.code"],
        context={"company": 2},
    )
    assert [row["to."]["code"] for row in relations] == ["A-OTHERHOLD"]
    alone = moved.model_copy(update={"parent": None, "parent_customer_key": None})
    assert done(await erp.update_customer(alone, second, idempotency_key="k")).parent is None


async def test_changed_data_is_brought_up_to_date(erp: ErpPort, rpc: TrytonRpc) -> None:
    """Name, address, tax id and terms follow the command; the code stays."""
    command = onboard(deals.d2(), deals.NORDWERK, suffix="-3")
    customer = done(await erp.create_customer(command, idempotency_key="k"))
    address = deals.NORDWERK.billing_address.model_copy(update={"street": "Neuer Wall 1"})
    party = deals.NORDWERK.model_copy(
        update={
            "legal_name": "Nordwerk Anlagenbau GmbH",
            "billing_address": address,
            "tax_ids": (TaxId(scheme="eu_vat", number="DE136695976"),),
        }
    )
    changed = command.model_copy(update={"party": party, "payment_terms": "NET60"})
    done(await erp.update_customer(changed, customer, idempotency_key="k"))
    row = (
        await rpc.search_read(
            "party.party",
            [["code", "=", command.customer_key]],
            ["name", "addresses.street", "identifiers.code_compact", "customer_payment_term.name"],
            context={"company": 2},
        )
    )[0]
    assert row["name"] == "Nordwerk Anlagenbau GmbH"
    assert [item["street"] for item in row["addresses."]] == ["Neuer Wall 1"]
    assert [item["code_compact"] for item in row["identifiers."]] == ["DE136695976"]
    assert row["customer_payment_term."]["name"] == "NET60"


async def test_a_customer_of_one_company_is_not_yet_one_of_another(erp: ErpPort) -> None:
    """The party is shared, its control account is not: each company onboards it itself."""
    command = onboard(deals.d2(), deals.NORDWERK, suffix="-4")
    first = done(await erp.create_customer(command, idempotency_key="k"))
    assert await erp.find_customer("1", command.customer_key) is None
    other = command.model_copy(update={"company": "1", "payment_terms": "NET14"})
    second = done(await erp.create_customer(other, idempotency_key="k"))
    assert second.ref.native_id == first.ref.native_id
    assert second.ref.account == "tryton.1"
    assert await erp.find_customer("1", command.customer_key) is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tax_ids": (TaxId(scheme="eu_vat", number="DE199999906"),)}, "user_error"),
        (
            {
                "billing_address": deals.NORDWERK.billing_address.model_copy(
                    update={"country": "ZZ"}
                )
            },
            "country_unknown",
        ),
    ],
)
async def test_wrong_master_data_is_refused_as_such(
    erp: ErpPort, change: dict[str, Any], code: str
) -> None:
    """S10: a wrong check digit or country opens customer.sync_failed; no party remains."""
    party = deals.NORDWERK.model_copy(update={"key": f"A-BAD-{code}", **change})
    outcome = await erp.create_customer(onboard(deals.d2(), party), idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("customer.sync_failed", code)
    assert await erp.find_customer("2", party.key) is None


async def test_retiring_leaves_a_used_customer_active(erp: ErpPort) -> None:
    """Undo of a creation: inactive when unused, untouched when a document uses it."""
    unused = done(
        await erp.create_customer(
            onboard(deals.d1(), deals.COBALT, suffix="-5"), idempotency_key="k"
        )
    )
    retired = done(await erp.retire_customer(unused, idempotency_key="k"))
    assert not retired.active
    assert not done(await erp.retire_customer(retired, idempotency_key="k")).active
    back = done(
        await erp.create_customer(
            onboard(deals.d1(), deals.COBALT, suffix="-5"), idempotency_key="k"
        )
    )
    assert back.active

    command = await draft_command(erp, deals.d4(), deals.COBALT)
    done(await erp.draft_booking(command, idempotency_key="k"))
    assert done(await erp.retire_customer(command.customer, idempotency_key="k")).active


# ---------------------------------------------------------------- drafts


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
    erp: ErpPort, contract: Contract, party: Party, net: str, tax: str, gross: str
) -> None:
    """DM-01…05, PF-06: net, tax, total, customer, terms, PO, lines and context are the deal's."""
    command = await draft_command(erp, contract, party)
    booking: Booking = done(await erp.draft_booking(command, idempotency_key="k"))
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
    assert await erp.read_booking(contract.erp_company, command.document_key) == booking
    assert await erp.read_booking(contract.erp_company, booking.ref.native_id) == booking


async def test_the_ramp_is_three_dated_lines(erp: ErpPort, rpc: TrytonRpc) -> None:
    """D4: an ERP shows both days of a period included."""
    command = await draft_command(erp, deals.d4(), deals.COBALT)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    lines = await rpc.search_read(
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


async def test_a_repeat_finds_the_booking(erp: ErpPort, rpc: TrytonRpc) -> None:
    """RS-02: same key, same order, one attachment."""
    command = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    first = done(await erp.draft_booking(command, idempotency_key="k"))
    assert done(await erp.draft_booking(command, idempotency_key="k")) == first
    rows = await orders_with(rpc, 1, [["reference", "=", command.document_key]])
    assert len(rows) == 1
    attachments = await rpc.search_read(
        "ir.attachment",
        [["resource", "=", f"sale.sale,{first.ref.native_id}"]],
        ["name"],
        context={"company": 1},
    )
    assert len(attachments) == 1


async def test_a_corrected_deal_replaces_its_own_draft(erp: ErpPort, rpc: TrytonRpc) -> None:
    """A decision "retry with correction" changes the terms: one order counts, the old one is
    cancelled, both stay on record."""
    command = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    done(await erp.draft_booking(command, idempotency_key="k"))
    changed = command.model_copy(
        update={"contract": command.contract.model_copy(update={"payment_terms": "NET30"})}
    )
    booking = done(await erp.draft_booking(changed, idempotency_key="k"))
    assert booking.payment_terms == "NET30"
    rows = await orders_with(rpc, 1, [["reference", "=", command.document_key]])
    assert sorted(row["state"] for row in rows) == ["cancelled", "quotation"]


async def test_net_that_needs_a_long_unit_price_is_booked_exactly(erp: ErpPort) -> None:
    """15,000 units for 1,000.01: Tryton's usual four decimals would be cents off."""
    contract = deals.d1()
    odd = contract.lines[0].model_copy(
        update={"quantity": Decimal(15000), "committed_net": Money.of("1000.01", "USD")}
    )
    contract = contract.model_copy(update={"lines": (odd,)})
    command = await draft_command(erp, contract, deals.HARBORLINE)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    assert booking.net == Money.of("1000.01", "USD")
    assert booking.tax == Money.of("66.00", "USD")


async def test_half_a_cent_of_tax_is_not_a_refusal(erp: ErpPort) -> None:
    """Tryton rounds half a cent to even, the estimate rounds it up: both are estimates.

    12.50 at 6.6 % is 0.825."""
    contract = deals.d1()
    odd = contract.lines[0].model_copy(
        update={"quantity": Decimal(1), "committed_net": Money.of("12.50", "USD")}
    )
    contract = contract.model_copy(update={"lines": (odd,)})
    assert contract.booking_tax() == Money.of("0.83", "USD")
    command = await draft_command(erp, contract, deals.HARBORLINE)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
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
    erp: ErpPort, rpc: TrytonRpc, change: dict[str, Any], case_kind: str, code: str, field: str
) -> None:
    """W3: the ERP refuses before the pivot, and nothing but the customer is left."""
    command = await draft_command(erp, _with_line(deals.d1(), **change), deals.HARBORLINE)
    outcome = await erp.draft_booking(command, idempotency_key="k")
    assert isinstance(outcome, Rejected), outcome
    assert (outcome.case_kind, outcome.code, outcome.field) == (case_kind, code, field)
    assert await orders_with(rpc, 1, [["reference", "=", command.document_key]]) == []
    assert await erp.find_booking("1", command.document_key) is None


async def test_an_estimate_that_the_ledger_does_not_share_is_refused(
    erp: ErpPort, rpc: TrytonRpc
) -> None:
    """Totals are read back; a difference cancels the draft and names both amounts."""
    command = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    wrong = command.model_copy(update={"estimated_tax": Money.of("890.99", "USD")})
    outcome = await erp.draft_booking(wrong, idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("erp.rejected", "totals_differ")
    assert outcome.evidence["tax"] == "891.00"
    assert outcome.evidence["expected_tax"] == "890.99"
    rows = await orders_with(rpc, 1, [["reference", "=", wrong.document_key]])
    assert [row["state"] for row in rows] == ["cancelled"]


# ---------------------------------------------------------------- cancel, confirm, reverse


async def test_a_draft_can_be_cancelled_again_and_again(erp: ErpPort) -> None:
    """PF-19: an undo with nothing left to undo succeeds."""
    command = await draft_command(erp, deals.d2(), deals.NORDWERK)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    for _ in range(2):
        cancelled = done(await erp.cancel_booking(booking, idempotency_key="k"))
        assert cancelled.state is BookingState.CANCELLED
    assert await erp.find_booking("2", command.document_key) is None
    assert (await erp.read_booking("2", command.document_key)).state is BookingState.CANCELLED


async def test_confirming_twice_confirms_once(erp: ErpPort, rpc: TrytonRpc) -> None:
    """The confirmed order posts nothing and invoices nothing."""
    command = await draft_command(erp, deals.d2(), deals.NORDWERK)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    for _ in range(2):
        confirmed = done(await erp.confirm_booking(booking, idempotency_key="k"))
        assert confirmed.state is BookingState.CONFIRMED
        assert confirmed.ref == booking.ref
    assert done(await erp.draft_booking(command, idempotency_key="k")) == confirmed
    rows = await orders_with(rpc, 2, [["reference", "=", command.document_key]])
    assert [(row["state"], row["invoices"]) for row in rows] == [("processing", [])]
    refused = await erp.cancel_booking(booking, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert refused.code == "already_confirmed"


async def test_a_reversal_nets_to_zero_and_happens_once(erp: ErpPort, rpc: TrytonRpc) -> None:
    """Domain §2: a confirmed booking is reversed by a return order that names it."""
    command = await draft_command(erp, deals.d4(), deals.COBALT)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    done(await erp.confirm_booking(booking, idempotency_key="k"))
    first = done(await erp.reverse_booking(booking, idempotency_key="k"))
    second = done(await erp.reverse_booking(booking, idempotency_key="k"))
    assert first.state is BookingState.REVERSED
    assert first == second
    pair = await orders_with(
        rpc,
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


async def test_reversing_what_was_never_confirmed_cancels_it(erp: ErpPort) -> None:
    """There is nothing to reverse in a quotation."""
    command = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    reversed_ = done(await erp.reverse_booking(booking, idempotency_key="k"))
    assert reversed_.state is BookingState.CANCELLED
    assert reversed_.reversal is None


async def test_an_unknown_booking_is_not_found(erp: ErpPort) -> None:
    """Reading is not creating."""
    assert await erp.find_booking("1", "DT-NOTHING") is None
    with pytest.raises(NotFound):
        await erp.read_booking("1", "DT-NOTHING")


# ---------------------------------------------------------------- lost answers


class Losing(httpx.AsyncBaseTransport):
    """Forwards everything; the answer of the n-th changing RPC is lost after its effect."""

    def __init__(self, inner: httpx.AsyncBaseTransport, lose: Callable[[str], bool]) -> None:
        self._inner = inner
        self._lose = lose
        self.lost: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method = _method_of(request)
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        if not self.lost and self._lose(method):
            self.lost.append(method)
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer


class FailingAt(httpx.AsyncHTTPTransport):
    """Fails the n-th request, before it is sent or after it was answered."""

    def __init__(self, number: int, *, before: bool) -> None:
        super().__init__()
        self._left = number
        self._before = before
        self.failed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        is_chosen = self._left == 0  # requests run side by side: decided before waiting
        self.failed = self.failed or is_chosen
        if is_chosen and self._before:
            raise httpx.ConnectError("not connected", request=request)
        answer = await super().handle_async_request(request)
        await answer.aread()
        if is_chosen:
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer


def _method_of(request: httpx.Request) -> str:
    return str(httpx.Response(200, content=request.content).json()["method"])


async def _with_lost_answer(
    server: RunningTryton, method: str, act: Callable[[ErpPort], Any]
) -> Outcome[Any]:
    """Run `act` on a port that loses the first answer to `method`."""
    transport = Losing(httpx.AsyncHTTPTransport(), lambda name: name == method)
    async with httpx.AsyncClient(transport=transport) as client:
        outcome = await act(create(server.settings, client))
    assert transport.lost == [method]
    return outcome


DRAFT_WRITES = ("model.sale.sale.create", "model.ir.attachment.create", "model.sale.sale.quote")


@pytest.mark.parametrize("method", DRAFT_WRITES)
async def test_a_lost_answer_while_drafting_ends_in_one_order(
    erp: ErpPort, rpc: TrytonRpc, tryton_server: RunningTryton, method: str
) -> None:
    """RS-02: Unknown, then the repeat goes on from what is there: one order, one attachment."""
    command = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    lost = await _with_lost_answer(
        tryton_server, method, lambda port: port.draft_booking(command, idempotency_key="k")
    )
    assert isinstance(lost, Unknown)
    assert lost.code == "read_timeout"
    half = await erp.find_booking("1", command.document_key)
    assert half is not None
    whole = method == "model.sale.sale.quote"
    assert (half.state is BookingState.QUOTATION) == whole
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    assert booking.state is BookingState.QUOTATION
    assert booking.context["contract"] == "C-D1"
    assert booking.gross == Money.of("15891.00", "USD")
    rows = await orders_with(rpc, 1, [["reference", "=", command.document_key]])
    assert len(rows) == 1


@pytest.mark.parametrize("kind", ["answer lost", "not connected"])
async def test_any_call_of_a_draft_may_fail(
    erp: ErpPort, rpc: TrytonRpc, tryton_server: RunningTryton, kind: str
) -> None:
    """RS-02, RS-09: whichever of a draft's calls fails, reads included, what the port says about
    an effect is true, and the repeat ends in one complete order."""
    contract, party = deals.d2(), deals.NORDWERK
    for number in itertools.count(1):
        command = await draft_command(erp, contract, party)
        transport = FailingAt(number, before=kind == "not connected")
        async with httpx.AsyncClient(transport=transport) as http:
            try:
                outcome = await create(tryton_server.settings, http).draft_booking(
                    command, idempotency_key="k"
                )
            except VendorUnavailable:
                outcome = None
        rows = await orders_with(rpc, 2, [["reference", "=", command.document_key]])
        if outcome is None:
            assert rows == [], "raised although an order exists"
        elif not transport.failed:
            assert isinstance(outcome, Done)
            break
        else:
            assert isinstance(outcome, Unknown)
        booking = done(await erp.draft_booking(command, idempotency_key="k"))
        assert booking.state is BookingState.QUOTATION
        assert booking.context["contract"] == "C-D2"
        rows = await orders_with(rpc, 2, [["reference", "=", command.document_key]])
        assert [row["state"] for row in rows] == ["quotation"]
    assert number > 10


async def test_an_undo_after_a_lost_draft_leaves_nothing_open(
    erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """PF-19: the half-made order is found by the look-up and cancelled."""
    command = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    await _with_lost_answer(
        tryton_server,
        "model.sale.sale.create",
        lambda port: port.draft_booking(command, idempotency_key="k"),
    )
    half = await erp.find_booking("1", command.document_key)
    assert half is not None
    assert half.state is BookingState.DRAFT
    refused = await erp.confirm_booking(half, idempotency_key="k")
    assert isinstance(refused, Rejected)
    assert refused.code == "booking_incomplete"
    done(await erp.cancel_booking(half, idempotency_key="k"))
    assert await erp.find_booking("1", command.document_key) is None


async def test_a_late_second_order_is_cancelled(
    erp: ErpPort, rpc: TrytonRpc, tryton_server: RunningTryton
) -> None:
    """A create that arrives after its repeat leaves two orders; one counts, one is cancelled."""
    command = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    late = await draft_command(erp, deals.d1(), deals.HARBORLINE)
    await _with_lost_answer(
        tryton_server,
        "model.sale.sale.create",
        lambda port: port.draft_booking(late, idempotency_key="k"),
    )
    straggler = await erp.find_booking("1", late.document_key)
    assert straggler is not None
    await rpc.write(
        "model.sale.sale.write",
        [int(straggler.ref.native_id)],
        {"reference": command.document_key},
        context={"company": 1},
        case_kind="erp.rejected",
    )
    confirmed = done(await erp.confirm_booking(booking, idempotency_key="k"))
    assert confirmed.ref == booking.ref
    rows = await orders_with(rpc, 1, [["reference", "=", command.document_key]])
    assert sorted(row["state"] for row in rows) == ["cancelled", "processing"]


@pytest.mark.parametrize("method", ["confirm", "return"])
async def test_a_lost_answer_after_the_pivot_is_repeated_safely(
    erp: ErpPort, rpc: TrytonRpc, tryton_server: RunningTryton, method: str
) -> None:
    """Confirmed once, returned once, whichever answer is lost."""
    command = await draft_command(erp, deals.d2(), deals.NORDWERK)
    booking = done(await erp.draft_booking(command, idempotency_key="k"))
    if method == "confirm":
        lost = await _with_lost_answer(
            tryton_server,
            "model.sale.sale.confirm",
            lambda port: port.confirm_booking(booking, idempotency_key="k"),
        )
        assert isinstance(lost, Unknown)
        found = await erp.find_booking("2", command.document_key)
        assert found is not None
        assert found.state is BookingState.CONFIRMED
    done(await erp.confirm_booking(booking, idempotency_key="k"))
    for rpc_method in (
        "wizard.sale.return_sale.execute",
        "model.sale.sale.write",
        "model.sale.sale.quote",
        "model.sale.sale.confirm",
    ):
        lost = await _with_lost_answer(
            tryton_server,
            rpc_method,
            lambda port: port.reverse_booking(booking, idempotency_key="k"),
        )
        assert isinstance(lost, Unknown)
    assert done(await erp.reverse_booking(booking, idempotency_key="k")).reversal is not None
    origin = f"sale.sale,{booking.ref.native_id}"
    assert len(await orders_with(rpc, 2, [["origin", "=", origin]])) == 1


@pytest.mark.parametrize("method", ["model.party.party.create", "model.party.relation.all.write"])
async def test_a_lost_answer_while_onboarding_ends_in_one_customer(
    erp: ErpPort, rpc: TrytonRpc, tryton_server: RunningTryton, method: str
) -> None:
    """One party per key, under the right parent."""
    suffix = f"-{document_key()}"
    command = onboard(deals.d2(), deals.NORDWERK, deals.NORDWERK_HOLDING, suffix)
    if method.endswith("write"):
        done(await erp.create_customer(command, idempotency_key="k"))
        other = deals.COBALT.model_copy(update={"key": f"A-NEW{suffix}"})
        command = command.model_copy(update={"parent": other, "parent_customer_key": other.key})
    lost = await _with_lost_answer(
        tryton_server, method, lambda port: port.create_customer(command, idempotency_key="k")
    )
    assert isinstance(lost, Unknown)
    customer = done(await erp.create_customer(command, idempotency_key="k"))
    assert customer.parent is not None
    rows = await rpc.search_read(
        "party.party",
        [["code", "in", [command.customer_key, command.parent_customer_key]]],
        ["code"],
        context={"company": 2},
    )
    assert len(rows) == 2


# ---------------------------------------------------------------- posting rules


def question(**change: Any) -> PostingQuestion:
    right: dict[str, Any] = {
        "company": "1",
        "currency": "USD",
        "service_start": date(2026, 1, 1),
        "posting_date": date(2026, 1, 1),
        "items": ("SEAT-STD", "ONB"),
        "tax_codes": ("US-TX-SAAS", "US-TX-SVC0"),
        "accounts": ("1100", "2300", "4000", "4200"),
        "payment_terms": "DUE",
    }
    return PostingQuestion(**{**right, **change})


async def test_right_postings_meet_no_problem(erp: ErpPort) -> None:
    """V22, V38 for D1."""
    rules = await erp.check_posting_rules(question())
    assert rules.problems == ()
    assert rules.open_from == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("change", "rule", "field", "value"),
    [
        ({"posting_date": date(2025, 12, 15)}, "V22", "posting_date", "2025-12-15"),
        ({"posting_date": date(2041, 1, 1)}, "V22", "posting_date", "2041-01-01"),
        ({"items": ("SEAT-BLK",)}, "V38", "item", "SEAT-BLK"),
        ({"items": ("NOTHING",)}, "V38", "item", "NOTHING"),
        ({"tax_codes": ("DE-19",)}, "V38", "tax_code", "DE-19"),
        ({"service_start": date(2019, 6, 1)}, "V38", "tax_code", "US-TX-SAAS"),
        ({"accounts": ("4999",)}, "V38", "account", "4999"),
        ({"payment_terms": "NET999"}, "V38", "payment_terms", "NET999"),
        ({"currency": "JPY"}, "V38", "currency", "JPY"),
    ],
)
async def test_what_tryton_would_swallow_is_found(
    erp: ErpPort, change: dict[str, Any], rule: str, field: str, value: str
) -> None:
    """V22 and V38 by own reads: Tryton itself accepts most of these on an order."""
    rules = await erp.check_posting_rules(question(**change))
    assert (rule, field, value) in {(item.rule, item.field, item.value) for item in rules.problems}


async def test_a_closed_period_tells_the_first_open_day(erp: ErpPort) -> None:
    """S4: start in 2025-12 posts on 2026-01-01 when approved."""
    rules = await erp.check_posting_rules(question(posting_date=date(2025, 12, 15)))
    assert rules.open_from == date(2026, 1, 1)


async def test_a_closed_account_is_a_problem(erp: ErpPort, tryton_server: RunningTryton) -> None:
    """S9: the revenue account is blocked in the ERP, and opened again."""
    settings = tryton_server.settings.model_copy(update={"user": "admin"})
    secret = type(settings.password)(tryton_server.installation.logins()["admin"])
    settings = settings.model_copy(update={"password": secret})
    async with httpx.AsyncClient(trust_env=False) as client:
        admin = TrytonRpc(settings, client)
        rows = await admin.search_read(
            "account.account",
            [["code", "=", "4100"], ["company", "=", 3]],
            ["code"],
            context={"company": 3},
        )
        for closed in (True, False):
            await admin.write(
                "model.account.account.write",
                [rows[0]["id"]],
                {"closed": closed},
                context={"company": 3},
                case_kind="erp.rejected",
            )
            rules = await erp.check_posting_rules(
                question(company="3", accounts=("4100",), tax_codes=("GB-20",))
            )
            assert bool(rules.problems) is closed


async def test_a_server_that_is_not_there_is_unavailable(tryton_server: RunningTryton) -> None:
    """Nothing was sent, so this is raised and not Unknown."""
    settings = tryton_server.settings.model_copy(update={"url": "http://127.0.0.1:1"})
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(VendorUnavailable):
            await create(settings, client).create_customer(
                onboard(deals.d1(), deals.HARBORLINE), idempotency_key="k"
            )


# ---------------------------------------------------------------- the installation


async def test_each_company_has_what_the_configuration_says(erp: ErpPort) -> None:
    """Companies, accounts, tax codes, items and terms of `config/`, nothing keyed by hand."""
    config = load_config(Path(__file__).parents[2] / "config")
    blocked = {row.erp_item for row in config.products if not row.erp_salable}
    for entity in config.legal_entities:
        codes = [row for row in config.tax_codes if row.seller == entity.code]
        for terms in config.payment_terms:
            rules = await erp.check_posting_rules(
                PostingQuestion(
                    company=entity.erp_company,
                    currency=entity.functional_currency,
                    service_start=max(row.valid_from for row in codes),
                    posting_date=config.closed_until[entity.code],
                    items=tuple(row.erp_item for row in config.products),
                    tax_codes=tuple(row.code for row in codes),
                    accounts=tuple(row.code for row in config.accounts),
                    payment_terms=terms.erp_code,
                )
            )
            assert {row.value for row in rules.problems} == blocked


async def test_periods_exist_for_the_years_of_a_long_contract(erp: ErpPort) -> None:
    """D4 and D5 end in 2029 and 2028: the last day of 2029 can be posted."""
    for company in ("1", "2", "3"):
        rules = await erp.check_posting_rules(
            question(company=company, posting_date=date(2029, 12, 31))
        )
        assert rules.open_from == date(2029, 12, 31)


def test_a_second_preparation_finds_the_first(tryton_server: RunningTryton) -> None:
    """Prepared once, kept: no step is reported, and an existing working copy is left alone."""
    first = tryton_server.installation
    lines: list[str] = []
    config = load_config(Path(__file__).parents[2] / "config")
    state = first.programs.configuration.parent.parent
    again = tryton.prepare(state, first.programs.postgres, config, lines.append)
    assert again == first
    assert lines == []
    assert not tryton.clone(again, tryton_server.database)
    assert tryton.is_current(again, tryton_server.database)


async def test_a_refused_customer_is_not_quoted_in_the_log(
    erp: ErpPort, tryton_server: RunningTryton
) -> None:
    """Tryton prints refused records by itself; the stack's log must hold no customer's data."""
    party = deals.NORDWERK.model_copy(
        update={
            "key": "A-CANARY",
            "legal_name": "Canary Kanarienvogel GmbH",
            "tax_ids": (TaxId(scheme="eu_vat", number="DE000000000"),),
        }
    )
    outcome = await erp.create_customer(onboard(deals.d2(), party), idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert "DE000000000" in outcome.evidence["message"]
    text = tryton_server.log.read_text(encoding="utf-8")
    assert "DE000000000" not in text
    assert "Kanarienvogel" not in text
