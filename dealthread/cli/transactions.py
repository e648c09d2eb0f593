"""`dealthread deals|list|show|trace|uncertain|outcomes`: ask for a deal, see where it stands."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dealthread.cli import output, tracing, words
from dealthread.cli.process_api import AnyId, As, Json, ProcessApi, at, connect

deals = typer.Typer(help="Deals as the CRM knows them.", no_args_is_help=True)


@deals.command()
def submit(
    deal_id: Annotated[
        str, typer.Argument(help="The opportunity's Salesforce id, 15 or 18 characters.")
    ],
    org: Annotated[
        str, typer.Option(help="Salesforce organisation, where there are several.")
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Run anew a deal that ended compensated or cancelled.")
    ] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Ask for a deal's quote-to-cash. Asking twice changes nothing."""
    with connect(who) as api:
        answer = api.post(
            at("deals", deal_id, "quote-to-cash"),
            {"org": org, "again": again},
            look=f"dealthread show {deal_id}",
        )
    if as_json:
        output.raw(answer.text)
        return
    made = answer.json()
    told = "accepted" if made["created"] else "known already, nothing was started"
    output.say(f"{told}: {made['business_key']}, run {made['generation']}")
    output.say(f"contract {made['contract_key']}: dealthread show {made['contract_key']}")


def list_(
    stage: Annotated[str, typer.Option(help="Only runs at this stage.")] = "",
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only runs that wait for a person's decision.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    who: As = None,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    with connect(who) as api:
        answer = api.get("/transactions", {"limit": limit, "stage": stage, "stuck": stuck})
    if as_json:
        output.raw(answer.text)
        return
    runs = answer.json()
    output.table(
        ("deal", "customer", "money", "seller", "stage", "since (UTC)", "contract", "case"),
        (
            (
                run["deal_id"],
                run["customer_name"],
                output.money(run["tcv"]),
                run["seller"],
                run["outcome"] or run["stage"],
                output.instant(run["ended_at"] or run["stage_at"]),
                run["contract_key"],
                run["case_id"],
            )
            for run in runs
        ),
        empty="nothing is stuck" if stuck else "no run: `dealthread deals submit DEAL_ID`",
    )


def show(any_id: AnyId, who: As = None, as_json: Json = False) -> None:
    """Show one transaction: who, how much, where it stands, every native id."""
    with connect(who) as api:
        answer = api.get(at("transactions", any_id))
        if as_json:
            output.raw(answer.text)
            return
        view = answer.json()
        output.facts(words.header(view, _case_of(api, view)))
    output.say()
    output.table(
        ("record", "system", "account", "native id"),
        ((ref["kind"], ref["system"], ref["account"], ref["native_id"]) for ref in view["refs"]),
        empty="no record in any system yet",
    )
    lines = (view["contract"] or {}).get("lines", ())
    if lines:
        output.say()
        output.table(
            ("line", "product", "quantity", "unit price", "from", "to before", "committed"),
            (_line(line) for line in lines),
            empty="",
        )


def _line(line: dict[str, Any]) -> tuple[object, ...]:
    price = line["unit_price"]
    return (
        line["line_key"],
        line["product_code"],
        line["quantity"],
        f"{price['amount']} {price['currency']}",
        line["start_date"],
        line["end_date"] or "",
        output.money(line["committed_net"]),
    )


def trace(any_id: AnyId, who: As = None, as_json: Json = False) -> None:
    """Tell a deal's life: deal, subscription, booking, entitlement, with times and native ids."""
    with connect(who) as api:
        answer = api.get(at("transactions", any_id, "trace"))
        if as_json:
            output.raw(answer.text)
            return
        view = api.get(at("transactions", any_id)).json()
        case = _case_of(api, view)
    told = answer.json()
    output.facts(words.header(view, case))
    output.say()
    output.table(
        ("record", "written (UTC)", "system", "account", "native id"),
        tracing.chain(view, told),
        empty="",
    )
    output.say()
    output.table(
        ("when (UTC)", "what", "about", "who", "ids"),
        tracing.lines(told),
        empty="nothing has happened yet: the relay has not taken it up (`dealthread status`)",
    )


def _case_of(api: ProcessApi, view: dict[str, Any]) -> dict[str, Any] | None:
    case_id = view["transaction"]["case_id"]
    if not case_id:
        return None
    case: dict[str, Any] = api.get(at("cases", case_id)).json()
    return case


def uncertain(who: As = None, as_json: Json = False) -> None:
    """List writes whose effect is not known yet, oldest first."""
    with connect(who) as api:
        answer = api.get("/uncertain")
    if as_json:
        output.raw(answer.text)
        return
    show_writes(answer.json(), empty="no write is uncertain")


def show_writes(writes: list[dict[str, Any]], empty: str) -> None:
    """Journal rows as a table."""
    output.table(
        ("contract", "step", "system", "state", "first sent (UTC)", "attempts", "money", "key"),
        (
            (
                write["contract_key"],
                write["step"],
                write["system"],
                " ".join(filter(None, (write["state"], write["evidence"].get("code")))),
                output.instant(write["first_sent_at"]),
                write["attempts"],
                output.money(write["money"]),
                write["key"],
            )
            for write in writes
        ),
        empty=empty,
    )


def outcomes(who: As = None, as_json: Json = False) -> None:
    """Count runs by outcome."""
    with connect(who) as api:
        answer = api.get("/outcomes")
    if as_json:
        output.raw(answer.text)
        return
    output.table(("outcome", "runs"), sorted(answer.json().items()), empty="no run yet")
