"""What a paid invoice costs, and how many a second go from the biller to the ledger.

The bills are of deals that the bench has sold: finalised and paid at the simulated biller, told as
the relay tells them. The ledger is a fake behind the port.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import httpx
import stripe
from stripe import WebhookSignature

from dealthread.bridge.relay import Relay
from dealthread.bridge.starting import start_invoice
from dealthread.naming import invoice_id
from dealthread.sandbox.stripe_catalogue import billing_clients, every
from dealthread.store.cases import PostgresCases
from dealthread.store.contracts import PostgresContracts
from dealthread.store.inbox import Inbox
from dealthread.store.outbox import Outbox
from dealthread.store.runs import Runs
from tests.bench import server_metrics, speed
from tests.bench.actions import billable
from tests.bench.costs import each
from tests.bench.report import Report
from tests.bench.runs import Batch, Job, Runner
from tests.bench.sizes import LIMIT_SECONDS, Sizes

ACCOUNT = "acct_alder_us"
ACTIVITIES = 4
"""Of a paid invoice: read, post, apply, show."""
AIM = 5


@dataclass
class Rounds(speed.Rounds):
    """Beside the bare workflow alone: an invoice has no contract above it."""

    def rows(self) -> list[tuple[str, list[Batch]]]:
        return [
            (f"{self.title}, {self.concurrency} at once", self.product),
            (f"bare workflow, {self.concurrency} at once", self.bare),
        ]


async def measure(run: Runner, sizes: Sizes, report: Report) -> None:
    """Actions of one, then the speed of many."""
    wanted = sizes.invoices
    await run.quote_to_cash(wanted, 10, enough=LIMIT_SECONDS)
    with billing_clients(run.house.stack) as clients:
        client = clients[ACCOUNT]
        drafts = [str(row["id"]) for row in every(client.v1.invoices.list({"status": "draft"}))]
        bills = iter(drafts)
        if len(drafts) < wanted:
            raise RuntimeError("the machine is too slow for this: not all deals were sold")
        warm = _paid(client, islice(bills, sizes.warm_up))
        await run.batch([_invoice(run, one) for one in warm], 4)
        await run.bare(sizes.warm_up, 4, ACTIVITIES)
        await _costs(run, client, bills, sizes, report)
        await _speed(run, client, bills, sizes, report)


def _paid(client: stripe.StripeClient, drafts: Any) -> list[str]:
    """Finalised, and paid outside of the biller."""
    found = []
    for native_id in drafts:
        client.v1.invoices.finalize_invoice(native_id)
        client.v1.invoices.pay(native_id, {"paid_out_of_band": True})
        found.append(native_id)
    return found


def _invoice(run: Runner, native_id: str) -> Job:
    async def job() -> None:
        await start_invoice(run.client, run.settings, ACCOUNT, native_id)
        ended = await run.client.get_workflow_handle(invoice_id(ACCOUNT, native_id)).result()
        if ended != "paid":
            raise RuntimeError(f"{native_id} ended as {ended}")

    return job


# ------------------------------------------------------------ billable actions


async def _costs(
    run: Runner, client: stripe.StripeClient, bills: Any, sizes: Sizes, report: Report
) -> None:
    count = sizes.cost_runs
    ways: dict[str, tuple[Counter[str], Counter[str]]] = {}

    async def counted(way: str, native_ids: Sequence[str], act: Any) -> None:
        metrics, namespace = run.house.stack.urls.temporal_metrics, run.house.stack.namespace
        before = await server_metrics.actions(metrics, namespace)
        await act()
        told = await server_metrics.actions(metrics, namespace) - before
        found: Counter[str] = Counter()
        for native_id in native_ids:
            found += await _of_history(run, native_id)
        ways[way] = (found, told)

    paid = _paid(client, islice(bills, count))

    async def told_once() -> None:
        await run.batch([_invoice(run, one) for one in paid], 1)

    await counted("paid when first told of", paid, told_once)

    by_biller = list(islice(bills, count))
    relay = _relay(run)

    async def as_the_biller_tells() -> None:
        for native_id in by_biller:
            _paid(client, [native_id])
            await _events_of(run, client, native_id)
            while await relay.take_bills():
                pass
            await run.client.get_workflow_handle(invoice_id(ACCOUNT, native_id)).result()

    await counted("each event of the biller", by_biller, as_the_biller_tells)
    later = list(islice(bills, count))

    async def posted_then_paid() -> None:
        for native_id in later:
            client.v1.invoices.finalize_invoice(native_id)
            await start_invoice(run.client, run.settings, ACCOUNT, native_id)
            await _is_shown(run, native_id)
            client.v1.invoices.pay(native_id, {"paid_out_of_band": True})
            await _invoice(run, native_id)()

    await counted("posted, later paid", later, posted_then_paid)
    report.section(
        "Billable actions of a paid invoice",
        f"Means of {count} invoices each, one after the other, from history by the published "
        f"table, and by the server's own metric; aim {AIM}. The first is finalised and paid when "
        "it is told of, as by card; the second is told by every event of the biller, through the "
        "bridge and the relay; the third is "
        "posted while open, its due date awaited, and paid by transfer afterwards.",
    )
    kinds = sorted({kind for found, _ in ways.values() for kind in found})
    rows = [
        (kind, *(each(found[kind], count) if found[kind] else "" for found, _ in ways.values()))
        for kind in kinds
    ]
    rows.append(("**all**", *(f"**{each(one.total(), count)}**" for one, _ in ways.values())))
    rows.append(
        (
            "all, by the server's `action` metric",
            *(each(told.total(), count) for _, told in ways.values()),
        )
    )
    report.table(("from history", *ways), rows)


async def _of_history(run: Runner, native_id: str) -> Counter[str]:
    """Of every run of an invoice."""
    found: Counter[str] = Counter()
    name = invoice_id(ACCOUNT, native_id)
    async for one in run.client.list_workflows(f'WorkflowId = "{name}"'):
        handle = run.client.get_workflow_handle(name, run_id=one.run_id)
        found += billable([event async for event in handle.fetch_history_events()])
    return found


async def _events_of(run: Runner, client: stripe.StripeClient, native_id: str) -> None:
    """What the biller tells of an invoice, to the bridge, signed."""
    secret = run.house.stack.credentials.stripe_webhook_secrets[ACCOUNT]
    url = f"{run.house.stack.urls.bridge}/webhooks/stripe/{ACCOUNT}"
    rows = client.v1.events.list({"limit": 20}).data
    async with httpx.AsyncClient(trust_env=False) as http:
        for row in reversed(rows):
            if native_id not in json.dumps(row.to_dict(), default=str):
                continue
            body = json.dumps(row.to_dict(), default=str)
            at = int(time.time())
            mac = WebhookSignature._compute_signature(f"{at}.{body}", secret)
            headers = {
                "content-type": "application/json",
                "stripe-signature": f"t={at},v1={mac}",
            }
            (await http.post(url, content=body, headers=headers)).raise_for_status()


async def _is_shown(run: Runner, native_id: str) -> None:
    """Until the run waits for news: its due date is awaited."""
    handle = run.client.get_workflow_handle(invoice_id(ACCOUNT, native_id))
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        events = [event async for event in handle.fetch_history_events()]
        if billable(events)["timer"]:
            return
    raise RuntimeError(f"{native_id} does not wait for its payment")


def _relay(run: Runner) -> Relay:
    return Relay(
        run.settings.model_copy(update={"invoice_to_cash": True}),
        run.client,
        Inbox(run.engine),
        Runs(run.engine),
        PostgresCases(run.engine),
        Outbox(run.engine),
        cast("Any", None),  # no subscriber is asked here
        PostgresContracts(run.engine),
    )


# ------------------------------------------------------------ speed


async def _speed(
    run: Runner, client: stripe.StripeClient, bills: Any, sizes: Sizes, report: Report
) -> None:
    measured = []
    for concurrency, how_many in ((1, sizes.at_one), (50, sizes.invoices_at_fifty)):
        rounds = Rounds(concurrency, "paid invoice")
        for _ in range(sizes.rounds):
            paid = _paid(client, islice(bills, how_many))
            rounds.product.append(
                await run.batch([_invoice(run, one) for one in paid], concurrency)
            )
            rounds.bare.append(await run.bare(how_many, concurrency, ACTIVITIES))
        measured.append(rounds)
    report.section(
        "Speed of invoices",
        f"From the news of a paid invoice to the end of its run (read at the biller, posted, "
        f"payment applied, shown in the CRM) beside a bare workflow of {ACTIVITIES} activities: "
        "same server, same worker process, same data converter, interleaved rounds, medians; the "
        "ledger is a fake behind the port.",
    )
    speed.tell_speed(report, measured)
    report.section("Processor time of an invoice", "CPU-ms for each run, by part.")
    speed.tell_cpu(report, measured)
