"""`dealthread`: the command line. Here the verbs are put together; each has a room of its own."""

from __future__ import annotations

import os
import sys
import traceback

import typer

from dealthread.cli import (
    adopt,
    cases,
    circuits,
    closing,
    collections,
    config,
    contract_check,
    contracts,
    customers,
    events,
    inbox,
    money_view,
    posting_summaries,
    receipts,
    recognition,
    service_levels,
    transactions,
    usage,
    workflow,
)
from dealthread.cli.failures import PROBLEM
from dealthread.cli.group import Commands
from dealthread.cli.output import clean, complain

TRACE = "DEALTHREAD_TRACE"

app = typer.Typer(
    name="dealthread",
    cls=Commands,
    help="Carries deals from closed won to money in the ledger.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _dealthread() -> None:
    """Carries deals from closed won to money in the ledger."""


app.command("list")(transactions.list_)
app.command("show")(transactions.show)
app.command("trace")(transactions.trace)
app.command("uncertain")(transactions.uncertain)
app.command("outcomes")(transactions.outcomes)
app.command("service-levels")(service_levels.service_levels)
app.command("close")(closing.close)
app.command("money-view")(money_view.money_view)
app.command("money-unsourced")(money_view.money_unsourced)
app.add_typer(transactions.deals, name="deals")
contracts.contracts.command("check")(contract_check.check)
app.add_typer(contracts.contracts, name="contracts")
app.add_typer(customers.customers, name="customers")
app.add_typer(recognition.recognition, name="recognition")
app.add_typer(adopt.adopt, name="adopt")
app.add_typer(usage.usage, name="usage")
app.add_typer(cases.cases, name="cases")
app.add_typer(collections.collections, name="collections")
app.add_typer(posting_summaries.invoices, name="invoices")
app.add_typer(receipts.receipts, name="receipts")
app.add_typer(events.events, name="events")
app.add_typer(events.subscribers, name="subscribers")
app.add_typer(inbox.inbox, name="inbox")
app.add_typer(circuits.circuits, name="circuits")
app.add_typer(workflow.workflow, name="workflow")
app.add_typer(config.config, name="config")


def main() -> None:
    """Entry point. Exit codes: 0 in order, 1 a problem found or refused, 2 wrong usage."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the outermost edge: a bug of ours, told in a line
        if os.environ.get(TRACE):
            traceback.print_exc()
        complain(
            clean(f"unexpected {type(error).__name__}: {error}; a bug of ours, please report it")
            + ("" if os.environ.get(TRACE) else f" ({TRACE}=1 shows where)")
        )
        sys.exit(PROBLEM)


if __name__ == "__main__":
    main()
