"""`dealthread customers`: all about a customer in one answer."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.output import instant, money
from dealthread.cli.process_api import As, Json, at, connect

customers = typer.Typer(help="Customers: one answer for support.", no_args_is_help=True)


@customers.command()
def show(
    key: Annotated[str, typer.Argument(metavar="CUSTOMER_KEY", help="The customer's key, A-….")],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Show contracts, invoices with what is open, collections, open cases and entitlements.

    Each with its as-of time: everything is as it was last read or told; no system is asked.
    """
    with connect(who) as api:
        answer = api.get(at("customers", key))
    if as_json:
        output.raw(answer.text)
        return
    _show(answer.json())


@customers.callback()
def _customers() -> None:
    """Customers: one answer for support."""


def _show(view: dict[str, Any]) -> None:
    output.facts(
        [
            ("customer", " ".join(filter(None, (view["name"], f"({view['customer_key']})")))),
            ("to pay", ", ".join(money(one) for one in view["open_amounts"]) or "nothing"),
            ("answered (UTC)", instant(view["answered_at"])),
        ]
    )
    output.say()
    output.table(
        (
            "contract",
            "state",
            "seller",
            "from",
            "to before",
            "value",
            "under way",
            "as of",
            "compared",
        ),
        (
            (
                one["contract_key"],
                f"{one['state']}, version {one['version']}",
                one["seller"],
                one["start_date"],
                one["end_date"] or "",
                money(one["value"]),
                ", ".join(one["changes"]),
                instant(one["as_of"]),
                _compared(one),
            )
            for one in view["contracts"]
        ),
        empty="no contract",
    )
    output.say()
    output.table(
        ("invoice", "contract", "status", "issued", "due", "gross", "open", "as of"),
        (
            (
                one["number"] or one["invoice_id"],
                one["contract_key"],
                f"{one['status']}{', overdue' if one['is_overdue'] else ''}",
                one["issue_date"] or "",
                one["due_date"] or "",
                money(one["gross"]),
                money(one["open"]),
                instant(one["as_of"]),
            )
            for one in view["invoices"]
        ),
        empty="no invoice",
    )
    if view["invoices_left_off"]:
        output.say(f"and {view['invoices_left_off']} older ones with nothing open")
    output.say()
    output.table(
        ("in collections", "contract", "due", "amount", "state", "promised until", "as of"),
        (
            (
                one["invoice_number"],
                one["contract_key"],
                one["due_date"],
                money(one["amount_due"]),
                f"{one['state'].replace('_', ' ')}, stage {one['stage']}"
                f"{', service suspended' if one['suspended'] else ''}",
                one["promised_until"] or "",
                instant(one["as_of"]),
            )
            for one in view["collections"]
        ),
        empty="nothing is in collections",
    )
    output.say()
    output.table(
        ("open case", "kind", "queue", "contract", "what", "next", "by (UTC)", "as of"),
        (
            (
                one["case_id"],
                one["kind"],
                one["queue"],
                one["contract_key"],
                one["summary"],
                one["next_step"],
                instant(one["decide_by"]),
                instant(one["as_of"]),
            )
            for one in view["cases"]
        ),
        empty="no case is open",
    )
    output.say()
    output.table(
        ("entitled by", "state", "what", "quantity", "from", "to before", "as of"),
        (
            (
                one["contract_key"],
                one["state"],
                grant["template"],
                grant["quantity"],
                grant["access_from"],
                grant["access_to"] or "",
                instant(one["as_of"]),
            )
            for one in view["entitlements"]
            for grant in one["grants"]
        ),
        empty="nothing is granted",
    )
    for line in view["notes"]:
        output.note(f"note: {line}")


def _compared(contract: dict[str, Any]) -> str:
    if contract["compared_at"] is None:
        return "never"
    count = contract["differences"]
    said = "nothing differs" if not count else f"{count} differ"
    return f"{said}, {instant(contract['compared_at'])}"
