"""`dealthread receipts`: what came to a seller's bank."""

from __future__ import annotations

from typing import Annotated

import typer

from dealthread.cli import output
from dealthread.cli.change_forms import Body, day
from dealthread.cli.process_api import As, Json, at, connect

receipts = typer.Typer(help="Receipts of the bank (docs/invoices.md).", no_args_is_help=True)


@receipts.callback()
def _receipts() -> None:
    """Receipts of the bank (docs/invoices.md)."""


@receipts.command()
def enter(
    source: Annotated[
        str, typer.Argument(metavar="ID", help="The bank's own id of the receipt; one for ever.")
    ],
    seller: Annotated[str, typer.Option(metavar="CODE", help="Whose bank account.")],
    amount: Annotated[str, typer.Option(metavar="AMOUNT", help="As the bank says it.")],
    currency: Annotated[str, typer.Option(metavar="CODE", help="Of the amount.")],
    on: Annotated[str, typer.Option(metavar="DATE", help="Value date.")],
    customer: Annotated[str, typer.Option(metavar="KEY", help="Who paid, where known.")] = "",
    invoice: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER", help="An invoice that it pays; repeatable, in order."),
    ] = None,
    reference: Annotated[
        str, typer.Option(metavar="TEXT", help="Remittance text: numbers in it are looked for.")
    ] = "",
    who: As = None,
    as_json: Json = False,
) -> None:
    """Enter what came to the bank: the ledger gets it, the invoices that it covers are paid.

    What fits no invoice, and what is too much, is a case of cash application.
    """
    body: Body = {
        "seller": seller,
        "source_id": source,
        "amount": {"amount": amount, "currency": currency},
        "value_date": day(on, "--on"),
        "customer_key": customer,
        "invoices": invoice or [],
        "reference": reference,
    }
    with connect(who) as api:
        answer = api.post(at("receipts"), body, look="dealthread list")
    if as_json:
        output.raw(answer.text)
        return
    made = answer.json()
    told = "accepted" if made["created"] else "known already, nothing was started"
    output.say(f"{told}: {made['business_key']}")
