"""`dealthread money-view`: sold, billed, recognised, collected, as of a day."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.failures import PROBLEM
from dealthread.cli.output import money
from dealthread.cli.process_api import As, Json, connect

_FIGURES = (
    ("sold", "sold", "net, accepted"),
    ("billed", "billed", "net"),
    ("recognised", "recognised", "net, posted"),
    ("collected", "collected", "gross"),
    ("ARR", "arr", "net"),
    ("deferred revenue", "deferred", "billed, not recognised"),
    ("contract asset", "contract_asset", "recognised, not billed"),
    ("usage not billed", "unbilled_usage", "recognised, not billed"),
    ("backlog", "unbilled_backlog", "sold, not billed"),
    ("remaining", "remaining_obligations", "sold, not recognised"),
    ("planned revenue", "planned", "of months that have ended"),
    ("invoiced", "invoiced_gross", "gross, less credits"),
    ("receivables", "receivable", "gross"),
    ("credit balances", "credit_balance", "gross"),
    ("unapplied cash", "unapplied_cash", "gross"),
    ("written off", "written_off", "gross"),
)

_NOT_IN_LEDGER = ("unbilled_backlog", "remaining_obligations", "planned")
"""What no document says yet, and so no rate converts."""
_IN_LEDGER = (
    *(row for row in _FIGURES if row[1] not in _NOT_IN_LEDGER),
    ("exchange loss", "exchange_loss", "realised by payments"),
)


def money_view(
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DATE", help="YYYY-MM-DD; its end counts.")
    ],
    entity: Annotated[str, typer.Option(help="Code of the legal entity that sells.")] = "",
    customer: Annotated[str, typer.Option(help="The customer's key.")] = "",
    contract: Annotated[str, typer.Option(help="The contract's key, C-….")] = "",
    documents: Annotated[
        bool,
        typer.Option("--documents", help="Each figure's documents, in the systems that own them."),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Ask the owners, too: each document, or of an entity its ledger's balances; and "
            "what people booked in the ledger by hand.",
        ),
    ] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Show sold, billed, recognised and collected, ARR, deferred revenue and receivables."""
    query = {"as_of": as_of, "entity": entity, "customer": customer, "contract": contract}
    asked: dict[str, Any] = {name: value for name, value in query.items() if value}
    with connect(who) as api:
        wanted = {"documents": documents, "check": check}
        asked |= {name: "true" for name, value in wanted.items() if value}
        answer = api.get("/money", asked)
    if as_json:
        output.raw(answer.text)
        return
    _show(answer.json())


def money_unsourced(who: As = None, as_json: Json = False) -> None:
    """List stored amounts that name no source in the system that owns them; 1 if there is one."""
    with connect(who) as api:
        answer = api.get("/money/unsourced")
    found = answer.json()
    if as_json:
        output.raw(answer.text)
    else:
        output.table(
            ("table", "row", "amount", "without"),
            ((one["table"], one["row"], money(one["amount"]), one["missing"]) for one in found),
            empty="every stored amount has its source",
        )
    if found:
        raise typer.Exit(PROBLEM)


def _show(view: dict[str, Any]) -> None:
    totals = view["totals"]
    count = view["contract_count"]
    output.say(f"{count} contract{'' if count == 1 else 's'} at the end of {view['as_of']}")
    output.say()
    output.table(
        ("figure", *(one["currency"] for one in totals), "of"),
        (
            (label, *(_digits(one[name]) for one in totals), meaning)
            for label, name, meaning in _FIGURES
        )
        if totals
        else (),
        empty="no contract was accepted",
        amounts=range(1, len(totals) + 1),
    )
    if view["ledgers"]:
        output.say()
        output.table(
            (
                "in the ledger's currency",
                *(f"{one['seller']} {one['currency']}" for one in view["ledgers"]),
                "of",
            ),
            (
                (label, *(_digits(one[name]) for one in view["ledgers"]), meaning)
                for label, name, meaning in _IN_LEDGER
            ),
            empty="",
            amounts=range(1, len(view["ledgers"]) + 1),
        )
    if view["documents"]:
        output.say()
        output.table(
            (
                "figure",
                "day",
                "document",
                "number",
                "amount",
                "in the ledger",
                "contract",
                "owner",
                "ledger",
            ),
            (
                (
                    one["figure"],
                    one["day"],
                    one["kind"],
                    one["number"],
                    money(one["amount"]),
                    money(one["ledger_amount"]) if one["ledger_amount"] else "",
                    one["contract_key"],
                    _ref(one["source"]),
                    _ref(one["ledger"]),
                )
                for one in sorted(view["documents"], key=lambda one: one["figure"])
            ),
            empty="no document",
            amounts=(4, 5),
        )
    output.say()
    output.table(
        ("differs", "amount", "document", "day", "contract", "customer", "cause", "case"),
        (
            (
                one["kind"].replace("_", " "),
                money(one["amount"]),
                one["document"],
                one["day"] or "",
                one["contract_key"],
                one["customer_key"],
                one["cause"],
                one["case_id"],
            )
            for one in view["differences"]
        ),
        empty="nothing differs"
        if view["checked"]
        else "nothing differs in what is recorded here; --check asks the owners, too",
        amounts=(1,),
    )
    if view["differences_left_off"]:
        output.say(f"and {view['differences_left_off']} more: name an entity or a customer")
    for line in view["notes"]:
        output.note(f"note: {line}")


def _digits(value: dict[str, Any]) -> str:
    return money(value).rpartition(" ")[0]


def _ref(value: dict[str, Any] | None) -> str:
    if not value:
        return ""
    return f"{value['system']}:{value['account']}:{value['kind']}:{value['native_id']}"
