"""`dealthread invoices summary`: which invoices one document of the ledger holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.invoices import invoices as invoices
from dealthread.cli.output import money
from dealthread.cli.process_api import As, Json, at, connect

_STATES = {"waiting": "waits", "frozen": "held", "posted": "held", "single": "by itself"}


@invoices.command("summary")
def summary(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Number or id of the summary, of its payment, or of an invoice that it holds.",
        ),
    ],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Show a day's summary in the ledger, and the invoices that it holds."""
    with connect(who) as api:
        answer = api.get(at("posting-summaries", name))
    if as_json:
        output.raw(answer.text)
        return
    show(answer.json())


def show(found: dict[str, Any]) -> None:
    """The summary, then its invoices."""
    posted = f"{money(found['gross'])}, of it tax {money(found['tax'])}" if found["gross"] else ""
    output.say(
        f"{found['number']}: {found['state']} {posted}".rstrip()
        + (f", document {found['document']}" if found["document"] else "")
    )
    output.table(
        ("invoice", "gross", "", "taken out", "contract", "id"),
        (
            (
                one["number"],
                money(one["gross"]),
                _STATES[one["state"]],
                one["taken_out_on"] or "",
                one["contract_key"],
                one["invoice_id"],
            )
            for one in found["invoices"]
        ),
        empty="it holds no invoice",
    )
