"""`dealthread money`: what a contract with its changes comes to, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from dealthread.cli import output
from dealthread.cli.failures import Refused
from dealthread.cli.form_files import read_form, said_of
from dealthread.domain.money import Money
from dealthread.domain.statement.form import ContractForm
from dealthread.domain.statement.statement import Statement, statement_of

money = typer.Typer(
    help="Invoices, credits and revenue of a contract with changes, computed from a file "
    "(docs/money.md). Reads the file, writes nothing.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A contract with its changes, as JSON.")]
Under = Annotated[
    str,
    typer.Option(
        "--convention", help="Compute under this one instead of the file's.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@money.command()
def preview(file: File, convention: Under = "", as_json: AsJson = False) -> None:
    """Show the invoices and credit notes, with tax estimated."""
    found = _statement(file, convention)
    if as_json:
        output.raw(found.model_dump_json(indent=2, include=_PREVIEW))
        return
    output.table(
        ("date", "document", "line", "what", "from", "to, not included", "net", "tax"),
        _lines(found),
        empty="nothing is billed",
    )
    output.say()
    output.table(
        ("date", "document", "due", "posted", "net", "tax, estimated", "gross"),
        (
            (
                one.issue_date,
                f"{_named(one.kind)} {one.number}",
                one.due_date,
                one.posting.posting_date or "the controller decides",
                *map(_amount, (one.net, one.tax, one.gross)),
            )
            for one in found.documents
        ),
        empty="",
    )
    for one in found.documents:
        if one.posting.reason:
            output.say(f"{_named(one.kind)} {one.number}: {one.posting.reason}")
    output.say(f"net {found.net}, tax {found.tax}, gross {found.gross}")


@money.command()
def explain(file: File, convention: Under = "", as_json: AsJson = False) -> None:
    """Show how each figure came about: formula, inputs, source."""
    found = _statement(file, convention)
    if as_json:
        output.raw(found.model_dump_json(indent=2, include={"contract", "workings"}))
        return
    for working in found.workings:
        for line in working.lines():
            output.say(line)


@money.command()
def schedule(file: File, convention: Under = "", as_json: AsJson = False) -> None:
    """Show revenue by month and obligation, deferred revenue, and how changes are treated."""
    found = _statement(file, convention)
    if as_json:
        output.raw(found.model_dump_json(indent=2, include=_SCHEDULE))
        return
    if found.allocation is not None:
        output.table(
            ("obligation", "share of the transaction price"),
            ((key, _amount(amount)) for key, amount in found.allocation.amounts),
            empty="",
        )
        output.say()
    if found.decisions:
        output.table(
            ("change of", "kind", "treatment", "row", "paragraph"),
            (
                (
                    one.change.obligation,
                    one.change.kind,
                    _named(one.applied),
                    one.row,
                    one.paragraph,
                )
                for one in found.decisions
            ),
            empty="",
        )
        output.say()
    obligations = list(dict.fromkeys(row.obligation for row in found.revenue))
    cells = {(row.month, row.obligation): row.amount for row in found.revenue}
    output.table(
        ("month", *obligations, "billed", "recognised", "deferred", "unbilled"),
        (
            (
                f"{row.month:%Y-%m}",
                *(_amount(cells.get((row.month, key))) for key in obligations),
                *map(_amount, (row.billed, row.recognised, row.deferred, row.unbilled)),
            )
            for row in found.deferred
        ),
        empty="no revenue",
    )
    output.say(f"billed {found.net}, recognised {found.recognised}")


_HEAD = {"contract", "legal_entity", "currency", "convention"}
_PREVIEW = _HEAD | {"documents", "net", "tax", "gross"}
_SCHEDULE = _HEAD | {"allocation", "decisions", "revenue", "recognised", "deferred", "journals"}


def _statement(file: Path, convention: str) -> Statement:
    form = read_form(file, ContractForm)
    try:
        if convention:
            form = form.model_copy(update={"convention": convention})
            form.rules()
        return statement_of(form)
    except ValueError as error:
        raise Refused(f"{file}: {said_of(error)}") from None


def _lines(found: Statement) -> Iterator[tuple[object, ...]]:
    for one in found.documents:
        for line in one.lines:
            corrects = f", corrects {line.corrects}" if line.corrects else ""
            days: tuple[date, date] = (line.service_start, line.service_end)
            yield (
                one.issue_date,
                f"{_named(one.kind)} {one.number}",
                line.line,
                f"{line.what}{corrects}",
                *days,
                _amount(line.net),
                _amount(line.tax),
            )


def _named(code: str) -> str:
    return code.replace("_", " ")


def _amount(amount: Money | None) -> str:
    return "" if amount is None else f"{amount.amount:,}"
