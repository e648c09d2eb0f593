"""`dealthread recognition`: a month's revenue of a legal entity, in its ledger."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.failures import PROBLEM
from dealthread.cli.output import money
from dealthread.cli.process_api import As, Json, at, connect

recognition = typer.Typer(
    help="Recognised revenue: run a month, show it, reverse it, tie it to the ledger "
    "(docs/recognition.md).",
    no_args_is_help=True,
)

Entity = Annotated[str, typer.Argument(metavar="ENTITY", help="Code of the legal entity.")]
Period = Annotated[str, typer.Argument(metavar="PERIOD", help="The month, YYYY-MM.")]


@recognition.command()
def run(
    entity: Entity,
    period: Period,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would post.")
    ] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Post what contracts owe of a month that is over; again, only what has come since."""
    path = at("recognition", entity, period, "runs", *(["preview"] if dry_run else []))
    with connect(who) as api:
        look = "" if dry_run else f"dealthread recognition show {entity} {period}"
        answer = api.post(path, {}, look=look)
    if as_json:
        output.raw(answer.text)
        return
    told = answer.json()
    if told.get("outcome") == "running":
        output.say(
            f"recognition:{entity}:{period} runs on: dealthread recognition show {entity} {period}"
        )
        return
    if told.get("outcome") == "stopped":
        output.say("the run was stopped: what it had posted is reversed")
        return
    _entries(told["entries"], "would be posted" if dry_run else "posted")
    if told["left_out"]:
        output.say()
        output.table(
            ("left out", "month", "amount", "why"),
            (
                (one["contract_key"], one["month"][:7], money(one["amount"]), one["reason"])
                for one in told["left_out"]
            ),
            empty="",
        )
    if told["left_out_count"] > len(told["left_out"]):
        output.say(f"and {told['left_out_count'] - len(told['left_out'])} more")


@recognition.command()
def show(
    entity: Entity,
    period: Period,
    lines: Annotated[
        bool, typer.Option("--lines", help="The contract lines behind each entry.")
    ] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Show the entries of a month, reversed ones among them."""
    with connect(who) as api:
        answer = api.get(at("recognition", entity, period), {"lines": "true"} if lines else None)
    if as_json:
        output.raw(answer.text)
        return
    entries = answer.json()["entries"]
    output.table(
        ("no.", "key", "day", "amount", "accounts", "lines", "state", "ledger's no.", "by"),
        (
            (
                one["entry"]["number"],
                one["entry"]["document_key"],
                one["entry"]["posting_date"],
                _amount(one["entry"]),
                _accounts(one["entry"]),
                one["entry"]["contract_lines"],
                one["state"],
                one["document"],
                one["requested_by"],
            )
            for one in entries
        ),
        empty="no entry was made",
    )
    for one in entries if lines else ():
        output.say()
        output.say(f"entry {one['entry']['number']}")
        output.table(
            (
                "contract",
                "line",
                "obligation",
                "month",
                "account",
                "amount",
                "version",
                "treatment",
            ),
            (
                (
                    row["contract_key"],
                    row["line_key"],
                    row["obligation"],
                    row["month"][:7],
                    row["account"],
                    money(row["amount"]),
                    row["version"],
                    row["treatment"],
                )
                for row in one["lines"]
            ),
            empty="",
        )


@recognition.command()
def reverse(
    entity: Entity,
    period: Period,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.", show_default=False)],
    document: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="One entry by its key; repeatable. Otherwise all."),
    ] = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Undo posted entries of a month by their opposites; what they took is owed again."""
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    with connect(who) as api:
        answer = api.post(
            at("recognition", entity, period, "reversals"),
            {"reason": reason, "documents": document or []},
            look=f"dealthread recognition show {entity} {period}",
        )
    if as_json:
        output.raw(answer.text)
        return
    output.say(f"{answer.json()['outcome']}: dealthread recognition show {entity} {period}")


@recognition.command("roll-forward")
def roll_forward(entity: Entity, period: Period, who: As = None, as_json: Json = False) -> None:
    """Show how deferred revenue moved, tied to the trial balance. Exit code 1 where it is not."""
    with connect(who) as api:
        answer = api.get(at("recognition", entity, period, "roll-forward"))
    told: dict[str, Any] = answer.json()
    if as_json:
        output.raw(answer.text)
    else:
        _show_roll_forward(told)
    if not told["is_tied"]:
        raise typer.Exit(PROBLEM)


@recognition.command()
def accept(
    contract: Annotated[str, typer.Argument(metavar="KEY", help="The contract's key, C-….")],
    obligation: Annotated[
        str, typer.Argument(help="The service: its line, or LINE/PRODUCT of a bundle.")
    ],
    day: Annotated[str, typer.Option("--on", metavar="DATE", help="YYYY-MM-DD.")],
    evidence: Annotated[str, typer.Option(help="How we know.", show_default=False)],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Say that a customer accepted a service: the run of that month recognises it."""
    with connect(who) as api:
        answer = api.post(
            at("contracts", contract, "acceptances"),
            {"obligation": obligation, "accepted_on": day, "evidence": evidence},
            look="the same command, which changes nothing twice",
        )
    if as_json:
        output.raw(answer.text)
        return
    told = answer.json()
    known = "" if told["is_new"] else " (known)"
    output.say(f"{told['obligation']}: {money(told['amount'])} from {told['accepted_on']}{known}")


def _entries(entries: list[dict[str, Any]], how: str) -> None:
    output.table(
        ("no.", "key", "day", "amount", "accounts", "lines"),
        (
            (
                one["number"],
                one["document_key"],
                one["posting_date"],
                _amount(one),
                _accounts(one),
                one["contract_lines"],
            )
            for one in entries
        ),
        empty=f"nothing {how}: the month owes nothing more",
    )


def _amount(entry: dict[str, Any]) -> str:
    own, ledger = money(entry["amount"]), money(entry["ledger_amount"])
    return own if own == ledger else f"{own} ({ledger})"


def _accounts(entry: dict[str, Any]) -> str:
    return ", ".join(f"{account} {money(one)}" for account, one in entry["accounts"].items())


def _show_roll_forward(told: dict[str, Any]) -> None:
    output.table(
        ("deferred revenue", "amount", "from"),
        (
            ("opening", money(told["opening"]), "trial balance"),
            ("+ billed", money(told["billed"]), "invoices less credits that we posted"),
            ("− recognised", money(told["recognised"]), "entries that we posted"),
            ("+ adjustments", money(told["adjusted"]), "entries that are none of ours"),
            ("= closing", money(told["expected"]), ""),
            ("closing", money(told["closing"]), "trial balance"),
        ),
        empty="",
    )
    if told["adjustments"]:
        output.say()
        output.table(
            ("adjustment", "day", "amount", "what"),
            (
                (one["document"], one["posting_date"], money(one["amount"]), one["description"])
                for one in told["adjustments"]
            ),
            empty="",
        )
    if told["untied"]:
        output.say()
        output.table(
            ("not tied", "what", "ours", "ledger"),
            (
                (one["document"], one["what"], money(one["ours"]), money(one["ledger"]))
                for one in told["untied"]
            ),
            empty="",
        )
    output.say("it ties" if told["is_tied"] else "it does not tie")
