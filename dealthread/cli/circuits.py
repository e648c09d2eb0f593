"""`dealthread circuits`: what is held back because a system is away, and a hand on the switch."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.process_api import As, Json, at, connect

circuits = typer.Typer(help="What is held back because a system is away.", no_args_is_help=True)
Which = Annotated[
    str,
    typer.Argument(
        metavar="VENDOR[/ACCOUNT]",
        help="An ERP of the configuration, e.g. tryton; with a company, e.g. tryton/1, that alone.",
    ),
]
Why = Annotated[str, typer.Option(help="Why, for the audit log.", show_default=False)]


@circuits.command("list")
def list_(who: As = None, as_json: Json = False) -> None:
    """List every ERP: state, since when and why, how much waits, when it is asked again."""
    with connect(who) as api:
        answer = api.get("/circuits")
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("circuit", "state", "for", "waiting", "next probe (UTC)", "by", "reason", "outage"),
        (
            (
                name_of(one["circuit"]),
                one["circuit"]["state"].replace("_", " "),
                output.since(one["circuit"]["opened_at"]) if one["circuit"]["opened_at"] else "",
                "?" if one["waiting"] is None else one["waiting"],
                _next_probe(one["circuit"]),
                one["circuit"]["opened_by"],
                one["circuit"]["reason"],
                one["circuit"]["incident"],
            )
            for one in answer.json()
        ),
        empty="no ERP is configured",
    )


@circuits.command()
def outages(who: As = None, as_json: Json = False) -> None:
    """List outages, the newest first; those that are over too."""
    with connect(who) as api:
        answer = api.get("/circuits/outages")
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("outage", "circuit", "began (UTC)", "over (UTC)", "opened by", "why", "closed by"),
        (
            (
                one["incident"],
                name_of(one),
                output.instant(one["opened_at"]),
                output.instant(one["closed_at"]),
                one["opened_by"],
                one["reason"],
                one["closed_by"],
            )
            for one in answer.json()
        ),
        empty="there was no outage",
    )


@circuits.command("open")
def open_(which: Which, reason: Why, who: As = None, as_json: Json = False) -> None:
    """Hold back what is meant for an ERP, or a company of it, until somebody closes it."""
    _switch(which, "openings", reason, who, as_json)


@circuits.command()
def close(which: Which, reason: Why, who: As = None, as_json: Json = False) -> None:
    """Let work through again; an ERP that is still away opens its circuit again."""
    _switch(which, "closings", reason, who, as_json)


def _switch(which: str, act: str, reason: str, who: As, as_json: bool) -> None:
    vendor, _, account = which.partition("/")
    if not vendor:
        raise typer.BadParameter("name an ERP, e.g. tryton", param_hint="VENDOR[/ACCOUNT]")
    with connect(who) as api:
        answer = api.post(
            at("circuits", vendor, act),
            {"account": account, "reason": reason},
            look="dealthread circuits list",
        )
    if as_json:
        output.raw(answer.text)
        return
    state = answer.json()["state"]
    then = (
        f"what is meant for it waits until: dealthread circuits close {which} --reason …"
        if state == "open"
        else "work flows again"
    )
    output.say(f"{which} is {state}; {then}")


def held_back(text: str) -> list[str]:
    """One line for each circuit that is not closed, from the process API's answer."""
    return [
        f"{name_of(one['circuit'])} is {one['circuit']['state'].replace('_', ' ')}"
        f" since {output.instant(one['circuit']['opened_at'])} UTC"
        f" ({one['circuit']['reason']}); {_count(one)} wait"
        for one in json.loads(text)
        if one["circuit"]["state"] != "closed"
    ]


def name_of(circuit: dict[str, Any]) -> str:
    """`tryton`, or `tryton/1`."""
    return "/".join(part for part in (circuit["vendor"], circuit["account"]) if part)


def _count(one: dict[str, Any]) -> str:
    return "an unknown number of steps" if one["waiting"] is None else f"{one['waiting']} steps"


def _next_probe(circuit: dict[str, Any]) -> str:
    if circuit["state"] == "closed":
        return ""
    return output.instant(circuit["next_probe_at"]) or "by hand"
