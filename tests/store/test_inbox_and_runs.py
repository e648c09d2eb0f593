"""EV-02, PF-02: a message is one row for ever, a deal one run of a generation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.bridge.hints import first_request, read_hint
from dealthread.config import load_config
from dealthread.domain.contract import ContractState
from dealthread.domain.contracting import build_contract
from dealthread.domain.corrections import Corrections
from dealthread.domain.transaction import (
    ChangeKind,
    ChangeOutcome,
    ChangeRequest,
    SagaContext,
)
from dealthread.errors import BadInput
from dealthread.naming import contract_key, quote_to_cash_id
from dealthread.store.contracts import PostgresContracts
from dealthread.store.inbox import Inbox, InboxMessage, InboxRow, InboxState
from dealthread.store.inbox_writer import InboxWriter
from dealthread.store.runs import Runs
from tests.support.deal_builder import CONFIG_DIR, D1_TODAY, d1

pytestmark = pytest.mark.postgres
ORG, DEAL = "00D000000000001EAA", "0065g00000AbCdEAAV"
KEY = quote_to_cash_id(ORG, DEAL)


@pytest.fixture
async def writer(shared_url: str, store: AsyncEngine) -> AsyncIterator[InboxWriter]:
    async with AsyncConnectionPool(shared_url, min_size=1, max_size=10, open=False) as pool:
        yield InboxWriter(pool)


@pytest.fixture
def inbox(store: AsyncEngine) -> Inbox:
    return Inbox(store)


def message(
    number: int = 1, state: InboxState = InboxState.NEW, account: str = ORG
) -> InboxMessage:
    return InboxMessage("salesforce", account, f"msg_{number}", "application/json", b"{}", state)


def request(generation: int = 1) -> ChangeRequest:
    return ChangeRequest(
        change_id=KEY,
        kind=ChangeKind.QUOTE_TO_CASH,
        generation=generation,
        org=ORG,
        deal_id=DEAL,
        requested_by="webhook:test",
    )


async def test_a_message_is_new_once_for_each_source_and_account(writer: InboxWriter) -> None:
    assert await writer.store([message(1), message(2)]) == [True, True]
    assert await writer.store([message(2), message(3)]) == [False, True]
    assert await writer.store([message(1, account="other"), message(1)]) == [True, False]
    assert await writer.store([message(9), message(9)]) == [True, False]


async def test_overlapping_batches_at_once_do_not_block_each_other(writer: InboxWriter) -> None:
    """In whatever order their messages stand."""
    batches = [[message(n) for n in range(20)], [message(n) for n in reversed(range(20))]] * 4
    answers = await asyncio.gather(*(writer.store(batch) for batch in batches))
    assert sum(sum(one) for one in answers) == 20


async def test_a_batch_is_stored_whole_or_not_at_all(writer: InboxWriter, inbox: Inbox) -> None:
    bad = InboxMessage("salesforce", ORG, "m\0", "application/json", b"{}")
    with pytest.raises(Exception, match="NUL"):
        await writer.store([message(1), bad])
    assert await inbox.counts() == {}


async def test_a_message_is_handed_to_one_worker_oldest_first(
    writer: InboxWriter, inbox: Inbox
) -> None:
    for number in range(30):
        await writer.store([message(number)])
    first = await inbox.due(3)
    assert [row.message_id for row in first] == ["msg_0", "msg_1", "msg_2"]
    rest = await asyncio.gather(*(inbox.due(10) for _ in range(3)))
    ids = [row.id for some in [first, *rest] for row in some]
    assert len(ids) == len(set(ids))


async def test_a_claim_of_a_dead_worker_lapses_and_a_finished_message_stays_finished(
    writer: InboxWriter, inbox: Inbox, store: AsyncEngine
) -> None:
    await writer.store([message(1), message(2, InboxState.HELD), message(3, InboxState.REFUSED)])
    (row,) = await inbox.due(10)
    assert await inbox.due(10) == []
    async with store.begin() as connection:
        await connection.execute(text("UPDATE inbox SET next_attempt_at = now()"))
    ((again),) = await inbox.due(10)
    assert (again.id, again.attempts) == (row.id, 1)
    await inbox.finish(row.id, InboxState.HANDLED, "accepted", KEY)
    assert await inbox.due(10) == []
    assert await inbox.counts() == {"handled": 1, "held": 1, "refused": 1}


def row(body: bytes, account: str = ORG) -> InboxRow:
    return InboxRow(1, "salesforce", account, "msg_1", body, 1)


def test_a_won_opportunity_asks_for_its_quote_to_cash() -> None:
    body = json.dumps({"object": "Opportunity", "recordId": DEAL[:15], "trigger": "won"}).encode()
    hint = read_hint(row(body, ORG[:15]))
    assert hint is not None
    asked = first_request(hint)
    assert (asked.change_id, asked.generation) == (KEY, 1)
    assert asked.requested_by == f"webhook:{ORG}"


@pytest.mark.parametrize(
    "hint",
    [
        {"object": "Account", "recordId": DEAL, "trigger": "won"},
        {"object": "Opportunity", "recordId": DEAL, "trigger": "lost"},
        {"recordId": DEAL},
    ],
)
def test_other_news_triggers_nothing(hint: dict[str, str]) -> None:
    assert read_hint(row(json.dumps(hint).encode())) is None


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"7", b"{}", b'{"recordId":7}', b'{"recordId":"x"}']
)
def test_an_unreadable_message_names_its_field(body: bytes) -> None:
    with pytest.raises(BadInput, match="unreadable"):
        read_hint(row(body))


async def test_a_run_is_claimed_once_and_offered_until_temporal_has_it(store: AsyncEngine) -> None:
    runs = Runs(store)
    claims = await asyncio.gather(*(runs.claim(request(), "C-1") for _ in range(10)))
    assert sorted(claims) == [(False, False)] * 9 + [(True, False)]
    assert await runs.undelivered(10) == [(request(), "C-1")]
    await runs.delivered(request())
    assert await runs.undelivered(10) == []
    assert await runs.claim(request(), "C-1") == (False, True)


async def test_a_run_that_ended_is_not_started_again_although_its_start_was_not_noted(
    store: AsyncEngine,
) -> None:
    """The relay died between the start and its note: the outcome says that Temporal had it."""
    runs = Runs(store)
    await runs.claim(request(), "C-1")
    context = SagaContext(business_key=KEY, generation=1, contract_key="C-1", org=ORG, deal_id=DEAL)
    await PostgresContracts(store).record_stage(context, "assessed")
    assert len(await runs.undelivered(10)) == 1
    ended = (ChangeOutcome.COMPENSATED, ContractState.NEVER_ACTIVATED)
    await PostgresContracts(store).record_outcome(context, *ended, ())
    assert await runs.undelivered(10) == []


async def test_a_stage_that_comes_late_does_not_hide_how_the_run_ended(
    store: AsyncEngine,
) -> None:
    """An attempt that Temporal has given up on may still be at work, and a person has decided."""
    runs, contracts = Runs(store), PostgresContracts(store)
    await runs.claim(request(), "C-1")
    context = SagaContext(business_key=KEY, generation=1, contract_key="C-1", org=ORG, deal_id=DEAL)
    ended = (ChangeOutcome.COMPENSATED, ContractState.NEVER_ACTIVATED)
    await contracts.record_outcome(context, *ended, ())
    await contracts.record_stage(context, "assessed")
    contract = build_contract(d1(), load_config(CONFIG_DIR), D1_TODAY, "C-1", Corrections())
    await contracts.record_pending(context, contract, "Harborline")
    async with store.connect() as connection:
        stage = (await connection.execute(text("SELECT stage FROM runs"))).scalar_one()
        known = (await connection.execute(text("SELECT state FROM contracts"))).all()
    assert (stage, known) == ("compensated", [])


async def test_a_generation_follows_only_a_run_that_ended_undone(store: AsyncEngine) -> None:
    runs = Runs(store)
    assert await runs.latest_generation(KEY) == (0, None)
    assert await runs.next_generation(KEY) == 1
    await runs.claim(request(), contract_key(ORG, DEAL))
    for outcome, allowed in (
        (None, False),
        ("completed", False),
        ("scheduled", False),
        ("compensated", True),
        ("cancelled", True),
    ):
        async with store.begin() as connection:
            await connection.execute(text("UPDATE runs SET outcome = :one"), {"one": outcome})
        if allowed:
            assert await runs.next_generation(KEY) == 2
        else:
            with pytest.raises(BadInput, match="not_ended_undone") as caught:
                await runs.next_generation(KEY)
            assert (outcome or "still running") in caught.value.action
    assert await runs.claim(request(2), contract_key(ORG, DEAL)) == (True, False)


async def test_an_error_of_the_store_does_not_tell_what_was_to_be_written(
    store: AsyncEngine,
) -> None:
    """Errors are logged and shown; who is meant by them is not."""
    asked = request().model_copy(update={"requested_by": "ada@example.com " * 20})
    with pytest.raises(DBAPIError) as refused:
        await Runs(store).claim(asked, "C-1")
    assert "ada@example.com" not in str(refused.value)
