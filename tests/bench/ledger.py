"""Documents a second into the real Tryton, by the product's adapter, one after the other."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from adapters.erp.tryton.factory import create
from dealthread.domain.receivable import LedgerInvoice
from dealthread.ports.erp import ErpPort
from tests.bench.report import Report
from tests.bench.sizes import Sizes
from tests.support import deals
from tests.support import postings as p
from tests.support.tryton import done
from tests.support.tryton_server import RunningTryton, running_tryton

COMPANY, DAY = "1", "2026-03-16"
Act = Callable[[Any], Awaitable[Any]]


def measure(sizes: Sizes, report: Report) -> None:
    """Invoices of two lines, receipts of them in full, journals of two lines."""
    with running_tryton() as server:
        asyncio.run(_measure(server, sizes, report))


async def _measure(server: RunningTryton, sizes: Sizes, report: Report) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        erp: ErpPort = create(server.settings, http)
        await p.onboard(erp, COMPANY, deals.HARBORLINE)
        rows = []

        def acts(act: Any) -> Act:
            return lambda command: act(command, idempotency_key="bench")

        first = [_invoice() for _ in range(2)]
        await _each(acts(erp.post_invoice), first)  # caches come up
        invoices = [_invoice() for _ in range(sizes.postings)]
        receipts = [p.receipt("1050", DAY, "15891.00", (one, "15891.00")) for one in invoices]
        journals = [
            p.journal(COMPANY, DAY, "USD", {"2300": "1061.64"}, {"4000": "1061.64"})
            for _ in range(sizes.postings)
        ]
        for title, act, commands in (
            ("invoices", erp.post_invoice, invoices),
            ("receipts", erp.apply_receipt, receipts),
            ("journals", erp.post_journal, journals),
        ):
            seconds = await _each(acts(act), commands)
            rows.append(
                (
                    title,
                    len(commands),
                    f"{len(seconds) / sum(seconds):.2f}",
                    f"{1000 * statistics.median(seconds):.0f}",
                    f"{1000 * max(seconds):.0f}",
                )
            )
    report.section(
        "Postings into Tryton",
        "The real ERP on PostgreSQL without fsync, documents of one company one after the other, "
        "as its one poster sends them; each is looked for before and read back after. There are "
        "no batches: every document is posted, found and undone by itself. Its own limit is about "
        "1.5 a second singly.",
    )
    report.table(("documents", "posted", "a second", "median ms", "longest ms"), rows)


def _invoice() -> LedgerInvoice:
    """D1's first: 13,500.00 for seats with 891.00 tax, 1,500.00 for onboarding."""
    return p.invoice(
        COMPANY,
        deals.HARBORLINE,
        DAY,
        p.line("2300", "13500.00", "US-TX-SAAS", "891.00", "USD", key="L1"),
        p.line("2300", "1500.00", "US-TX-SVC0", "0.00", "USD", key="L2"),
    )


async def _each(act: Act, commands: Sequence[Any]) -> list[float]:
    """Seconds of each."""
    found = []
    for command in commands:
        began = time.perf_counter()
        done(await act(command))
        found.append(time.perf_counter() - began)
    return found
