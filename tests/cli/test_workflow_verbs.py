"""The `workflow` verbs against a Temporal server and real sagas over systems in memory.

Rows PF-23 (a person stops or mends a run), OB-02 (a run explains itself), SC-01 (clear text only
where asked for).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import CancelledError, TerminatedError
from temporalio.worker import Replayer

from dealthread.bridge.relay import Relay
from dealthread.cli import replaying
from dealthread.domain.deal import Deal
from dealthread.naming import contract_key, quote_to_cash_id
from dealthread.settings import Settings
from dealthread.stack.info import StackInfo
from dealthread.store.inbox import Inbox
from dealthread.store.outbox import Outbox
from dealthread.temporal import data_converter
from tests.cli.conftest import Run, Said
from tests.cli.impostor import Impostor
from tests.fakes.world import Fault
from tests.plugins.temporal_servers import TEST_KEY
from tests.support.deal_builder import D1_TODAY, d1
from tests.support.saga_lab import Lab, fresh, lab
from workers.registry import WORKFLOWS
from workers.sandboxed import sandbox

pytestmark = [
    pytest.mark.temporal,
    pytest.mark.postgres,
    # These tests stop workers under sagas that wait for a person after the pivot. The SDK drops
    # such a run's coroutines unfinished, and Python tells of what their `finally` could not do.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STARTED = D1_TODAY.replace(year=2026, month=1, day=1)
"""The start date of the deal: its billing agreement is the pivot then."""
Say = Callable[..., Awaitable[Said]]


@pytest.fixture
def say(run: Run, stack: StackInfo, dev_server: Client, monkeypatch: pytest.MonkeyPatch) -> Say:
    """The command line beside the running sagas: its own thread, its own event loop."""
    assert stack
    keys = {name: base64.b64encode(key).decode() for name, key in TEST_KEY.items()}
    monkeypatch.setenv("DEALTHREAD_CODEC_KEYS", json.dumps(keys))
    monkeypatch.setenv("DEALTHREAD_TEMPORAL_ADDRESS", dev_server.service_client.config.target_host)

    async def spoken(*words: str) -> Said:
        return await asyncio.to_thread(run, *words)

    return spoken


def unmapped() -> Deal:
    """A deal that stops before anything is written."""
    deal = d1()
    line = deal.lines[0].model_copy(update={"product_code": "SEAT-EDU"})
    return fresh(deal.model_copy(update={"lines": (line, *deal.lines[1:])}))


async def deliver(it: Lab) -> None:
    """What the relay does with decisions."""
    relay = Relay(
        Settings.model_validate({"database_url": "x", "codec_keys": "{}"}),
        it.client,
        Inbox(it.engine),
        it.runs,
        it.cases,
        Outbox(it.engine),
        None,  # type: ignore[arg-type]
        it.contracts,
    )
    await relay.deliver_decisions()


async def uncertain(it: Lab) -> None:
    """Wait until one write's answer is lost."""
    deadline = asyncio.get_running_loop().time() + 30
    while not await it.reading.uncertain():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def test_a_stuck_deal_is_corrected_by_hand_and_traced(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """Scene 2 of the main job: unmapped product, one correction, done; any id tells all of it."""
    async with lab(dev_server, engine, D1_TODAY) as it:
        deal = unmapped()
        handle = await it.start(deal)
        case = await it.case(deal)
        assert case.case_id in (await say("show", deal.deal_id)).out
        words = ("--set", "product_map.SEAT-EDU=SEAT-STD", "--reason", "sold as standard")
        assert (await say("cases", "retry-with", case.case_id, *words)).code == 0
        await deliver(it)
        await handle.result()
        key = contract_key(deal.org, deal.deal_id)
        for any_id in (deal.deal_id, key, f"sub_{key}_1", f"ent-{key}", handle.id):
            shown = await say("show", any_id)
            assert f"sub_{key}_1" in shown.out
            assert "set up everywhere, starts on its start date" in shown.out
        told = (await say("trace", f"sub_{key}_1")).out
        places = [
            told.index(word)
            for word in (
                "Harborline Logistics LLC",
                "15,000.00 USD",
                "US01",
                "2026-01-01 to before 2027-01-01",
                deal.deal_id,
                f"sub_{key}_1",
                "sale-DT",
                f"ent-{key}",
            )
        ]
        assert min(places) >= 0
        assert "case decided" in told
        assert "demo-operator" in told


async def test_cancelling_before_the_pivot_undoes(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """By the contract's key: the change's run is cancelled, and it says that it may be."""
    async with lab(dev_server, engine, D1_TODAY) as it:
        deal = unmapped()
        handle = await it.start(deal)
        await it.case(deal)
        said = await say("workflow", "cancel", contract_key(deal.org, deal.deal_id))
        assert "The pivot is not crossed" in said.out
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        assert "there is nothing to cancel" in (await say("workflow", "cancel", handle.id)).error


async def test_cancelling_after_the_pivot_is_refused_and_names_the_case(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """It would have no effect, so it is not sent."""
    async with lab(dev_server, engine, STARTED) as it:
        it.world.plan("entitlement.grant", Fault.REJECTED, times=1, case_kind="entitlement.failed")
        deal = fresh(d1())
        await it.start(deal)
        case = await it.case(deal)
        told = (await say("trace", deal.deal_id)).out
        assert "entitlement in entitlement US01: planned_refusal" in told
        assert "none so far" in told[told.index("native id") : told.index("when (UTC)")]
        line = (await say("workflow", "cancel", deal.deal_id)).error
        assert "is crossed: a cancellation has no effect and was not sent" in line
        assert f"`dealthread cases show {case.case_id}`" in line


async def test_a_contract_is_not_a_workflow_to_cancel(say: Say) -> None:
    """The refusal names what to do instead, and needs no server for it."""
    line = (await say("workflow", "cancel", "contract:C-ABCDEFGHIJKLM")).error
    assert "`dealthread workflow cancel C-ABCDEFGHIJKLM`" in line


async def test_terminating_lists_what_is_left_behind(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """Nothing is undone: open writes and standing ones are listed, each with its key."""
    async with lab(dev_server, engine, STARTED) as it:
        it.world.plan("billing.start_agreement", Fault.LOST)
        it.world.plan("billing.find_agreement", Fault.REFUSED, times=0)
        deal = fresh(d1())
        handle = await it.start(deal)
        await uncertain(it)
        assert (await say("workflow", "terminate", deal.deal_id)).code == 2
        unsure = await say("workflow", "terminate", deal.deal_id, "--reason", "beyond repair")
        assert (unsure.code, "Terminate quote-to-cash:" in unsure.out) == (1, True)
        said = await say(
            "workflow", "terminate", deal.deal_id, "--reason", "beyond repair", "--yes"
        )
        left, standing = said.out.split("Done, and standing")
        assert f"terminated {handle.id}" in left
        assert f"{handle.id}#1/subscription/do" in left
        assert "15,000.00 USD" in left
        assert f"{handle.id}#1/booking/do" in standing
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, TerminatedError)


async def test_history_tells_in_clear_and_exports_what_replays(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """A person reads summaries; inputs only when asked for; the export needs no key any more."""
    async with lab(dev_server, engine, D1_TODAY) as it:
        deal = fresh(d1())
        handle = await it.start(deal)
        await handle.result()
        told = (await say("workflow", "history", deal.deal_id)).out
        assert "Read the deal back from the CRM · crm.read_deal" in told
        assert "workflow execution completed" in told
        assert "Harborline" not in told
        full = (await say("workflow", "history", deal.deal_id, "--payloads")).out
        assert "Harborline" in full
        exported = (await say("workflow", "history", deal.deal_id, "--json")).out
        assert "binary/encrypted" not in decoded_encodings(exported)
        history = WorkflowHistory.from_json(handle.id, exported)
        result = await Replayer(
            workflows=WORKFLOWS,
            workflow_runner=sandbox(),
            data_converter=data_converter(None),  # type: ignore[arg-type]
        ).replay_workflow(history)
        assert result.replay_failure is None


def decoded_encodings(exported: str) -> set[str]:
    """Every payload encoding in an exported history."""
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            encoding = node.get("encoding")
            if isinstance(encoding, str):
                found.add(base64.b64decode(encoding).decode())
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads(exported))
    assert found
    return found


async def test_a_failure_in_the_history_is_told_in_clear(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """Failures are encoded in Temporal; the reader sees kind and message."""
    async with lab(dev_server, engine, STARTED) as it:
        it.world.plan("entitlement.grant", Fault.REJECTED, times=1, case_kind="entitlement.failed")
        deal = fresh(d1())
        await it.start(deal)
        await it.case(deal)
        told = (await say("workflow", "history", deal.deal_id)).out
        assert "rejected" in told
        assert "Encoded failure" not in told


async def test_a_run_replays_on_the_present_code(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """Also one that is still open."""
    async with lab(dev_server, engine, D1_TODAY) as it:
        deal = unmapped()
        await it.start(deal)
        await it.case(deal)
        said = await say("workflow", "replay", deal.deal_id)
        assert (said.code, "replays on the present code" in said.out) == (0, True), said


async def test_a_history_that_other_code_wrote_does_not_replay(
    say: Say, dev_server: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 and one line, when the code has changed since."""
    async with lab(dev_server, engine, D1_TODAY) as it:
        deal = fresh(d1())
        handle = await it.start(deal)
        await handle.result()
    # In this code, the type that wrote the history is another workflow.
    monkeypatch.setattr(replaying, "WORKFLOWS", (Impostor,))
    line = (await say("workflow", "replay", deal.deal_id)).error
    assert "does not replay on the present code" in line
    assert "Nondeterminism error" in line
    assert "Failure {" not in line


async def test_a_missing_key_says_nothing_about_the_code(
    say: Say, dev_server: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither verb can read the payloads, and both name the variable (SC-01)."""
    async with lab(dev_server, engine, D1_TODAY) as it:
        deal = fresh(d1())
        handle = await it.start(deal)
        await handle.result()
    other = json.dumps({"other/1": base64.b64encode(b"o" * 32).decode()})
    monkeypatch.setenv("DEALTHREAD_CODEC_KEYS", other)
    for verb in ("history", "replay"):
        assert "DEALTHREAD_CODEC_KEYS" in (await say("workflow", verb, deal.deal_id)).error


async def test_a_signal_goes_to_the_run_and_wrong_json_is_usage(
    say: Say, dev_server: Client, engine: AsyncEngine
) -> None:
    """The signal stands in the run's history with its payload."""
    async with lab(dev_server, engine, D1_TODAY) as it:
        deal = unmapped()
        handle = await it.start(deal)
        await it.case(deal)
        words = ("workflow", "signal", deal.deal_id, "payment_received", "--payload")
        assert (await say(*words, "{")).code == 2
        assert (await say(*words, '{"amount": "1.00"}')).code == 0
        told = (await say("workflow", "history", handle.id, "--payloads")).out
        assert "payment_received" in told
        assert '{"amount":"1.00"}' in told.replace('": "', '":"')


async def test_what_temporal_does_not_know_is_one_line(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown id is taken literally, and then not found; a dead server is named."""
    key = quote_to_cash_id("00Dx", "006x")
    for verb in ("history", "replay", "cancel"):
        assert "Temporal has no such run" in (await say("workflow", verb, key)).error
    said = await say("workflow", "history", "in_unknown")
    assert "taking in_unknown for a workflow id" in said.err
    monkeypatch.setenv("DEALTHREAD_TEMPORAL_ADDRESS", "127.0.0.1:9")
    assert (
        "Temporal does not answer at 127.0.0.1:9" in (await say("workflow", "history", key)).error
    )
