"""`dealthread adopt`: the book that was there before us becomes contracts (docs/adopt.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.output import money
from dealthread.cli.process_api import As, Json, at, connect

adopt = typer.Typer(
    help="Adopt an existing book: propose, say what is not certain, approve (docs/adopt.md).",
    no_args_is_help=True,
)

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="Id of the plan, AP-….")]
Company = Annotated[
    str, typer.Option("--company", metavar="ENTITY", help="Code of the legal entity.")
]
_DAYS = ["%Y-%m-%d"]


@adopt.command()
def propose(
    company: Company,
    as_of: Annotated[
        datetime,
        typer.Option(
            "--as-of",
            formats=_DAYS,
            help="The opening: the first day, of a month, whose revenue is ours.",
        ),
    ],
    won_from: Annotated[
        datetime | None,
        typer.Option(formats=_DAYS, help="Leave out deals won before; five years by default."),
    ] = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Read CRM, biller and ledger and propose what becomes ours. Writes nothing but the plan."""
    body: dict[str, Any] = {"as_of": f"{as_of:%Y-%m-%d}"}
    if won_from is not None:
        body["won_from"] = f"{won_from:%Y-%m-%d}"
    with connect(who) as api:
        answer = api.post(at("adoption", company, "plans"), body, look="dealthread adopt list")
    if as_json:
        output.raw(answer.text)
        return
    told = answer.json()
    if told["outcome"] == "running":
        output.say(f"the book of {company} is being read: dealthread adopt list")
        return
    output.say(f"plan {told['plan_id']}: {told['contracts']} contracts would be adopted")
    _totals(told["totals"])
    _unmatched(told["unmatched"], told["unmatched_count"])
    output.say()
    if told["is_tied"]:
        output.say(f"the opening ties to the ledger: dealthread adopt show {told['plan_id']}")
    else:
        output.say("the opening is not the ledger's: settle what is listed, and propose again")


@adopt.command("list")
def list_(
    company: Annotated[str, typer.Option("--company", metavar="ENTITY")] = "",
    who: As = None,
    as_json: Json = False,
) -> None:
    """The newest plans and how far they are."""
    with connect(who) as api:
        answer = api.get(at("adoption", "plans"), {"seller": company} if company else None)
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("plan", "company", "as of", "state", "contracts", "written", "active", "ties", "by"),
        (
            (
                one["plan_id"],
                one["seller"],
                one["as_of"],
                one["state"],
                one["contracts"],
                one["written"],
                one["active"],
                "yes" if one["is_tied"] else "no",
                one["proposed_by"],
            )
            for one in answer.json()
        ),
        empty="nothing was proposed",
    )


@adopt.command()
def show(plan: PlanId, who: As = None, as_json: Json = False) -> None:
    """Everything that a plan proposes, with its reasons, and the digest to approve."""
    with connect(who) as api:
        answer = api.get(at("adoption", "plans", plan))
    if as_json:
        output.raw(answer.text)
        return
    told = answer.json()
    output.facts(
        [
            ("plan", f"{told['plan_id']}, {told['state']}"),
            ("company", told["seller"]),
            ("opening", told["as_of"]),
            (
                "contracts",
                f"{told['contracts']}, {told['written']} written, {told['active']} active",
            ),
            ("proposed by", told["proposed_by"]),
            ("approved by", told["approved_by"]),
            ("digest", told["digest"]),
        ]
    )
    _totals(told["totals"])
    output.say()
    _proposals(told["proposals"])
    _unmatched(told["unmatched"], len(told["unmatched"]))


@adopt.command()
def answer(
    deal: Annotated[str, typer.Argument(metavar="DEAL", help="Id of the deal in the CRM.")],
    company: Company,
    subscription: Annotated[str, typer.Option(help="The biller's subscription of it.")] = "",
    party: Annotated[str, typer.Option(help="The ledger's customer: its internal id.")] = "",
    done: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE", help="A service accepted before the opening; repeatable."),
    ] = None,
    waiting: Annotated[
        list[str] | None,
        typer.Option(metavar="LINE", help="A service billed and not yet accepted; repeatable."),
    ] = None,
    deferred: Annotated[
        str,
        typer.Option(
            metavar="'AMOUNT CURRENCY'",
            help="What the ledger has deferred of it, where its rounding differs: '4178.13 USD'.",
        ),
    ] = "",
    who: As = None,
    as_json: Json = False,
) -> None:
    """Say of a deal what the systems alone do not tell; then propose again."""
    body: dict[str, Any] = {
        "deal_id": deal,
        "subscription_id": subscription,
        "party_id": party,
        "done_lines": done or [],
        "waiting_lines": waiting or [],
    }
    if deferred:
        amount, _, currency = deferred.partition(" ")
        if not currency:
            raise typer.BadParameter("give amount and currency", param_hint="--deferred")
        body["deferred"] = {"amount": amount, "currency": currency}
    with connect(who) as api:
        kept = api.post(at("adoption", company, "answers"), body, look="dealthread adopt list")
    if as_json:
        output.raw(kept.text)
        return
    output.say(f"kept, said by {kept.json()['said_by']}: dealthread adopt propose")


@adopt.command()
def approve(
    plan: PlanId,
    digest: Annotated[str, typer.Option(help="As `adopt show` prints it.", show_default=False)],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Carry out the plan with this digest, as somebody who did not ask for it."""
    with connect(who) as api:
        done = api.post(
            at("adoption", "plans", plan, "approvals"),
            {"digest": digest},
            look=f"dealthread adopt show {plan}",
        )
    if as_json:
        output.raw(done.text)
        return
    told = done.json()
    if told["outcome"] == "running":
        output.say(f"{plan} is being carried out: dealthread adopt list")
        return
    output.say(
        f"{told['written']} contracts are written; each becomes active when our references are in "
        f"every system: dealthread adopt list"
    )


# ------------------------------------------------------------ parts


def _totals(rows: list[dict[str, Any]]) -> None:
    output.say()
    output.table(
        ("account", "", "adopted", "ours already", "ledger", "difference"),
        (
            (
                one["account"],
                one["what"],
                money(one["adopted"]),
                money(one["own"]),
                money(one["ledger"]),
                money(one["difference"]),
            )
            for one in rows
        ),
        empty="",
    )


def _unmatched(rows: list[dict[str, Any]], count: int) -> None:
    if not rows:
        return
    output.say()
    output.table(
        ("not adopted", "id", "cause", "detail", "may be"),
        (
            (
                one["kind"],
                one["native_id"],
                one["cause"],
                one["detail"],
                ", ".join(one["candidates"]),
            )
            for one in rows
        ),
        empty="",
    )
    if count > len(rows):
        output.say(f"and {count - len(rows)} more")


def _proposals(rows: list[dict[str, Any]]) -> None:
    output.table(
        (
            "contract",
            "deal",
            "customer",
            "subscription",
            "party",
            "billed",
            "recognised",
            "deferred",
            "owes",
        ),
        (
            (
                one["adopted"]["contract"]["key"],
                one["adopted"]["contract"]["deal_id"],
                one["customer_name"],
                one["subscription"]["native_id"],
                f"{one['party']['native_id']} ({one['party_code']})",
                money(one["adopted"]["opening"]["billed"]),
                money(one["adopted"]["opening"]["recognised"]),
                money(one["adopted"]["opening"]["deferred"]),
                ", ".join(
                    f"{invoice['bill']['number']} {money(invoice['bill']['remaining'])}"
                    for invoice in one["invoices"]
                ),
            )
            for one in rows
        ),
        empty="no contract would be adopted",
    )
    output.say()
    output.table(
        ("deal", "match", "id", "confidence", "because"),
        (
            (
                one["adopted"]["contract"]["deal_id"],
                match["what"],
                match["native_id"],
                match["confidence"],
                match["reason"],
            )
            for one in rows
            for match in one["matches"]
        ),
        empty="",
    )
    output.say()
    output.table(
        ("contract", "line", "month", "account", "amount"),
        (
            (
                one["adopted"]["contract"]["key"],
                row["line_key"],
                row["month"][:7],
                row["account"],
                money(row["amount"]),
            )
            for one in rows
            for row in one["adopted"]["schedule"]
        ),
        empty="",
    )
