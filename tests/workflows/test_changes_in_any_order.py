"""Messages about changes of a contract, shuffled, repeated and a month late, end where the messages
in order end (EV-03, EV-04). The seed of each shuffle is printed.
"""

from __future__ import annotations

import asyncio
import random
from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import DecisionKind
from dealthread.domain.change_order import AmendmentOrder, ChangeTiming, LineAction, LineOrder
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.money import Money, UnitPrice
from dealthread.naming import amendment_id, contract_key
from tests.support.change_lab import on
from tests.support.change_orders import seats_of
from tests.support.deal_builder import d1
from tests.support.office import Office
from tests.support.saga_lab import Lab, fresh, lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

START, LAST = date(2026, 1, 1), date(2026, 9, 1)
SEEDS = (1, 2, 3)


def _orders(contract: Contract) -> dict[str, AmendmentOrder]:
    """What was agreed with the customer: seats in March, a product in June, more of it for
    another team in August. By the opportunity that asks."""
    key = seats_of(contract).line_key
    agreed = {
        date(2026, 3, 1): LineOrder(action=LineAction.QUANTITY, line_key=key, quantity=70),
        date(2026, 6, 1): _added(f"{key[:9]}-ONE", 5),
        date(2026, 8, 1): _added(f"{key[:9]}-TWO", 8),
    }
    orders = {}
    for number, (day, line) in enumerate(agreed.items(), start=1):
        deal = f"006{number}{contract.deal_id[4:15]}AAA"
        orders[deal] = AmendmentOrder(
            change_id=amendment_id(contract.key, deal),
            contract_key=contract.key,
            deal_id=deal,
            accepted_on=day,
            timing=ChangeTiming.ON_DATE,
            effective_from=day,
            lines=(line,),
        )
    return orders


def _added(key: str, quantity: int) -> LineOrder:
    return LineOrder(
        action=LineAction.ADD,
        line_key=key,
        product_code="SEAT-PRO",
        quantity=quantity,
        unit_price=UnitPrice.of("470.00", "USD"),
    )


async def _sold(it: Lab, office: Office, deal: Deal) -> Contract:
    on(it, START)
    it.world.deals[deal.deal_id] = deal
    await office.webhook(deal, f"m-{deal.deal_id}")
    await office.relayed()
    assert await office.ended(deal) == "completed"
    contract = await it.contracts.read(contract_key(deal.org, deal.deal_id))
    assert contract is not None
    return contract


async def _settle(it: Lab, contract: Contract, orders: dict[str, AmendmentOrder]) -> None:
    """Until every change completed; approvals that a late delivery needs are given."""
    waiting = {order.change_id for order in orders.values()}
    for _ in range(400):
        for change_id in tuple(waiting):
            if (await it.changes.stage_of(change_id, 1))[1] == "completed":
                waiting.discard(change_id)
        if not waiting:
            return
        case = await it.open_case(contract.key)
        if case is not None and DecisionKind.APPROVE in case.allowed:
            await it.decide(case, DecisionKind.APPROVE, actor="ben")
        await asyncio.sleep(0.05)
    case = await it.open_case(contract.key)
    raise AssertionError(f"not completed: {waiting}: {case and case.summary}")


async def _state(it: Lab, contract: Contract) -> dict[str, object]:
    """What every system says in the end, without ids."""
    present = await it.contracts.read(contract.key)
    assert present is not None
    names = {line.line_key: f"{line.product_code}" for line in present.lines}
    billed = Money.total(
        (
            part
            for made in it.billing.changes.values()
            if made.agreement.ref.native_id.startswith(f"sub_{contract.key}")
            for part in (
                *((made.invoice.net,) if made.invoice else ()),
                *(-memo.net for memo in made.credit_memos),
            )
        ),
        "USD",
    )
    return {
        "version": present.version,
        "lines": sorted(
            (names[one.line_key], one.start_date, one.end_date, one.quantity, one.unit_price.amount)
            for one in present.lines
            if one.kind == "recurring"
        ),
        "tcv": present.tcv(),
        "billed": billed,
        "rights": sorted(
            (names[one.line_key], one.quantity, one.access_from, one.access_to)
            for one in it.entitlement.held[contract.key].grants
        ),
        "planned": Money.total(
            (row.amount for row in await it.contracts.schedule(contract.key)), "USD"
        ),
    }


async def _in_order(it: Lab, office: Office) -> dict[str, object]:
    contract = await _sold(it, office, fresh(d1()))
    for deal, order in _orders(contract).items():
        on(it, order.accepted_on)
        it.crm.changes[deal] = order
        await office.hint(deal, contract.key, f"m-{deal}")
        await office.relayed()
        await _settle(it, contract, {deal: order})
    on(it, LAST)
    return await _state(it, contract)


async def test_shuffled_repeated_and_late_messages_end_as_those_in_order(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """Each three times, in any order, a month after the last one was agreed."""
    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, dev_server)
        async with office.pool:
            wanted = await _in_order(it, office)
            for seed in SEEDS:
                print(f"seed {seed}")
                contract = await _sold(it, office, fresh(d1()))
                orders = _orders(contract)
                it.crm.changes |= orders
                on(it, LAST)
                messages = [(deal, turn) for deal in orders for turn in range(3)]
                random.Random(seed).shuffle(messages)  # noqa: S311
                for deal, turn in messages:
                    await office.hint(deal, contract.key, f"m-{deal}-{turn}")
                    await office.relayed()
                await _settle(it, contract, orders)
                assert await _state(it, contract) == wanted, seed
                on(it, LAST + timedelta(days=30))
                for deal, turn in messages:
                    await office.hint(deal, contract.key, f"late-{deal}-{turn}")
                await office.relayed()
                assert await _state(it, contract) == wanted, "a month later"


async def test_a_change_that_arrives_after_a_later_one_of_its_line_stops_before_it_is_billed(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    """A biller prorates from the line as it is now, not as it was: the two amounts differ, and a
    person decides. Nothing is billed that nobody agreed to."""
    async with lab(dev_server, engine, START) as it:
        office = Office(it, database_url, dev_server)
        async with office.pool:
            contract = await _sold(it, office, fresh(d1()))
            key = seats_of(contract).line_key
            first, second = list(_orders(contract).values())[:2]
            price = LineOrder(
                action=LineAction.PRICE, line_key=key, unit_price=UnitPrice.of("280.00", "USD")
            )
            second = second.model_copy(update={"lines": (price,)})
            on(it, second.accepted_on)
            it.crm.changes |= {second.deal_id: second, first.deal_id: first}
            await office.hint(second.deal_id, contract.key, "m-second")
            await office.relayed()
            await _settle(it, contract, {second.deal_id: second})
            await office.hint(first.deal_id, contract.key, "m-first")
            await office.relayed()
            case = await it.case_of(contract.key, kind="deal.price_mismatch")
            assert DecisionKind.ABORT in case.allowed
            assert it.world.did(contract.key).count("billing.change_agreement") == 1
            await it.decide(case, DecisionKind.ABORT)
