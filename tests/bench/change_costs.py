"""What changes of a contract cost: billable actions, history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from dealthread.domain.transaction import ChangeKind
from tests.bench import server_metrics
from tests.bench.actions import billable
from tests.bench.changing import Changing, PastRun
from tests.bench.costs import each
from tests.bench.report import Report

AIMS = {ChangeKind.AMENDMENT: "11", ChangeKind.RENEWAL_NOTICE: "", ChangeKind.RENEWAL: "12"}
"""In the order in which they come in a contract's life."""
_MEANING = {
    "signal": "message (signal-with-start)",
    "child (command and run)": "child (command and its run)",
    "continue-as-new": "rest: continue-as-new",
    "timer": "rest: timer of the next due date",
}
MARKS = (1, 2, 10, 25, 50, 75, 100)
"""Changes after which the history of a contract is told."""


async def measure(changing: Changing, keys: Sequence[str], report: Report) -> int:
    """One amendment, notice and renewal of each contract. Answers an amendment's activities."""
    metrics = changing.run.house.stack.urls.temporal_metrics
    namespace = changing.run.house.stack.namespace
    found: dict[ChangeKind, Counter[str]] = {}
    told: dict[ChangeKind, Counter[str]] = {}
    for kind in AIMS:
        before = await server_metrics.actions(metrics, namespace)
        done = len((await changing.change(kind, keys, 1)).latencies)
        if done != len(keys):
            raise RuntimeError("the machine is too slow for this: not all contracts were changed")
        told[kind] = await server_metrics.actions(metrics, namespace) - before
        found[kind] = Counter()
        for key in keys:
            changed, _ = await changing.life(key, 2)
            saga = await changing.past(changing.asked[key][-1])
            found[kind] += _by_meaning(changed.events, saga.events)
    _tell(report, len(keys), found, told)
    await _tell_year(report, changing, keys)
    activities = sum(n for name, n in found[ChangeKind.AMENDMENT].items() if "activity" in name)
    return activities // len(keys)


def _by_meaning(contract: Sequence[HistoryEvent], saga: Sequence[HistoryEvent]) -> Counter[str]:
    counted = billable(contract) + billable(saga)
    found = Counter({_MEANING.get(name, name): n for name, n in counted.items()})
    names = {
        event.event_id: event.activity_task_scheduled_event_attributes.activity_type.name
        for event in saga
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }
    del found["activity"]
    for event in saga:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            found[f"activity {names[started.scheduled_event_id]}"] += started.attempt
    return found


def _tell(
    report: Report,
    how_many: int,
    found: dict[ChangeKind, Counter[str]],
    told: dict[ChangeKind, Counter[str]],
) -> None:
    report.section(
        "Billable actions of changes",
        f"Means of {how_many} contracts, one change after the other: the contract's message, its "
        "child, the child's activities with their retries, and the rest that follows. A notice "
        "is announced by the calendar, without the message that asks for it here: one action "
        "less.",
    )
    report.table(
        ("from history", *(str(kind).replace("_", " ") for kind in AIMS)), _rows(how_many, found)
    )
    report.table(
        ("from the server's `action` metric", *(str(kind).replace("_", " ") for kind in AIMS)),
        _rows(how_many, told)[:-1],
    )


def _rows(how_many: int, counted: dict[ChangeKind, Counter[str]]) -> list[tuple[str, ...]]:
    names = list(dict.fromkeys(name for one in counted.values() for name in sorted(one)))
    rows = [
        (
            name,
            *(each(counted[kind][name], how_many) if counted[kind][name] else "" for kind in AIMS),
        )
        for name in names
    ]
    totals = (f"**{each(counted[kind].total(), how_many)}**" for kind in AIMS)
    return [*rows, ("**all**", *totals), ("aim", *AIMS.values())]


async def _tell_year(report: Report, changing: Changing, keys: Sequence[str]) -> None:
    names = ("quote-to-cash", "amendment", "renewal notice", "renewal")
    sizes: dict[str, list[tuple[int, int, int, int]]] = {name: [] for name in names}
    resting: list[PastRun] = []
    for key in keys:
        *runs, rest = await changing.life(key)
        resting.append(rest)
        started = runs[0].events
        sagas = [_child_of(started), *changing.asked[key]]
        for name, run, saga_id in zip(names, runs, sagas, strict=True):
            saga = await changing.past(saga_id)
            sizes[name].append((len(run.events), run.bytes, len(saga.events), saga.bytes))
    report.section(
        "History of a contract-year",
        f"Means of {len(keys)} contracts: sold, amended once, announced, renewed, at rest. A run "
        "of the contract begins with the rest before its change. Aim at rest: at most 10 events "
        "and 4 kB.",
    )
    rows = []
    for name in names:
        means = [sum(row[at] for row in sizes[name]) / len(keys) for at in range(4)]
        rows.append((name, *(f"{mean:,.0f}" for mean in means), f"{means[1] + means[3]:,.0f}"))
    rest_events = sum(len(run.events) for run in resting) / len(keys)
    rest_bytes = sum(run.bytes for run in resting) / len(keys)
    rows.append(
        ("at rest", f"{rest_events:,.0f}", f"{rest_bytes:,.0f}", "", "", f"{rest_bytes:,.0f}")
    )
    year = rest_bytes + sum(row[1] + row[3] for rows_ in sizes.values() for row in rows_) / len(
        keys
    )
    rows.append(("**contract-year**", "", "", "", "", f"**{year:,.0f}**"))
    report.table(
        ("", "events, contract", "bytes, contract", "events, saga", "bytes, saga", "bytes in all"),
        rows,
    )


def _child_of(events: Sequence[HistoryEvent]) -> str:
    return next(
        event.start_child_workflow_execution_initiated_event_attributes.workflow_id
        for event in events
        if event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
    )


async def growth(changing: Changing, key: str, how_many: int, report: Report) -> None:
    """The history of one contract that is changed again and again."""
    for _ in range(how_many):
        await changing.change(ChangeKind.AMENDMENT, [key], 1)
    runs = await changing.life(key)
    # The first run is the sale's; a run of a change begins with the rest before it.
    rests = [_at_rest(run) for run in runs[2:]]
    sagas = [await changing.past(change_id) for change_id in changing.asked[key]]
    contract_bytes = sum(run.bytes for run in runs)
    report.section(
        "History of a contract with many changes",
        f"{how_many} amendments of one contract, one after the other: after each it rests in a "
        "run of its own. At rest: what stands in that run until the next change asks (bytes of "
        "its serialised events; of the last run also as the server counts them). Aim: at most 10 "
        "events and 4 kB.",
    )
    rows = []
    for mark in (*(one for one in MARKS if one < how_many), how_many):
        events, size = rests[mark - 1]
        whole, saga = runs[mark], sagas[mark - 1]
        sizes = (events, size, len(whole.events), whole.bytes, len(saga.events), saga.bytes)
        rows.append((str(mark), *(f"{number:,}" for number in sizes)))
    largest = max(events for events, _ in rests), max(size for _, size in rests)
    rows.append(("largest", f"{largest[0]}", f"{largest[1]:,}", "", "", "", ""))
    of = ("at rest", "of the run", "of the saga")
    names = (f"{unit} {what}" for what in of for unit in ("events", "bytes"))
    report.table(("after change", *names), rows)
    saga_bytes = sum(saga.bytes for saga in sagas)
    report.table(
        ("all of it", "figure"),
        [
            ("runs of the contract", f"{len(runs)}"),
            ("bytes of these runs", f"{contract_bytes:,}"),
            (f"bytes of its {how_many} amendments' sagas", f"{saga_bytes:,}"),
            (
                f"bytes of a contract-year with {how_many} changes",
                f"{contract_bytes + saga_bytes:,}",
            ),
            ("bytes at rest after the last change, by the server", f"{runs[-1].bytes:,}"),
        ],
    )


def _at_rest(run: PastRun) -> tuple[int, int]:
    """Events and bytes until the first timer is set: the contract rests from then on."""
    for at, event in enumerate(run.events, 1):
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            return at, sum(one.ByteSize() for one in run.events[:at])
    raise RuntimeError("a run of the contract never rested")
