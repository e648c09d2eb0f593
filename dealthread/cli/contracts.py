"""`dealthread contracts`: a contract that lives, and what is asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dealthread.cli import change_forms, contract_words, output
from dealthread.cli.change_forms import Body
from dealthread.cli.failures import Refused
from dealthread.cli.form_files import read_json
from dealthread.cli.process_api import As, Json, ProcessApi, at, connect

contracts = typer.Typer(
    help="Contracts that live: look, amend, renew, cancel.", no_args_is_help=True
)

Key = Annotated[str, typer.Argument(metavar="KEY", help="The contract's key, C-….")]
Preview = Annotated[
    bool, typer.Option("--preview", help="Only show what it would do; nothing is written.")
]
Reason = Annotated[str, typer.Option(help="Why, kept with the change.", show_default=False)]
SourceId = Annotated[
    str,
    typer.Option(
        help="Your own id of the order; without one, the same order twice is one change.",
        show_default=False,
    ),
]
Again = Annotated[
    bool, typer.Option("--again", help="Run anew an order that ended compensated or cancelled.")
]
Several = list[str] | None


@contracts.command()
def show(key: Key, who: As = None, as_json: Json = False) -> None:
    """Show a contract: state, term, lines over time, versions, changes that wait, money."""
    with connect(who) as api:
        answer = api.get(at("contracts", key))
    if as_json:
        output.raw(answer.text)
        return
    contract_words.show(answer.json())


@contracts.command()
def amend(
    key: Key,
    file: Annotated[
        Path | None,
        typer.Option(help="The whole order as JSON, as the process API takes it."),
    ] = None,
    quantity: Annotated[
        Several,
        typer.Option(metavar="LINE=N", help="A line's quantity after the change; repeatable."),
    ] = None,
    price: Annotated[
        Several,
        typer.Option(metavar="LINE=AMOUNT", help="A line's unit price after it; repeatable."),
    ] = None,
    add: Annotated[
        Several,
        typer.Option(metavar="PRODUCT=N@PRICE", help="A new line; repeatable."),
    ] = None,
    remove: Annotated[
        Several, typer.Option(metavar="LINE", help="A line that ends; repeatable.")
    ] = None,
    terms: Annotated[str, typer.Option(help="Code of new payment terms.")] = "",
    effective: Annotated[
        str, typer.Option(metavar="WHEN", help="now, period-end or YYYY-MM-DD.")
    ] = "now",
    reason: Reason = "",
    source_id: SourceId = "",
    again: Again = False,
    preview: Preview = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Change lines or payment terms within the running term."""
    asked = quantity or price or add or remove or terms
    if file is not None and (asked or effective != "now"):
        raise typer.BadParameter("give the order in the file or in options", param_hint="--file")
    with connect(who) as api:
        body: Body
        if file is not None:
            body = _object(file)
        else:
            body = change_forms.timing(effective, "--effective", ("now", "period-end"))
            body["lines"] = change_forms.lines(
                quantity or [], price or [], add or [], remove or [], _Currency(api, key)
            )
            if terms:
                body["payment_terms"] = terms
        _send(api, key, "amendments", body | _common(reason, source_id, again), preview, as_json)


@contracts.command()
def renew(
    key: Key,
    decline: Annotated[bool, typer.Option("--decline", help="It ends with its term.")] = False,
    uplift: Annotated[
        str, typer.Option(metavar="PERCENT", help="Otherwise as the contract says.")
    ] = "",
    months: Annotated[
        int | None,
        typer.Option(min=1, max=240, help="Of the next term; otherwise as the contract says."),
    ] = None,
    reason: Reason = "",
    again: Again = False,
    preview: Preview = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Accept or decline what follows the present term."""
    if decline and (uplift or months):
        raise typer.BadParameter("what is declined has no next term", param_hint="--decline")
    body: Body = {"decision": "decline" if decline else "accept"}
    if uplift:
        body["uplift_percent"] = uplift
    if months:
        body["term_months"] = months
    with connect(who) as api:
        _send(api, key, "renewals", body | _common(reason, "", again), preview, as_json)


@contracts.command()
def cancel(
    key: Key,
    when: Annotated[
        str,
        typer.Option(
            metavar="WHEN", help="now, period-end, term-end or YYYY-MM-DD.", show_default=False
        ),
    ],
    reason: Reason,
    no_credit: Annotated[
        bool, typer.Option("--no-credit", help="What was billed beyond the end is kept.")
    ] = False,
    refund: Annotated[
        bool, typer.Option("--refund", help="A credit of what was paid goes back.")
    ] = False,
    cause: Annotated[
        str, typer.Option(help="customer_request, non_payment or rescission.")
    ] = "customer_request",
    source_id: SourceId = "",
    again: Again = False,
    preview: Preview = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """End a contract: now, with its billing period, with its term, or on a day."""
    body: Body = change_forms.timing(when, "--when", ("now", "period-end", "term-end"))
    body |= {"cause": cause, "credit_unused": not no_credit, "refund": refund}
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    with connect(who) as api:
        _send(api, key, "cancellations", body | _common(reason, source_id, again), preview, as_json)


@contracts.command()
def withdraw(
    key: Key,
    change_id: Annotated[
        str,
        typer.Argument(metavar="CHANGE_ID", help="As `dealthread contracts show` lists it."),
    ],
    reason: Reason = "",
    again: Again = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Take back a change that was accepted and has not taken effect."""
    body: Body = {"change_id": change_id} | _common(reason, "", again)
    with connect(who) as api:
        _send(api, key, "withdrawals", body, False, as_json)


def _common(reason: str, source_id: str, again: bool) -> Body:
    given: Body = {"reason": reason, "source_id": source_id, "again": again}
    return {name: value for name, value in given.items() if value}


def _send(api: ProcessApi, key: str, what: str, body: Body, preview: bool, as_json: bool) -> None:
    look = f"dealthread contracts show {key}"
    path = at("contracts", key, what, *(["preview"] if preview else []))
    answer = api.post(path, body, look="" if preview else look)
    if as_json:
        output.raw(answer.text)
        return
    if preview:
        contract_words.preview(answer.json())
        return
    made = answer.json()
    told = "accepted" if made["created"] else "known already, nothing was started"
    output.say(f"{told}: {made['business_key']}, run {made['generation']}")
    output.say(f"it goes on by itself: {look}")


def _object(file: Path) -> Body:
    found = read_json(file)
    if not isinstance(found, dict):
        raise Refused(f"{file}: not a JSON object")
    return found


class _Currency:
    """The contract's currency, asked once and only where a price needs it."""

    def __init__(self, api: ProcessApi, key: str) -> None:
        self._api, self._key = api, key
        self._found = ""

    def __call__(self) -> str:
        if not self._found:
            shown: dict[str, Any] = self._api.get(at("contracts", self._key)).json()
            self._found = str(shown["currency"])
        return self._found
