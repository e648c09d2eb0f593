"""PF-13, T1: what was counted of a billing period is what was billed of it, or a person hears of it
(facts/domain.md §9.6 D3: 612,345 calls are worth 1,937.04, 609,000 of them 1,927.00)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.usage_taking import take_in
from dealthread.config import load_config
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.case import Case, CaseState
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.service_level import Level
from dealthread.naming import contract_key
from dealthread.store.billed_usage import PAGED_BY, billed_otherwise
from dealthread.store.bills import PostgresBills
from dealthread.store.usage import PostgresUsage
from dealthread.store.usage_tracing import UsageTracing
from tests.fakes.world import World
from tests.store.query_plans import plan_when_grown
from tests.store.test_service_levels import Hands
from tests.support import deal_builder as build
from tests.support.running_contract import running_contract
from tests.support.worked_year import usage_event

pytestmark = pytest.mark.postgres

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
READ = datetime(2026, 5, 1, 1, 5, tzinfo=UTC)
CALLS = "L2"
Parts = Sequence[tuple[str, str]]
ALL: Parts = (("100000", "0.00"), ("400000", "1600.00"), ("112345", "337.04"))
"""Quantity and net of the bill's lines, one for each tier."""


@pytest.fixture
def hands(store: AsyncEngine) -> Hands:
    """It is the evening of the first of May: a bill may take until two on the next day."""
    return Hands(store, World(), datetime(2026, 5, 1, 20, tzinfo=UTC))


async def _used(hands: Hands, calls: int = 612_345) -> Contract:
    """D3, running since April, with its calls of April."""
    deal, config = build.d3(), load_config(build.CONFIG_DIR)
    made = build_contract(deal, config, build.D3_TODAY, contract_key(deal.org, deal.deal_id))
    contract = await running_contract(hands.engine, made)
    noon = datetime(2026, 4, 15, 12, tzinfo=UTC)
    if calls:
        event = usage_event(contract, "1", noon, calls)
        (answer,) = await take_in(PostgresUsage(hands.engine), [event], noon, config.policy)
        assert answer.taken is not None
    return contract


def _bill(contract: Contract, native_id: str, parts: Parts) -> Bill:
    """Of the use of April."""
    zero = Money.zero(contract.currency)
    lines = tuple(
        InvoiceLine(
            line_key=CALLS,
            quantity=quantity,
            net=Money.of(net, contract.currency),
            tax=zero,
            period_start=APRIL,
            period_end=MAY,
        )
        for quantity, net in parts
    )
    net = Money.total((one.net for one in lines), contract.currency)
    return Bill(
        ref=_ref(contract, "invoice", native_id),
        number=f"UK-{native_id}",
        status=InvoiceStatus.OPEN,
        contract_key=contract.key,
        customer_key=contract.customer_key,
        currency=contract.currency,
        lines=lines,
        net=net,
        tax=zero,
        gross=net,
        balance_used=zero,
        remaining=net,
        issue_date=MAY,
        finalised_at=READ,
    )


def _credit(contract: Contract, bill: Bill, net: str, native_id: str = "1") -> CreditMemo:
    amount, zero = Money.of(net, contract.currency), Money.zero(contract.currency)
    return CreditMemo(
        ref=_ref(contract, "credit_note", native_id),
        number=f"{bill.number}-CN{native_id}",
        corrects=bill.ref,
        lines=(CreditMemoLine(line_key=CALLS, net=amount, tax=zero),),
        net=amount,
        tax=zero,
        gross=amount,
    )


def _ref(contract: Contract, kind: str, native_id: str) -> Ref:
    account = contract.billing_account
    return Ref(system=System.BILLING, account=account, kind=kind, native_id=native_id)


async def _seen(hands: Hands, *bills: Bill) -> None:
    for bill in bills:
        await PostgresBills(hands.engine).seen(bill, READ)


async def _told(hands: Hands, hours: float = 0) -> list[Case]:
    """Cases of what was billed, after a while; others are of the invoice itself."""
    await hands.after(hours)
    found = await hands.cases.listing(CaseState.OPEN, "billing", 10)
    return [one for one in found if one.step == Level.USAGE_BILLED]


async def test_what_is_billed_as_it_was_counted_is_in_order(hands: Hands) -> None:
    """In three lines, one for each tier; `usage show` has the bill's quantity."""
    contract = await _used(hands)
    await _seen(hands, _bill(contract, "1", ALL))
    assert await _told(hands, 500) == []
    (period,) = await UsageTracing(hands.engine).of_contract(contract.key)
    assert (period.quantity, period.billed) == (612_345, 612_345)


async def test_use_that_missed_its_bill_is_named_until_it_is_charged(hands: Hands) -> None:
    """3,345 calls, 10.04: a case with customer, contract, region, amount and next step; the biller
    charges them on a bill of their own, and it closes."""
    contract = await _used(hands)
    short = _bill(contract, "1", (*ALL[:2], ("109000", "327.00")))
    await _seen(hands, short)
    assert await _told(hands, 5.9) == []
    (case,) = await _told(hands, 0.2)
    assert (case.kind, case.customer_name, case.contract_key, case.legal_entity, case.region) == (
        "usage.billed_otherwise",
        "Ada",
        contract.key,
        "UK01",
        "UK",
    )
    assert str(case.money_at_risk) == "10.04 GBP"
    assert (case.evidence["counted"], case.evidence["billed"]) == ("612345", "609000")
    assert (case.evidence["meter"], case.evidence["period"]) == ("api_calls", "2026-04-01")
    assert case.evidence["next_step"].startswith("dealthread usage trace UK-1 L2")
    assert "charge" in case.evidence["next_step"]

    await _seen(hands, _bill(contract, "2", [("3345", "10.04")]))
    assert await _told(hands) == []
    (period,) = await UsageTracing(hands.engine).of_contract(contract.key)
    assert period.billed == 612_345


async def test_what_was_billed_and_not_counted_is_named_until_it_is_credited(hands: Hands) -> None:
    """A thousand calls too many, 3.00: somebody else counts on the meter."""
    contract = await _used(hands)
    bill = _bill(contract, "1", (*ALL[:2], ("113345", "340.04")))
    await _seen(hands, bill)
    (case,) = await _told(hands, 7)
    assert str(case.money_at_risk) == "3.00 GBP"
    assert case.evidence["not_billed"] == "-3.00 GBP"
    assert "dealthread invoices credit UK-1" in case.evidence["next_step"]
    memo = _credit(contract, bill, "3.00")
    await _seen(hands, bill.model_copy(update={"credit_memos": (memo,)}))
    assert await _told(hands) == []


async def test_a_credit_of_goodwill_is_no_use_that_nobody_billed(hands: Hands) -> None:
    """Charged once more it would be taken back: what was billed was billed, whatever a person gave
    back of it, and a case that only a charge could close would stay for ever."""
    contract = await _used(hands)
    too_much = _bill(contract, "1", (*ALL[:2], ("113345", "340.04")))
    memos = (_credit(contract, too_much, "3.00"), _credit(contract, too_much, "50.00", "2"))
    await _seen(hands, too_much.model_copy(update={"credit_memos": memos}))
    assert await _told(hands, 7) == []
    everything = _credit(contract, too_much, "1940.04")
    await _seen(hands, too_much.model_copy(update={"credit_memos": (everything,)}))
    assert await _told(hands) == []


async def test_a_bill_that_is_credited_whole_and_made_anew_leaves_nothing_missing(
    hands: Hands,
) -> None:
    """Short by 3,345 calls, taken back by a credit, and made anew with all of them; until then the
    calls that no bill ever had are named."""
    contract = await _used(hands)
    short = _bill(contract, "1", (*ALL[:2], ("109000", "327.00")))
    memo = _credit(contract, short, "1927.00")
    await _seen(hands, short.model_copy(update={"credit_memos": (memo,)}))
    (case,) = await _told(hands, 7)
    assert case.evidence["not_billed"] == "10.04 GBP"
    await _seen(hands, _bill(contract, "2", ALL))
    assert await _told(hands) == []


async def test_a_case_names_what_is_missing_now(hands: Hands) -> None:
    """No bill at first, then one that is short: who charged what the case said before would charge
    it twice. Its clock goes on, and nothing is written where nothing changed."""
    contract = await _used(hands)
    (first,) = await _told(hands, 7)
    assert str(first.money_at_risk) == "1,937.04 GBP"
    await _seen(hands, _bill(contract, "1", (*ALL[:2], ("109000", "327.00"))))
    (now,) = await _told(hands)
    assert (now.case_id, str(now.money_at_risk)) == (first.case_id, "10.04 GBP")
    assert (now.evidence["not_billed"], now.evidence["invoices"]) == ("10.04 GBP", "UK-1")
    assert "then charge what is missing" in now.evidence["next_step"]
    assert (now.opened_at, now.decide_by) == (first.opened_at, first.decide_by)
    assert now.version == first.version + 1
    (again,) = await _told(hands)
    assert again.version == now.version


async def test_use_without_a_bill_and_a_bill_without_use_are_named(hands: Hands) -> None:
    """Never billed, or billed and taken back; and a bill of what nobody told us."""
    contract = await _used(hands)
    (case,) = await _told(hands, 7)
    assert (case.evidence["invoices"], str(case.money_at_risk)) == ("", "1,937.04 GBP")
    bill = _bill(contract, "1", ALL)
    await _seen(hands, bill)
    assert await _told(hands) == []
    await _seen(hands, bill.model_copy(update={"status": InvoiceStatus.VOID}))
    (case,) = await _told(hands)
    assert case.evidence["billed"] == "0"


async def test_a_bill_of_use_that_nobody_told_is_named(hands: Hands) -> None:
    """Nothing was counted here: `usage show` has the period, as what the bill has of it, and once
    something is counted, too, the two together."""
    contract = await _used(hands, 0)
    bill = _bill(contract, "1", ALL)
    await _seen(hands, bill)
    (case,) = await _told(hands, 7)
    assert (case.evidence["counted"], case.evidence["not_billed"]) == ("0", "-1,937.04 GBP")
    tracing = UsageTracing(hands.engine)
    (period,) = await tracing.of_contract(contract.key)
    assert (period.period_start, period.period_end, period.meter) == (APRIL, MAY, "api_calls")
    assert (period.quantity, period.events, str(period.rated)) == (0, 0, "0.00 GBP")
    assert (period.billed, period.included) == (612_345, 100_000)

    noon = datetime(2026, 4, 15, 12, tzinfo=UTC)
    event = usage_event(contract, "1", noon, 612_345)
    await take_in(PostgresUsage(hands.engine), [event], noon, load_config(build.CONFIG_DIR).policy)
    assert await _told(hands) == []
    (period,) = await tracing.of_contract(contract.key)
    assert (period.quantity, period.events, period.billed) == (612_345, 1, 612_345)


async def test_use_that_is_worth_nothing_needs_no_bill(hands: Hands) -> None:
    """Within what is included: D3's May."""
    await _used(hands, 90_000)
    assert await _told(hands, 500) == []


async def test_of_two_bills_that_are_read_at_once_each_is_counted(hands: Hands) -> None:
    """Both wait for the row of their period: the second one has the first one's part, too."""
    contract = await _used(hands)
    short, rest = (
        _bill(contract, "1", (*ALL[:2], ("109000", "327.00"))),
        _bill(contract, "2", [("3345", "10.04")]),
    )
    async with hands.engine.begin() as held:
        await held.execute(text("SELECT FROM usage_periods FOR UPDATE"))
        readings = [asyncio.create_task(_seen(hands, bill)) for bill in (short, rest)]
        await _waiting(hands, 2)
    await asyncio.gather(*readings)
    (period,) = await UsageTracing(hands.engine).of_contract(contract.key)
    assert period.billed == 612_345


async def _waiting(hands: Hands, transactions: int) -> None:
    """Until so many wait for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(20), hands.engine.connect() as connection:
        while await connection.scalar(waiting) != transactions:
            await connection.rollback()
            await asyncio.sleep(0.01)


async def test_a_look_starts_from_what_differs(store: AsyncEngine) -> None:
    """However much was ever billed: by the partial index, nothing is read through."""
    plan = await plan_when_grown(store, billed_otherwise(MAY), PAGED_BY)
    assert "ix_usage_periods_billed_otherwise" in plan, plan
    assert "Seq Scan on usage_periods" not in plan, plan
