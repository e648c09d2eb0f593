"""`dealthread invoices`: a person gives back a part of an invoice, or gives it up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.change_forms import Body, named_value
from dealthread.cli.output import money
from dealthread.cli.process_api import As, Json, at, connect

invoices = typer.Typer(
    help="Invoices: give back a part of one, or give it up.", no_args_is_help=True
)

Invoice = Annotated[
    str,
    typer.Argument(
        metavar="INVOICE",
        help="The invoice's number or id, or the business key of its way to cash.",
    ),
]


@invoices.callback()
def _invoices() -> None:
    """Invoices: give back a part of one, or give it up."""


@invoices.command()
def credit(
    invoice: Invoice,
    line: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE=NET", help="Net given back of a contract line; repeatable."),
    ] = None,
    amount: Annotated[
        str,
        typer.Option(metavar="NET", help="Or a net amount, over all lines by what each has left."),
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Or all that is left of it.")] = False,
    currency: Annotated[
        str, typer.Option(metavar="CODE", help="Of the amounts: the invoice's own.")
    ] = "",
    refund: Annotated[
        bool,
        typer.Option(
            "--refund", help="What was paid goes back; otherwise to the customer's balance."
        ),
    ] = False,
    cause: Annotated[
        str, typer.Option(help="goodwill, duplicate, service or order_change.")
    ] = "goodwill",
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    source_id: Annotated[
        str,
        typer.Option(
            help="Your own id of the credit; without one, the same credit twice is one credit.",
            show_default=False,
        ),
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Run anew a credit that ended stopped or cancelled.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what it would do; nothing is written.")
    ] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Credit a part of an invoice: the biller's credit note, then the ledger's memo and the CRM.

    What is unpaid lowers the invoice; the tax is given back in proportion. Above the limit of
    config/policy.yaml a second person approves it.
    """
    if [bool(line), bool(amount), everything].count(True) != 1:
        raise typer.BadParameter("give --line, or --amount, or --all", param_hint="--amount")
    if not everything and not currency:
        raise typer.BadParameter("say in which currency", param_hint="--currency")
    if not reason.strip() and not preview:
        raise typer.BadParameter("say why", param_hint="--reason")
    body: Body = {"refund": refund, "cause": cause, "reason": reason}
    if line:
        body["lines"] = [_line(given, currency) for given in line]
    elif amount:
        body["amount"] = {"amount": amount, "currency": currency}
    else:
        body["everything"] = True
    body |= {name: value for name, value in (("source_id", source_id), ("again", again)) if value}
    _order(who, invoice, "credits", body, show if preview else None, as_json)


@invoices.command("write-off")
def write_off(
    invoice: Invoice,
    without_relief: Annotated[
        bool,
        typer.Option(
            "--without-relief", help="The tax is an expense too, though the law may give it back."
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Run anew one that ended stopped or cancelled.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what it would do; nothing is written.")
    ] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Give up what is open of an invoice: uncollectible at the biller, written off in the ledger.

    The customer is told nothing and may still pay. Above the limit of config/policy.yaml a second
    person approves it.
    """
    if not reason.strip() and not preview:
        raise typer.BadParameter("say why", param_hint="--reason")
    body: Body = {"without_relief": without_relief, "reason": reason}
    body |= {"again": True} if again else {}
    _order(who, invoice, "write-off", body, show_write_off if preview else None, as_json)


def _order(
    who: As,
    invoice: str,
    verb: str,
    body: Body,
    shown: Callable[[dict[str, Any]], None] | None,
    as_json: bool,
) -> None:
    """Ask for it, or, where `shown` is given, for what it would do."""
    path = at("invoices", invoice, verb, *(["preview"] if shown else []))
    with connect(who) as api:
        answer = api.post(path, body, look="" if shown else "dealthread list")
    if as_json:
        output.raw(answer.text)
    elif shown is not None:
        shown(answer.json())
    else:
        made = answer.json()
        told = "accepted" if made["created"] else "known already, nothing was started"
        output.say(f"{told}: {made['business_key']}, run {made['generation']}")
        output.say(f"it goes on by itself: dealthread show {made['business_key']}")


def _verdict(found: dict[str, Any]) -> None:
    """Whether it would be taken, and who would have to agree."""
    output.say("It would be accepted." if found["accepted"] else "It would be refused.")
    for refusal in found["refusals"]:
        output.say(f"  {refusal['field']}: {refusal['action']} [{refusal['code']}]")
    for approval in found["approvals"]:
        output.say(f"  needs approval: {approval}")


def show_write_off(found: dict[str, Any]) -> None:
    """What a write-off would do; why not, where it would be refused."""
    _verdict(found)
    output.table(
        ("account", "tax code", "amount"),
        ((one["account"], one["tax_code"], money(one["amount"])) for one in found["parts"]),
        empty="nothing is written off",
    )


def _line(given: str, currency: str) -> Body:
    key, net = named_value(given, "--line", "LINE=NET")
    return {"line_key": key, "net": {"amount": net, "currency": currency}}


def show(found: dict[str, Any]) -> None:
    """What a credit would do; why not, where it would be refused."""
    _verdict(found)
    asked = {one["line_key"]: one["net"] for one in found["lines"]}
    output.table(
        ("line", "left", "given back"),
        ((key, money(left), money(asked.get(key))) for key, left in found["left"].items()),
        empty="nothing is left",
    )
    memo = found["credit_memo"]
    if memo is not None:
        output.say(
            f"credit note: net {money(memo['net'])}, tax {money(memo['tax'])}, "
            f"gross {money(memo['gross'])}"
        )
        for form, part in memo["forms"].items():
            output.say(f"  {form.replace('_', ' ')}: {money(part)}")
