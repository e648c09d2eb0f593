"""A hundred contracts with random changes: each system ends as the fold of what was accepted, and
what was refused leaves no trace (PF-10, DM-10). The seed is printed; DEALTHREAD_SEED repeats a run.

The fold is a dictionary of its own: it knows neither versions nor spans.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    ChangeTiming,
    LineAction,
    LineOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.documents import AgreementStatus, BookingState
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.transaction import ChangeKind, ChangeOutcome
from dealthread.naming import amendment_id, cancellation_id
from tests.fakes.world import settled
from tests.support.change_lab import change, on, sold
from tests.support.change_orders import seats_of
from tests.support.comparing import compared
from tests.support.deal_builder import d1
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

SEED = os.environ.get("DEALTHREAD_SEED", "20261128")
START = date(2026, 1, 1)
ONBOARDING = Money.of("2500.00", "USD")
"""Allocated to the onboarding of D1 (facts/domain.md §9.6); no month before it is accepted."""


@dataclass
class Held:
    """A line as the customer has it."""

    product: str
    quantity: Decimal
    price: Decimal


@dataclass
class Fold:
    """What the customer has after the accepted changes, by line."""

    lines: dict[str, Held]
    terms: str
    accepted: int = 0
    ended_on: date | None = None
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """One change, as the fold understands it."""

    line: LineOrder | None
    is_sound: bool
    terms: str = ""


def _random_change(rng: random.Random, fold: Fold, number: int) -> Asked:
    """Sound ones and unsound ones: no seats, unknown lines, products that nobody maps."""
    key = rng.choice(list(fold.lines))
    kinds = ["seats", "seats", "seats", "price", "add", "swap", "terms", "none", "unknown"]
    if len(fold.lines) > 1:
        kinds += ["remove", "remove"]
    match rng.choice([*kinds, "unmapped"]):
        case "terms":
            wanted = rng.choice(["NET14", "NET30", "NET45"])
            return Asked(None, wanted != fold.terms, wanted)
        case "add":
            return Asked(_added(f"L-ADDED{number:04}", "SEAT-PRO", rng.choice([3, 7, 15])), True)
        case "unmapped":
            return Asked(_added(f"L-EDU{number:04}", "SEAT-EDU", 2), False)
        case "unknown":
            order = LineOrder(action=LineAction.QUANTITY, line_key="L-NOBODY", quantity=Decimal(3))
            return Asked(order, False)
        case kind:
            return _of_line(rng, kind, key, fold.lines[key])


def _of_line(rng: random.Random, kind: str, key: str, held: Held) -> Asked:
    if kind == "remove":
        return Asked(LineOrder(action=LineAction.REMOVE, line_key=key), True)
    if kind == "swap":
        product, price = ("SEAT-PRO", 450) if held.product == "SEAT-STD" else ("SEAT-STD", 290)
        order = LineOrder(
            action=LineAction.SWAP,
            line_key=key,
            product_code=product,
            unit_price=UnitPrice.of(Decimal(price), "USD"),
        )
        return Asked(order, True)
    if kind == "price":
        price = UnitPrice.of(held.price + rng.choice([-5, 5, 10]), "USD")
        return Asked(LineOrder(action=LineAction.PRICE, line_key=key, unit_price=price), True)
    wanted = Decimal(0 if kind == "none" else rng.choice([5, 20, 40, 60, 80, 120]))
    order = LineOrder(action=LineAction.QUANTITY, line_key=key, quantity=wanted)
    return Asked(order, kind == "seats" and wanted != held.quantity)


def _added(key: str, product: str, quantity: int) -> LineOrder:
    return LineOrder(
        action=LineAction.ADD,
        line_key=key,
        product_code=product,
        quantity=Decimal(quantity),
        unit_price=UnitPrice.of(Decimal("470.00"), "USD"),
    )


def _apply(fold: Fold, asked: Asked) -> None:
    fold.accepted += 1
    fold.terms = asked.terms or fold.terms
    line = asked.line
    if line is None:
        return
    if line.action is LineAction.REMOVE:
        del fold.lines[line.line_key]
        return
    held = fold.lines.setdefault(line.line_key, Held(line.product_code, Decimal(0), Decimal(0)))
    held.product = line.product_code or held.product
    held.quantity = held.quantity if line.quantity is None else line.quantity
    held.price = held.price if line.unit_price is None else line.unit_price.amount


async def _ended(it: Lab, contract: Contract, handle) -> ChangeOutcome:
    """Approve what asks for approval, abort what is refused; how the change ended."""
    result = asyncio.ensure_future(handle.result())
    seen: set[tuple[str, int]] = set()
    while not result.done():
        opened = await it.reading.find(contract.key)
        if opened.case_id:
            case = await it.cases.show(opened.case_id)
            if (case.case_id, case.version) not in seen:
                seen.add((case.case_id, case.version))
                approval = DecisionKind.APPROVE in case.allowed
                await it.decide(
                    case, DecisionKind.APPROVE if approval else DecisionKind.ABORT, actor="ben"
                )
        await asyncio.wait([result], timeout=0.03)
    return (await result).outcome


async def _live(it: Lab, rng: random.Random, number: int) -> tuple[Contract, Fold]:
    day = START
    on(it, day)
    contract = await sold(it, fresh(d1()))
    line = seats_of(contract)
    held = Held(line.product_code, line.quantity, line.unit_price.amount)
    fold = Fold({line.line_key: held}, contract.payment_terms)
    for turn in range(rng.randint(1, 4)):
        passed = rng.randint(1, 60)
        day += timedelta(days=passed)
        on(it, day)
        asked = _random_change(rng, fold, number * 10 + turn)
        # From today, from a day since the last change, or from one to come.
        away = rng.choice([0, 0, -rng.randint(0, passed), rng.randint(1, 20)])
        order = AmendmentOrder(
            change_id=amendment_id(contract.key, f"R{turn}"),
            contract_key=contract.key,
            accepted_on=day,
            timing=ChangeTiming.ON_DATE if away else ChangeTiming.NOW,
            effective_from=day + timedelta(days=away) if away else None,
            lines=() if asked.line is None else (asked.line,),
            payment_terms=asked.terms,
        )
        handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, order)
        outcome = await _ended(it, contract, handle)
        if away > 0 and asked.is_sound:
            assert outcome is ChangeOutcome.SCHEDULED, (number, turn, asked)
            day += timedelta(days=away)
            on(it, day)
            handle = await change(it, contract, ChangeKind.AMENDMENT, order.change_id, is_due=True)
            outcome = await _ended(it, contract, handle)
        wanted = ChangeOutcome.COMPLETED if asked.is_sound else ChangeOutcome.COMPENSATED
        assert outcome is wanted, (number, turn, asked, away)
        if asked.is_sound:
            _apply(fold, asked)
        else:
            fold.refused.append(order.change_id)
    if rng.random() < 0.3:
        day += timedelta(days=rng.randint(1, 40))
        on(it, day)
        end = CancellationOrder(
            change_id=cancellation_id(contract.key, "X"),
            contract_key=contract.key,
            accepted_on=day,
            timing=ChangeTiming.NOW,
        )
        handle = await change(it, contract, ChangeKind.CANCELLATION, end.change_id, end)
        assert await _ended(it, contract, handle) is ChangeOutcome.COMPLETED
        fold.accepted += 1
        fold.ended_on = day
    return contract, fold


async def _agree(it: Lab, sold_as: Contract, fold: Fold) -> None:
    """Store, entitlement, biller, ERP and CRM each say what the fold says."""
    await settled(it.world)
    key = sold_as.key
    present = await it.contracts.read(key)
    assert present is not None
    assert present.version == 1 + fold.accepted
    assert present.payment_terms == fold.terms
    today = it.world.today.date()
    if fold.ended_on is None:
        present_lines = {
            line.line_key: Held(line.product_code, line.quantity, line.unit_price.amount)
            for line in present.lines
            if line.kind == "recurring"
            and line.start_date <= today
            and (line.end_date is None or today < line.end_date)
        }
        assert present_lines == fold.lines
        grants = {
            one.line_key: one.quantity
            for one in it.entitlement.held[key].grants
            if one.access_from <= today and (one.access_to is None or today < one.access_to)
        }
        assert grants == {line: held.quantity for line, held in fold.lines.items()}
        assert set(it.billing.agreements[key][-1].items or fold.lines) == set(fold.lines)
    else:
        assert present.end_date == fold.ended_on
        assert all(one.access_to and one.access_to <= today for one in _grants(it, key))
        assert it.billing.agreements[key][-1].status is AgreementStatus.CANCELLED
    booked = [
        one
        for orders in it.erp.bookings.values()
        for one in orders
        if one.context.get("contract_key") == key and one.state is BookingState.CONFIRMED
    ]
    assert Money.total((one.net for one in booked), "USD") == present.tcv()
    if fold.accepted:
        assert it.crm.recorded[key].contract.version == present.version
    for change_id in fold.refused:
        assert await it.changes.version_of(change_id) is None
    rows = await it.contracts.schedule(key)
    assert Money.total((row.amount for row in rows), "USD") + ONBOARDING == present.tcv()
    assert await it.reading.uncertain() == []
    assert await compared(it, key) == []


def _grants(it: Lab, key: str):
    return it.entitlement.held[key].grants


async def _many(client: Client, engine: AsyncEngine, count: int) -> None:
    print(f"seed {SEED}, {count} contracts")
    async with lab(client, engine, START) as it:
        for number in range(count):
            contract, fold = await _live(it, random.Random(f"{SEED}-{number}"), number)  # noqa: S311
            await _agree(it, contract, fold)


async def test_ten_contracts_end_as_the_fold_of_their_changes(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The first ten of the hundred."""
    await _many(dev_server, engine, 10)


@pytest.mark.acceptance
@pytest.mark.timeout(1800)
async def test_a_hundred_contracts_end_as_the_fold_of_their_changes(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """The same for a hundred."""
    await _many(dev_server, engine, 100)
