"""SN-10, OB-06, MT-15: what is late has one case while it lasts, and it closes when it is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.bill_hints import draft_told_of
from dealthread.bridge.service_levels import ServiceLevelDuty
from dealthread.domain.bill import PaymentWay
from dealthread.domain.case import Case, CaseState, Decision, DecisionKind
from dealthread.domain.circuit import Pace
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.service_level import Level
from dealthread.domain.transaction import ChangeKind, ChangeRequest, SagaContext
from dealthread.errors import BadInput, VendorUnavailable
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import (
    amendment_id,
    idempotency_key,
    invoice_id,
    quote_to_cash_id,
    receipt_key,
)
from dealthread.settings import Settings
from dealthread.store.bills import PostgresBills
from dealthread.store.cases import PostgresCases
from dealthread.store.circuits import PostgresCircuits
from dealthread.store.inbox import InboxRow
from dealthread.store.journal import PostgresJournal
from dealthread.store.runs import Runs
from dealthread.store.schema import bills
from dealthread.store.schema_adoption import adopted_openings, adoption_plans
from tests.fakes.crm import FakeCrm
from tests.fakes.world import Fault, World
from tests.support.deal_builder import d1
from tests.support.invoice_lab import bill_of, paid_bill
from tests.support.running_contract import running_contract, worked_contract

pytestmark = pytest.mark.postgres


@dataclass
class Hands:
    """The duty over one store, and a clock that the test moves."""

    engine: AsyncEngine
    world: World
    at: datetime

    def __post_init__(self) -> None:
        settings = Settings.model_validate(
            {"database_url": "postgresql://x", "codec_keys": "{}", "invoice_to_cash": True}
        )
        self.duty = ServiceLevelDuty(settings, self.engine, FakeCrm(self.world), self)
        self.cases = PostgresCases(self.engine)

    def now(self) -> datetime:
        return self.at

    async def after(self, hours: float) -> tuple[int, int]:
        """Later, looked at twice: cases opened and closed by the first look; the second finds
        everything told."""
        self.at += timedelta(hours=hours)
        swept, again = await self.duty.sweep(), await self.duty.sweep()
        assert (again.opened, again.closed) == (0, 0)
        return swept.opened, swept.closed

    async def open_case(self) -> Case:
        (case,) = await self.cases.listing(CaseState.OPEN, "", 10)
        return case

    async def done(self, context: SagaContext, name: str, step: str, system: str) -> None:
        """A write of a saga that has its answer."""
        key = idempotency_key(context.business_key, context.generation, name, "do")
        spec = WriteSpec(
            key=key, step=step, system=system, account="a", context=context, request_hash="r"
        )
        journal = PostgresJournal(self.engine)
        await journal.open(spec)
        await journal.done(spec, "{}", "created", Effects())


@pytest.fixture
def hands(store: AsyncEngine) -> Hands:
    return Hands(store, World(), datetime.now(UTC))


def _run_of(contract: Contract, change_id: str, kind: ChangeKind) -> ChangeRequest:
    return ChangeRequest(
        change_id=change_id,
        kind=kind,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="anna",
    )


def _context(contract: Contract, business_key: str) -> SagaContext:
    return SagaContext(
        business_key=business_key,
        generation=1,
        contract_key=contract.key,
        org=contract.org,
        deal_id=contract.deal_id,
    )


async def test_a_won_deal_whose_event_was_lost_is_named_until_it_has_come(hands: Hands) -> None:
    """Read from the CRM; then it is received and brings no invoice: another level, another case."""
    deal = d1().model_copy(update={"closed_on": hands.at.date(), "modified_at": hands.at})
    hands.world.deals[deal.deal_id] = deal
    assert await hands.after(0.9) == (0, 0)
    hands.world.plan("crm.won_deals", Fault.REFUSED, occurrence=3)
    with pytest.raises(VendorUnavailable):
        await hands.after(0.2)
    assert await hands.after(0) == (1, 0)
    case = await hands.open_case()
    assert (case.kind, case.queue, case.step) == (
        "deal.stuck_before_invoice",
        "revops",
        Level.DEAL_RECEIVED,
    )
    assert deal.account is not None
    assert (case.customer_key, case.customer_name) == (deal.account.key, deal.account.legal_name)
    assert (case.legal_entity, case.region) == ("US01", "US")
    assert str(case.money_at_risk) == "15,000.00 USD"
    assert case.evidence["next_step"] == f"dealthread deals submit {deal.deal_id}"
    assert case.business_key == quote_to_cash_id(deal.org, deal.deal_id)
    with pytest.raises(BadInput, match="not_allowed") as refused:
        await hands.cases.decide(
            Decision(
                case_id=case.case_id, version=1, decision=DecisionKind.RETRY, actor="a", reason="r"
            )
        )
    assert "closes by itself" in refused.value.action

    # Too old for the list by now: asked for by its id.
    hands.world.deals[deal.deal_id] = deal.model_copy(
        update={"closed_on": hands.at.date() - timedelta(days=40)}
    )
    assert await hands.after(1) == (0, 0)
    contract = worked_contract()
    request = _run_of(contract, quote_to_cash_id(deal.org, deal.deal_id), ChangeKind.QUOTE_TO_CASH)
    await Runs(hands.engine).claim(request, contract.key)
    assert await hands.after(0) == (0, 1)
    assert await hands.after(24) == (1, 0)
    case = await hands.open_case()
    assert (case.step, case.customer_name) == (Level.INVOICED, deal.account.legal_name)
    assert str(case.money_at_risk) == "15,000.00 USD"
    assert "after 24 h" in case.summary


async def test_a_deal_that_is_won_no_more_is_not_missed(hands: Hands) -> None:
    deal = d1().model_copy(update={"closed_on": hands.at.date(), "modified_at": hands.at})
    hands.world.deals[deal.deal_id] = deal
    assert await hands.after(2) == (1, 0)
    hands.world.deals[deal.deal_id] = deal.model_copy(update={"is_won": False})
    assert await hands.after(1) == (0, 1)
    hands.world.deals[deal.deal_id] = deal
    assert await hands.after(1) == (1, 0)
    assert (await hands.open_case()).occurrence == 2


async def test_from_the_first_invoice_to_its_payment_each_delay_has_a_case(hands: Hands) -> None:
    """One cause at a time: without an invoice, then not posted, then paid and not applied."""
    contract = await running_contract(hands.engine)
    assert await hands.after(23) == (0, 0)
    assert await hands.after(2) == (1, 0)
    case = await hands.open_case()
    assert (case.step, case.contract_key) == (Level.INVOICED, contract.key)
    assert (case.legal_entity, case.region) == (contract.seller, contract.seller_region)
    assert case.money_at_risk == contract.tcv()

    bill = bill_of(contract, "in_1", hands.at.date()).model_copy(update={"finalised_at": hands.at})
    seen = PostgresBills(hands.engine)
    await seen.seen(bill, hands.at)
    assert await hands.after(3.9) == (0, 1)
    bill = paid_bill(bill, bill.gross, hands.at.date(), PaymentWay.PROCESSOR)
    await seen.seen(bill, hands.at)
    assert await hands.after(0.2) == (1, 0)
    case = await hands.open_case()
    assert (case.kind, case.queue, case.step) == ("erp.posting_late", "accounting", Level.POSTED)
    assert (case.money_at_risk, case.evidence["invoice"]) == (bill.gross, bill.number)
    assert (case.customer_key, case.customer_name) == (contract.customer_key, "Ada")

    way = _context(contract, invoice_id(bill.ref.account, "in_1"))
    await hands.done(way, "invoice", "erp.invoice", "erp")
    assert await hands.after(0) == (0, 1)
    assert await hands.after(48) == (1, 0)
    case = await hands.open_case()
    assert (case.kind, case.queue) == ("cash.unmatched", "cash-application")
    assert case.evidence["payment"] == bill.payments[0].ref.native_id
    key = receipt_key(
        "default", contract.seller, bill.ref.account, "in_1", bill.payments[0].ref.native_id
    )
    await hands.done(way, f"receipt-{key}", "erp.receipt", "erp")
    assert await hands.after(0) == (0, 1)
    async with hands.engine.connect() as connection:
        assert await connection.scalar(select(bills.c.to_check)) is False
    assert await hands.after(1000) == (0, 0)


async def test_of_an_invoice_of_before_only_what_was_paid_since_is_awaited(hands: Hands) -> None:
    """Others posted it when the contract was not ours yet; 100.00 were paid and applied by then."""
    contract = await running_contract(hands.engine)
    seen = PostgresBills(hands.engine)
    day, before = hands.at.date(), Money.of("100.00", contract.currency)
    bill = bill_of(contract, "in_1", day - timedelta(days=60))
    bill = paid_bill(bill, before, day - timedelta(days=50), PaymentWay.BANK)
    zero = Money.zero(contract.currency).amount
    async with hands.engine.begin() as connection:
        await connection.execute(
            insert(adoption_plans).values(
                plan_id="AP-1",
                seller=contract.seller,
                as_of=day - timedelta(days=10),
                won_from=day - timedelta(days=90),
                digest="d",
                is_tied=True,
                contracts=1,
                body={},
                proposed_by="anna",
            )
        )
        await connection.execute(
            insert(adopted_openings).values(
                contract_key=contract.key,
                plan_id="AP-1",
                as_of=day - timedelta(days=10),
                currency=contract.currency,
                billed=zero,
                recognised=zero,
                deferred=zero,
                owed={"in_1": str(bill.remaining.amount)},
            )
        )
    await seen.seen(bill, hands.at)
    assert await hands.after(100) == (0, 0)
    paid = paid_bill(bill, bill.remaining, hands.at.date(), PaymentWay.BANK)
    await seen.seen(paid, hands.at)
    assert await hands.after(72) == (1, 0)
    case = await hands.open_case()
    assert (case.kind, case.step) == ("cash.unmatched", Level.APPLIED)
    assert case.evidence["payment"] == paid.payments[1].ref.native_id


async def test_a_draft_that_does_not_go_out_is_named_until_it_does(hands: Hands) -> None:
    """A later reading of the invoice ends it, and an old event after that begins nothing."""
    contract = await running_contract(hands.engine)
    seen = PostgresBills(hands.engine)
    first = bill_of(contract, "in_1", hands.at.date()).model_copy(update={"finalised_at": hands.at})
    way = _context(contract, invoice_id(first.ref.account, "in_1"))
    await seen.seen(first, hands.at)
    await hands.done(way, "invoice", "erp.invoice", "erp")
    told = {
        "id": "in_2",
        "status": "draft",
        "total": first.gross.to_minor(),
        "currency": "usd",
        "created": int(hands.at.timestamp()),
        "parent": {
            "subscription_details": {"metadata": {"dealthread_contract": contract.key}},
        },
    }
    body = json.dumps({"type": "invoice.created", "data": {"object": told}}).encode()
    row = InboxRow(1, "stripe", first.ref.account, "evt_1", body, 1)
    draft = draft_told_of(row.account, row)
    assert draft is not None
    assert draft.drafted_at is not None
    await seen.seen(draft, draft.drafted_at)
    assert await hands.after(25.5) == (0, 0)
    assert await hands.after(0.6) == (1, 0)
    case = await hands.open_case()
    assert (case.kind, case.queue, case.step) == ("billing.draft_stuck", "billing", Level.FINALISED)
    assert (case.customer_name, case.contract_key) == ("Ada", contract.key)
    assert (case.money_at_risk, case.evidence["invoice"]) == (first.gross, "in_2")
    assert case.evidence["next_step"] == "open in_2 at the biller: finalise or void it"

    issued = bill_of(contract, "in_2", hands.at.date()).model_copy(
        update={"finalised_at": hands.at}
    )
    await seen.seen(issued, hands.at)
    await seen.seen(draft, draft.drafted_at)
    assert await hands.after(0) == (0, 1)


async def test_a_draft_is_no_invoice_of_its_deal_yet(hands: Hands) -> None:
    contract = await running_contract(hands.engine)
    bill = bill_of(contract, "in_1", hands.at.date())
    draft = bill.model_copy(
        update={"status": InvoiceStatus.DRAFT, "number": "", "drafted_at": hands.at}
    )
    await PostgresBills(hands.engine).seen(draft, hands.at)
    assert await hands.after(25) == (1, 0)
    assert (await hands.open_case()).step == Level.INVOICED


async def test_while_a_ledger_is_away_its_outage_stands_for_its_documents(hands: Hands) -> None:
    contract = await running_contract(hands.engine)
    bill = bill_of(contract, "in_1", hands.at.date()).model_copy(update={"finalised_at": hands.at})
    await PostgresBills(hands.engine).seen(bill, hands.at)
    circuits = PostgresCircuits(hands.engine)
    closed = await circuits.read(contract.erp, "")
    opened = closed.opened(hands.at, "away", "breaker", Pace())
    assert await circuits.change(closed, opened, at=hands.at, actor="breaker", reason="away")
    assert await hands.after(5) == (0, 0)
    assert await circuits.change(opened, opened.closed(), at=hands.at, actor="b", reason="back")
    assert await hands.after(0) == (1, 0)


async def test_a_change_that_is_billed_and_not_confirmed_by_the_erp(hands: Hands) -> None:
    contract = await running_contract(hands.engine)
    bill = bill_of(contract, "in_1", hands.at.date())
    await PostgresBills(hands.engine).seen(bill, hands.at)
    await hands.done(
        _context(contract, invoice_id(bill.ref.account, "in_1")), "invoice", "erp.invoice", "erp"
    )
    change = amendment_id(contract.key, "006000000000001AAA")
    await Runs(hands.engine).claim(_run_of(contract, change, ChangeKind.AMENDMENT), contract.key)
    assert await hands.after(9) == (0, 0), "nothing is billed yet"
    await hands.done(_context(contract, change), "billing", "billing.change", "billing")
    assert await hands.after(0) == (1, 0)
    case = await hands.open_case()
    assert (case.kind, case.business_key) == ("erp.amendment_unconfirmed", change)
    assert change in case.evidence["next_step"]
    await hands.done(_context(contract, change), "confirm", "erp.confirm", "erp")
    assert await hands.after(0) == (0, 1)


async def test_what_ended_or_has_not_begun_is_not_late(hands: Hands) -> None:
    start = (hands.at + timedelta(days=10)).date()
    ahead = worked_contract(deal_id="006000000000002AAA")
    ahead = ahead.model_copy(update={"start_date": start})
    await running_contract(hands.engine, ahead, ContractState.SCHEDULED)
    undone = worked_contract(deal_id="006000000000003AAA")
    await running_contract(hands.engine, undone, ContractState.NEVER_ACTIVATED)
    assert await hands.after(24 * 9) == (0, 0)
    assert await hands.after(24 * 3) == (1, 0)
    assert (await hands.open_case()).contract_key == ahead.key
