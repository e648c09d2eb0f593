"""`dealthread usage`: what was used, what is behind a bill's line, and sending it now."""

from __future__ import annotations

from typing import Annotated

import typer

from dealthread.cli import output
from dealthread.cli.failures import PROBLEM
from dealthread.cli.output import money
from dealthread.cli.process_api import As, Json, at, connect

usage = typer.Typer(
    help="What contracts used, the events behind a bill, and sending it to the biller "
    "(docs/usage.md).",
    no_args_is_help=True,
)


@usage.command()
def show(
    contract: Annotated[str, typer.Argument(metavar="KEY", help="The contract's key, C-….")],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Show what a contract used by billing period, what it is worth, and what the biller has."""
    with connect(who) as api:
        answer = api.get(at("usage", "contracts", contract))
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        (
            "line",
            "meter",
            "from",
            "until",
            "used",
            "included",
            "worth",
            "events",
            "sent",
            "billed",
            "why not",
        ),
        (
            (
                one["line_key"],
                one["meter"],
                one["period_start"],
                one["period_end"],
                f"{_plain(one['quantity'])} {one['unit']}",
                _plain(one["included"]),
                money(one["rated"]),
                one["events"],
                _plain(one["sent"]),
                _plain(one["billed"]) if one["billed"] is not None else "",
                one["refusal"],
            )
            for one in answer.json()["periods"]
        ),
        empty="nothing was used",
    )


@usage.command()
def trace(
    invoice: Annotated[
        str, typer.Argument(metavar="INVOICE", help="Its number, or its id at the biller.")
    ],
    line: Annotated[
        str, typer.Argument(metavar="LINE", help="Key of the contract's line; otherwise all.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, max=1000, help="Events to show of each line.")] = 20,
    after: Annotated[
        str, typer.Option(help="Go on after this event of a line: SOURCE ID.", show_default=False)
    ] = "",
    who: As = None,
    as_json: Json = False,
) -> None:
    """Trace a bill's lines of usage down to their events. Exit code 1 where they are not the
    bill's net."""
    source, _, event_id = after.partition(" ")
    query = {"line": line, "limit": limit, "after": f"{source}\n{event_id}" if after else ""}
    with connect(who) as api:
        answer = api.get(at("usage", "invoices", invoice), query)
    told = answer.json()
    if as_json:
        output.raw(answer.text)
    elif not told["lines"]:
        output.say("no line of usage stands on this bill")
    for one in () if as_json else told["lines"]:
        output.say(
            f"{one['line_key']} {one['period_start']} to {one['period_end']}: "
            f"{money(one['net'])} in {one['bill_lines']} lines of the bill, "
            f"{_plain(one['quantity'])} in {one['events']} events"
            + ("" if one["is_rated_so"] else "; by the contract's tiers they are worth another sum")
        )
        output.table(
            ("source", "id", "used at", "quantity"),
            (
                (row["source"], row["id"], row["occurred_at"], _plain(row["quantity"]))
                for row in one["shown"]
            ),
            empty="",
        )
        if one["next_after"]:
            output.say(f'more: --after "{one["next_after"].replace(chr(10), " ")}"')
    if not all(one["is_rated_so"] for one in told["lines"]):
        raise typer.Exit(PROBLEM)


@usage.command()
def send(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The billing account.")],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Send what waits for a billing account now. Exit code 1 where something is not there yet."""
    with connect(who) as api:
        answer = api.post(
            at("usage", "sendings"), {"billing_account": account}, look="dealthread usage show KEY"
        )
    told = answer.json()
    if as_json:
        output.raw(answer.text)
    elif told["outcome"] == "running":
        output.say(f"{told['workflow_id']} runs on")
    else:
        refusals = f": {', '.join(told['refusals'])}" if told["refusals"] else ""
        output.say(f"sent {told['sent']}, not there yet {told['waiting']}{refusals}")
    if told["waiting"]:
        raise typer.Exit(PROBLEM)


def _plain(number: str) -> str:
    whole, _, rest = number.partition(".")
    rest = rest.rstrip("0")
    return f"{whole}.{rest}" if rest else whole
