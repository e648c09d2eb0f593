"""`dealthread collections`: overdue invoices that are pursued, and what people say to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.change_forms import day
from dealthread.cli.process_api import As, Json, at, connect

collections = typer.Typer(
    help="Overdue invoices that are pursued: look, hold, stop.", no_args_is_help=True
)

Invoice = Annotated[
    str, typer.Argument(metavar="INVOICE", help="The invoice's number or id, or the business key.")
]
Reason = Annotated[str, typer.Option(help="Why, for the audit log.", show_default=False)]
Remark = Annotated[str, typer.Option(help="What was said, for the audit log.")]


@collections.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    contract: Annotated[str, typer.Option(help="Only of this contract, C-….")] = "",
    customer: Annotated[str, typer.Option(help="Only of this customer, A-….")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    who: As = None,
    as_json: Json = False,
) -> None:
    """List pursuits, oldest due date first."""
    query: dict[str, str | int | bool] = {"limit": limit}
    if contract:
        query["contract_key"] = contract
    if customer:
        query["customer_key"] = customer
    if everything:
        query["closed"] = True
    with connect(who) as api:
        answer = api.get("/collections", query)
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("invoice", "due", "open", "stands at", "stage", "suspended", "contract", "customer"),
        (
            (
                one["invoice_number"],
                one["due_date"],
                output.money(one["amount_due"]),
                _state(one),
                one["stage"],
                "yes" if one["suspended"] else "",
                one["contract_key"],
                one["customer_key"],
            )
            for one in answer.json()
        ),
        empty="nobody is pursued",
    )


@collections.command()
def show(invoice: Invoice, who: As = None, as_json: Json = False) -> None:
    """Show the newest pursuit of an invoice."""
    with connect(who) as api:
        answer = api.get(at("collections", invoice))
    if as_json:
        output.raw(answer.text)
        return
    one = answer.json()
    output.facts(
        [
            ("invoice", f"{one['invoice_number']} ({one['invoice']['native_id']})"),
            ("open", output.money(one["amount_due"])),
            ("due", one["due_date"]),
            ("stands at", _state(one)),
            ("because of", one["reason"]),
            ("stages taken", str(one["stage"])),
            ("service", "suspended" if one["suspended"] else ""),
            ("contract", one["contract_key"]),
            ("customer", one["customer_key"]),
            ("seller", one["seller"]),
            ("run", f"{one['business_key']}, pursuit {one['generation']}"),
            ("opened", output.instant(one["opened_at"])),
            ("changed", output.instant(one["changed_at"])),
        ]
    )


@collections.command()
def promise(
    invoice: Invoice,
    until: Annotated[
        str,
        typer.Option(metavar="DATE", help="Last day on which it may be kept.", show_default=False),
    ],
    reason: Remark = "",
    who: As = None,
    as_json: Json = False,
) -> None:
    """Note a promise to pay: the next stage waits for it, and comes after it if it is broken."""
    _order(invoice, "promise", reason, day(until, "--until"), who, as_json)


@collections.command()
def pause(
    invoice: Invoice,
    reason: Reason,
    until: Annotated[
        str, typer.Option(metavar="DATE", help="Last day of it; otherwise until `resume`.")
    ] = "",
    who: As = None,
    as_json: Json = False,
) -> None:
    """Hold the stages to come. What is suspended stays so."""
    _order(invoice, "pause", reason, day(until, "--until") if until else "", who, as_json)


@collections.command()
def resume(invoice: Invoice, reason: Remark = "", who: As = None, as_json: Json = False) -> None:
    """Let a pursuit that is held go on, with its next stage today at the earliest."""
    _order(invoice, "resume", reason, "", who, as_json)


@collections.command()
def stop(invoice: Invoice, reason: Reason, who: As = None, as_json: Json = False) -> None:
    """End a pursuit, e.g. of a disputed invoice, and give back what was suspended."""
    _order(invoice, "stop", reason, "", who, as_json)


def _state(one: dict[str, Any]) -> str:
    state = str(one["outcome"] or one["state"]).replace("_", " ")
    until = one["promised_until"]
    return f"{state} to {until}" if until else state


def _order(invoice: str, kind: str, reason: str, until: str, who: Any, as_json: bool) -> None:
    body = {"kind": kind, "reason": reason} | ({"until": until} if until else {})
    look = f"dealthread collections show {invoice}"
    with connect(who) as api:
        answer = api.post(at("collections", invoice, "orders"), body, look=look)
    if as_json:
        output.raw(answer.text)
        return
    made = answer.json()
    output.say(f"accepted: {made['kind']} of {made['invoice_number']}")
    output.say(f"it takes effect within seconds: {look}")
