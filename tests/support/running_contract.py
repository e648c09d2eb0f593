"""The first worked deal as a contract that runs, in the store alone."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.planning import first_plan
from dealthread.config import load_config
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.contracting import build_contract
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest, SagaContext
from dealthread.hub import ContractVersionRecord, Effects, WriteSpec
from dealthread.naming import contract_key, idempotency_key, quote_to_cash_id
from dealthread.store.contracts import PostgresContracts
from dealthread.store.journal import PostgresJournal
from dealthread.store.runs import Runs
from tests.support.deal_builder import CONFIG_DIR, D1_TODAY, d1

TODAY = date(2026, 3, 1)


def worked_contract(org: str = "", deal_id: str = "") -> Contract:
    """As the assessment builds it."""
    deal = d1()
    deal = deal.model_copy(update={"org": org or deal.org, "deal_id": deal_id or deal.deal_id})
    key = contract_key(deal.org, deal.deal_id)
    return build_contract(deal, load_config(CONFIG_DIR), D1_TODAY, key)


def first_context(contract: Contract) -> SagaContext:
    """Of its quote-to-cash."""
    return SagaContext(
        business_key=quote_to_cash_id(contract.org, contract.deal_id),
        generation=1,
        contract_key=contract_key(contract.org, contract.deal_id),
        org=contract.org,
        deal_id=contract.deal_id,
    )


async def running_contract(
    engine: AsyncEngine,
    contract: Contract | None = None,
    state: ContractState = ContractState.ACTIVE,
) -> Contract:
    """Recorded as the sagas record it: pending, then accepted as version 1 in a state."""
    made = contract or worked_contract()
    context = first_context(made)
    request = ChangeRequest(
        change_id=context.business_key,
        kind=ChangeKind.QUOTE_TO_CASH,
        org=made.org,
        deal_id=made.deal_id,
        requested_by="anna",
    )
    runs = Runs(engine)
    await runs.claim(request, made.key)
    await runs.delivered(request)
    await PostgresContracts(engine).record_pending(context, made, "Ada")
    journal = PostgresJournal(engine)
    spec = WriteSpec(
        key=idempotency_key(context.business_key, 1, "crm", "do"),
        step="crm.write_back",
        system="crm",
        account=made.org,
        context=context,
        request_hash="r1",
    )
    undone = state is ContractState.NEVER_ACTIVATED
    record = ContractVersionRecord(
        contract=made,
        change_id=context.business_key,
        effective_from=made.start_date,
        accepted_on=made.start_date,
        kind=ChangeKind.QUOTE_TO_CASH,
        schedule=first_plan(made, load_config(CONFIG_DIR)),
    )
    await journal.open(spec)
    await journal.done(
        spec,
        "{}",
        "created",
        Effects(
            version=record,
            contract_state=state,
            outcome=ChangeOutcome.COMPENSATED if undone else ChangeOutcome.COMPLETED,
        ),
    )
    return made


async def next_version(engine: AsyncEngine, record: ContractVersionRecord) -> None:
    """A change recorded as the sagas record it."""
    context = first_context(record.contract).model_copy(update={"business_key": record.change_id})
    spec = WriteSpec(
        key=idempotency_key(record.change_id, 1, "crm", "do"),
        step="crm.record_change",
        system="crm",
        account=record.contract.org,
        context=context,
        request_hash="r1",
    )
    journal = PostgresJournal(engine)
    await journal.open(spec)
    await journal.done(spec, "{}", "created", Effects(version=record))
