"""The life of a contract in the store: orders, versions, revenue plans, how changes end."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import Agreement, AgreementStatus, ChangedAgreement
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.money import Money
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest, SagaContext
from dealthread.errors import Conflict
from dealthread.hub import ContractVersionRecord, Effects, RevenueRow, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.store.changes import PostgresChanges
from dealthread.store.contracts import PostgresContracts
from dealthread.store.journal import PostgresJournal
from dealthread.store.outbox import Outbox
from dealthread.store.reading import Reading
from dealthread.store.runs import Runs
from dealthread.store.schema import audit, change_orders, deliveries, runs
from tests.store.test_contracts import agreement
from tests.support.change_orders import cancellation, seats
from tests.support.running_contract import TODAY, first_context, running_contract

pytestmark = pytest.mark.postgres
DAY = date(2026, 3, 1)


def context_of(contract: Contract, change_id: str, generation: int = 1) -> SagaContext:
    return first_context(contract).model_copy(
        update={"business_key": change_id, "generation": generation}
    )


def row(contract: Contract, amount: str, month: int = 1) -> RevenueRow:
    return RevenueRow(
        obligation="O1",
        line_key=contract.lines[0].line_key,
        account="4000",
        month=date(2026, month, 1),
        amount=Money.of(amount, contract.currency),
        treatment="prospective",
    )


async def wrote(
    store: AsyncEngine,
    context: SagaContext,
    effects: Effects,
    step: str = "crm.x",
    result: str = "",
) -> None:
    """A step of a run has been done."""
    journal = PostgresJournal(store)
    spec = WriteSpec(
        key=idempotency_key(context.business_key, context.generation, step, "do"),
        step=step,
        system="crm",
        account="a",
        context=context,
        request_hash="r1",
    )
    await journal.open(spec)
    await journal.done(spec, result, "created", effects)


async def claimed(store: AsyncEngine, contract: Contract, change_id: str, kind: ChangeKind) -> bool:
    return await PostgresChanges(store).claim(
        ChangeRequest(
            change_id=change_id,
            kind=kind,
            org=contract.org,
            deal_id=contract.deal_id,
            requested_by="anna",
        ),
        contract.key,
    )


async def second_version(store: AsyncEngine, contract: Contract, change_id: str) -> Contract:
    after = contract.model_copy(update={"version": 2, "po_number": "PO-2"})
    record = ContractVersionRecord(
        contract=after,
        change_id=change_id,
        effective_from=DAY,
        accepted_on=DAY,
        kind=ChangeKind.AMENDMENT,
        working="{}",
        schedule=(row(after, "70.00", 1), row(after, "30.00", 2)),
    )
    context = context_of(contract, change_id)
    await wrote(store, context, Effects(version=record, outcome=ChangeOutcome.COMPLETED))
    return after


async def test_an_order_is_stored_once_and_audited_and_never_replaced(store: AsyncEngine) -> None:
    contract = await running_contract(store)
    changes, order = PostgresChanges(store), seats(contract, 12, DAY)
    assert await changes.order(order.change_id) is None
    for _ in range(2):
        await changes.record_order(order, "anna")
    assert await changes.order(order.change_id) == order
    with pytest.raises(Conflict):
        await changes.record_order(seats(contract, 13, DAY), "anna")
    assert await changes.order(order.change_id) == order
    async with store.connect() as connection:
        (entry,) = await connection.execute(select(audit).where(audit.c.event == "change.ordered"))
    assert (entry.actor, entry.key, entry.stream) == ("anna", order.change_id, contract.key)


async def test_a_new_version_becomes_the_present_contract_and_the_old_one_stays(
    store: AsyncEngine,
) -> None:
    contract = await running_contract(store)
    contracts = PostgresContracts(store)
    first = await contracts.schedule(contract.key)
    after = await second_version(store, contract, "amendment:x")
    assert await contracts.read(contract.key) == after
    assert await contracts.version(contract.key, 1) == contract
    assert await contracts.version(contract.key, 2) == after
    assert await contracts.version(contract.key, 3) is None
    assert [one.amount.amount for one in await contracts.schedule(contract.key)] == [
        Decimal("70.00"),
        Decimal("30.00"),
    ]
    assert first != await contracts.schedule(contract.key)
    assert await PostgresChanges(store).version_of("amendment:x") == 2
    assert await PostgresChanges(store).version_of("amendment:y") is None


async def test_a_version_that_is_told_again_changes_nothing(store: AsyncEngine) -> None:
    contract = await running_contract(store)
    after = await second_version(store, contract, "amendment:x")
    late = ContractVersionRecord(
        contract=contract,
        change_id="quote-to-cash:late",
        effective_from=DAY,
        accepted_on=DAY,
        kind="quote_to_cash",
    )
    await wrote(store, context_of(contract, "activation:late"), Effects(version=late))
    assert await PostgresContracts(store).read(contract.key) == after


async def test_a_deal_run_anew_after_its_undo_is_accepted_anew(store: AsyncEngine) -> None:
    contract = await running_contract(store, state=ContractState.NEVER_ACTIVATED)
    contracts = PostgresContracts(store)
    assert await contracts.version(contract.key, 1) == contract
    other = contract.model_copy(update={"po_number": "PO-NEW"})
    again = first_context(contract).model_copy(update={"generation": 2})
    await contracts.record_pending(again, other, "Ada")
    assert await contracts.version(contract.key, 1) is None
    assert await contracts.schedule(contract.key) == ()


async def test_what_is_completed_stays_so_and_what_was_held_ends_on_its_day(
    store: AsyncEngine,
) -> None:
    contract = await running_contract(store)
    contracts, changes = PostgresContracts(store), PostgresChanges(store)
    order = seats(contract, 12, DAY)
    await changes.record_order(order, "anna")
    assert await claimed(store, contract, order.change_id, ChangeKind.AMENDMENT)
    assert not await claimed(store, contract, order.change_id, ChangeKind.AMENDMENT)
    assert await contracts.change_result(order.change_id, 1) is None
    await changes.record_preview(order.change_id, '{"hold_until": "2026-04-01"}')
    context = context_of(contract, order.change_id)
    await contracts.record_outcome(context, ChangeOutcome.SCHEDULED, ContractState.ACTIVE, ())
    held = await contracts.change_result(order.change_id, 1)
    assert held is not None
    assert (held.outcome, held.due_at) == (
        ChangeOutcome.SCHEDULED,
        datetime(2026, 4, 1, tzinfo=UTC),
    )
    assert (held.renewal, held.term_no) == (contract.renewal, contract.term_no)
    await contracts.record_outcome(context, ChangeOutcome.COMPLETED, ContractState.ACTIVE, ())
    await contracts.record_outcome(context, ChangeOutcome.COMPENSATED, ContractState.ACTIVE, ())
    ended = await contracts.change_result(order.change_id, 1)
    assert ended is not None
    assert (ended.outcome, ended.due_at) == (ChangeOutcome.COMPLETED, None)
    assert await changes.stage_of(order.change_id, 1) == ("completed", "completed")
    assert await changes.stage_of("amendment:none", 1) == ("", None)


async def test_a_renewal_by_the_calendar_is_known_to_who_asks_for_it_afterwards(
    store: AsyncEngine,
) -> None:
    contract = await running_contract(store)
    change_id = f"renewal:{contract.key}:2027-01-01"
    await PostgresContracts(store).record_stage(context_of(contract, change_id), "assessed")
    assert not await claimed(store, contract, change_id, ChangeKind.RENEWAL)
    assert await Runs(store).undelivered(10) == []


async def test_every_kind_of_change_is_handed_over(store: AsyncEngine) -> None:
    contract = await running_contract(store)
    kinds = (ChangeKind.AMENDMENT, ChangeKind.RENEWAL, ChangeKind.CANCELLATION)
    for kind in kinds:
        long = f"{kind}:{contract.key}:" + "x" * 60
        assert await claimed(store, contract, long, kind)
    assert {request.kind for request, _ in await Runs(store).undelivered(10)} == set(kinds)


async def test_the_agreement_is_that_of_the_latest_change_and_bookings_are_oldest_first(
    store: AsyncEngine,
) -> None:
    contract = await running_contract(store)
    changes = PostgresChanges(store)
    assert await changes.agreement(contract.key) is None
    started = agreement("sub_1")
    context = first_context(contract)
    await wrote(store, context, Effects(), "billing.subscription", started.model_dump_json())
    assert await changes.agreement(contract.key) == started
    changed = ChangedAgreement(
        agreement=Agreement(ref=started.ref, status=AgreementStatus.ACTIVE, items={"L-1": "si_2"})
    )
    order = cancellation(contract, DAY)
    await wrote(
        store,
        context_of(contract, order.change_id),
        Effects(),
        "billing.change",
        changed.model_dump_json(),
    )
    assert await changes.agreement(contract.key) == changed.agreement
    assert await changes.booking_keys(contract.key) == ()


async def test_a_notice_is_proven_only_when_every_subscriber_of_its_kind_confirmed(
    store: AsyncEngine,
) -> None:
    contract = await running_contract(store)
    event = BusinessEvent(
        id="evt_N",
        type=EventType.RENEWAL_DUE,
        subject=contract.key,
        time=datetime(2026, 3, 1, tzinfo=UTC),
        data={},
    )
    await wrote(store, context_of(contract, "renewal-notice:x"), Effects(events=(event,)))
    for name in ("letters", "mails"):
        await Outbox(store).route(name, ("renewal.*",))
    changes = PostgresChanges(store, {"communications": ("letters", "mails")})
    confirmed = update(deliveries).values(
        state="delivered", delivered_at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    async with store.begin() as connection:
        await connection.execute(confirmed.where(deliveries.c.subscriber == "letters"))
    assert not await changes.was_told("evt_N", "communications")
    async with store.begin() as connection:
        await connection.execute(confirmed)
    assert await changes.was_told("evt_N", "communications")
    assert not await changes.was_told("evt_other", "communications")
    assert not await PostgresChanges(store).was_told("evt_N", "communications")


async def test_a_contract_has_one_state_and_an_unknown_one_has_none(store: AsyncEngine) -> None:
    contract = await running_contract(store)
    contracts = PostgresContracts(store)
    assert await contracts.state(contract.key) is ContractState.ACTIVE
    assert await contracts.state("C-NNNNNNNNNNNNN") is None
    assert contract.start_date <= TODAY
    async with store.connect() as connection:
        (first,) = (await connection.execute(select(runs.c.business_key))).scalars()
    assert await PostgresChanges(store).version_of(first) == 1


async def test_contracts_of_a_group_are_joined_once_and_found_by_it(store: AsyncEngine) -> None:
    contract = await running_contract(store)
    for _ in range(2):
        await PostgresChanges(store).join_group((contract.key, "C-BBBBBBBBBBBBB"), "G-1")
    refs = [ref for ref in await Reading(store).refs(contract.key) if ref.kind == "contract_group"]
    assert [(ref.system, ref.native_id) for ref in refs] == [("hub", "G-1")]


async def test_an_order_that_came_to_nothing_is_replaced_and_both_are_audited(
    store: AsyncEngine,
) -> None:
    contract = await running_contract(store)
    changes, order = PostgresChanges(store), seats(contract, 12, DAY)
    other = seats(contract, 13, DAY)
    request = ChangeRequest(
        change_id=order.change_id,
        kind=ChangeKind.AMENDMENT,
        org=contract.org,
        deal_id=contract.deal_id,
        requested_by="anna",
    )
    again = request.model_copy(update={"generation": 2, "requested_by": "otto"})
    assert await changes.place(order, request, contract.key)
    await changes.record_preview(order.change_id, '{"stopping": []}')
    with pytest.raises(Conflict):
        await changes.place(other, request, contract.key)
    assert await changes.order(order.change_id) == order
    assert await changes.place(other, again, contract.key)
    assert not await changes.place(other, again, contract.key)
    assert await changes.order(order.change_id) == other
    async with store.connect() as connection:
        kept = (await connection.execute(select(change_orders))).one()
        told = await connection.execute(
            select(audit.c.event, audit.c.actor)
            .where(audit.c.key == order.change_id)
            .order_by(audit.c.stream, audit.c.seq)
        )
        assert [tuple(row) for row in told] == [
            ("change.ordered", "anna"),
            ("change.ordered_anew", "otto"),
        ]
    assert (kept.requested_by, kept.preview) == ("otto", None)
