"""`dealthread money`: what a contract with its changes comes to, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from dealthread.cli import output
from dealthread.cli.failures import Refused
from dealthread.cli.form_files import read_form, said_of
from dealthread.domain.money import Money
from dealthread.domain.periods.inference import Inference, infer
from dealthread.domain.statement.form import ContractForm
from dealthread.domain.statement.past_form import PastForm
from dealthread.domain.statement.statement import Statement, statement_of

money = typer.Typer(
    help="Invoices, credits and revenue of a contract with changes, computed from a file "
    "(docs/money.md). Reads the file, writes nothing.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A contract with its changes, as JSON.")]
PastFile = Annotated[Path, typer.Argument(metavar="FILE", help="Lines of past invoices, as JSON.")]
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


@money.command()
def infer_convention(file: PastFile, as_json: AsJson = False) -> None:
    """Tell which conventions reproduce past invoices, and what the invoices leave open.

    Exit code 1 where no convention makes all of them.
    """
    form = read_form(file, PastForm)
    found = infer(form.past_lines())
    if as_json:
        told = found.model_dump(mode="json", exclude={"matching"})
        output.raw(json.dumps({"sets": len(found.matching), **told}, indent=2))
    else:
        _say_inference(form, found)
    if not found.matching:
        raise typer.Exit(1)


_HEAD = {"contract", "legal_entity", "currency", "convention"}
_PREVIEW = _HEAD | {"documents", "net", "tax", "gross"}
_SCHEDULE = _HEAD | {"allocation", "decisions", "revenue", "recognised", "deferred", "journals"}


def _say_inference(form: PastForm, found: Inference) -> None:
    lines = len(form.lines)
    known = ", ".join(found.presets) or "no known system"
    output.say(f"{lines} line{'' if lines == 1 else 's'} reproduced by: {known}")
    output.say(f"sets of choices that reproduce them: {len(found.matching):,}")
    output.say()
    output.table(
        ("choice", "settled by the lines", "open between"),
        [
            *((_named(knob), _named(value), "") for knob, value in found.settled),
            *((_named(knob), "", ", ".join(map(_named, open_))) for knob, open_ in found.ambiguous),
        ],
        empty="no set of choices reproduces every line",
    )
    if found.misses:
        output.say()
        output.table(
            ("does not reproduce", "line", "invoice", "billed", "computed"),
            (
                (
                    one.convention,
                    one.line,
                    form.lines[one.line - 1].invoice,
                    _amount(one.billed),
                    _amount(one.computed) or "no such period",
                )
                for one in found.misses
            ),
            empty="",
        )


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
