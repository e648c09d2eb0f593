"""What one quote-to-cash costs: billable actions, history, vendor calls, payloads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.api.history.v1 import HistoryEvent

from dealthread.naming import contract_key, contract_workflow_id, quote_to_cash_id
from tests.bench import server_metrics
from tests.bench.actions import billable
from tests.bench.payloads import codec_cost
from tests.bench.report import Report
from tests.bench.runs import Batch, Runner


@dataclass
class Pile:
    """Events and bytes of one kind of workflow run, of several deals."""

    title: str
    events: list[HistoryEvent]
    actions: Counter[str]
    bytes: int = 0


async def measure(run: Runner, how_many: int, report: Report) -> int:
    """Run deals one after the other and count. Answers the activities of one run."""
    metrics = run.house.stack.urls.temporal_metrics
    namespace = run.house.stack.namespace
    # Asking for the calls is itself an action: it stays outside of the actions' window.
    calls_before = await run.vendor_calls()
    actions_before = await server_metrics.actions(metrics, namespace)
    batch, deals = await run.quote_to_cash(how_many, 1)
    told = await server_metrics.actions(metrics, namespace) - actions_before
    calls = await run.vendor_calls() - calls_before
    how_many = len(deals)

    piles = await _piles(run, deals)
    contract, child, resting = piles
    run_actions = contract.actions + child.actions
    activities = contract.actions["activity"] + child.actions["activity"]
    if activities % how_many:
        raise RuntimeError("the runs did not all take the same activities")
    _tell_actions(report, how_many, run_actions, resting.actions, told)
    _tell_history(report, how_many, piles)
    _tell_calls(report, how_many, calls)
    await _tell_codec(report, run, how_many, [*contract.events, *child.events], batch)
    return activities // how_many


async def _piles(run: Runner, deals: Sequence[str]) -> tuple[Pile, Pile, Pile]:
    contract, child, resting = (
        Pile(title, [], Counter())
        for title in ("ContractLifecycle, the run of the deal", "QuoteToCash", "contract at rest")
    )
    org = run.house.stack.salesforce_org_id
    for deal in deals:
        contract_id = contract_workflow_id(contract_key(org, deal))
        start = await _add(run, resting, contract_id, None)
        first = start.workflow_execution_started_event_attributes.first_execution_run_id
        await _add(run, contract, contract_id, first)
        await _add(run, child, quote_to_cash_id(org, deal), None)
    return contract, child, resting


async def _add(run: Runner, pile: Pile, workflow_id: str, run_id: str | None) -> HistoryEvent:
    """Put one run onto a pile; its first event."""
    handle = run.client.get_workflow_handle(workflow_id, run_id=run_id)
    events = [event async for event in handle.fetch_history_events()]
    pile.events += events
    pile.actions += billable(events)
    described = await handle.describe()
    pile.bytes += described.raw_description.workflow_execution_info.history_size_bytes
    return events[0]


def _tell_actions(
    report: Report,
    how_many: int,
    of_run: Counter[str],
    at_rest: Counter[str],
    told: Counter[str],
) -> None:
    report.section(
        "Billable actions of a quote-to-cash",
        "From the histories of contract and saga, by the published table; aim 10, at most 13. "
        "The contract's rest is apart: it comes once, whatever changes the contract.",
    )
    rows = [(kind, each(count, how_many)) for kind, count in sorted(of_run.items())]
    rows.append(("**quote-to-cash**", f"**{each(of_run.total(), how_many)}**"))
    rows += [(f"rest: {kind}", each(count, how_many)) for kind, count in sorted(at_rest.items())]
    rows.append(("with the rest", each(of_run.total() + at_rest.total(), how_many)))
    report.table(("from history", "actions"), rows)
    rows = [(kind, each(count, how_many)) for kind, count in sorted(told.items())]
    rows.append(("**with the rest**", f"**{each(told.total(), how_many)}**"))
    report.table(("from the server's `action` metric", "actions"), rows)


def _tell_history(report: Report, how_many: int, piles: Sequence[Pile]) -> None:
    report.section("History", "A contract at rest: aim at most 10 events and 4 kB.")
    rows = [
        (pile.title, each(len(pile.events), how_many), f"{pile.bytes / how_many:,.0f}")
        for pile in piles
    ]
    report.table(("of one deal", "events", "bytes"), rows)


def _tell_calls(report: Report, how_many: int, calls: Counter[str]) -> None:
    report.section(
        "Vendor calls of a quote-to-cash",
        "Counted in the adapters as requests leave. Aim for Salesforce: one read, one write.",
    )
    systems = Counter[str]()
    for name, count in calls.items():
        systems[name.split(" ")[0]] += count
    rows = []
    for system in sorted(systems):
        rows.append((f"**{system}**", f"**{each(systems[system], how_many)}**"))
        rows += [
            (name.partition(" ")[2], each(count, how_many))
            for name, count in sorted(calls.items())
            if name.split(" ")[0] == system
        ]
    report.table(("system, operation", "calls"), rows)


async def _tell_codec(
    report: Report, run: Runner, how_many: int, events: Sequence[HistoryEvent], batch: Batch
) -> None:
    cost = await codec_cost(run.settings.codec(), events)
    worker = batch.cpu_ms("worker")
    work = (cost.seal_ms + cost.open_ms) / how_many
    report.section(
        "Payload codec",
        "Every payload of the histories above, sealed once and opened once (compress, AES-GCM).",
    )
    report.table(
        ("of one deal", "figure"),
        [
            ("payloads", each(cost.payloads, how_many)),
            ("bytes in clear", f"{cost.clear_bytes / how_many:,.0f}"),
            ("bytes sealed", f"{cost.sealed_bytes / how_many:,.0f}"),
            ("sealed : clear", f"{cost.sealed_bytes / cost.clear_bytes:.2f}"),
            ("CPU-ms of the codec", f"{work:.2f}"),
            ("CPU-ms of the worker in these runs", f"{worker:.1f}"),
        ],
    )


def each(count: float, how_many: int) -> str:
    """For one deal; whole numbers without decimals."""
    return f"{count / how_many:.2f}".removesuffix("0").removesuffix("0").removesuffix(".") or "0"
