"""`dealthread cases`: what people must decide, and their decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from dealthread.cli import output, words
from dealthread.cli.change_forms import day
from dealthread.cli.process_api import As, Json, at, connect
from dealthread.domain.case import DecisionKind

cases = typer.Typer(help="What people must decide, and their decisions.", no_args_is_help=True)

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, CASE-….")]
Reason = Annotated[str, typer.Option(help="Why, for the audit log.", show_default=False)]
Version = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="The version you decided on; refused if the case has moved on. "
        "Otherwise the present one.",
        show_default=False,
    ),
]


@cases.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    queue: Annotated[str, typer.Option(help="Only this owner's, e.g. deal-desk.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    who: As = None,
    as_json: Json = False,
) -> None:
    """List open cases, oldest first."""
    query: dict[str, str | int | bool] = {"queue": queue, "limit": limit}
    if everything:
        query["any_state"] = True
    with connect(who) as api:
        answer = api.get("/cases", query)
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("case", "version", "queue", "decide by (UTC)", "at risk", "customer", "what", "state"),
        (
            (
                case["case_id"],
                case["version"],
                case["queue"],
                output.instant(case["decide_by"]),
                output.money(case["money_at_risk"]),
                case["customer_name"],
                case["summary"],
                case["state"],
            )
            for case in answer.json()
        ),
        empty="no case waits for a decision",
    )


@cases.command()
def show(case_id: CaseId, who: As = None, as_json: Json = False) -> None:
    """Show one case: what is wrong, what is blocked, what may be decided."""
    with connect(who) as api:
        answer = api.get(at("cases", case_id))
    if as_json:
        output.raw(answer.text)
        return
    case = answer.json()
    output.facts(
        [
            ("case", f"{case['case_id']}, version {case['version']}, {case['state']}"),
            ("customer", " ".join(filter(None, (case["customer_name"], case["customer_key"])))),
            ("seller", " ".join(filter(None, (case["legal_entity"], case["region"])))),
            ("contract", case["contract_key"]),
            ("run", case["business_key"]),
            ("asked by", case["requested_by"]),
            ("opened", f"{output.instant(case['opened_at'])} ({output.since(case['opened_at'])})"),
            ("at step", case["step"]),
            ("then blocked", ", ".join(case["blocked_steps"])),
            *((f"· {name}", value) for name, value in case["evidence"].items()),
            *_standing(case),
        ]
    )


def _standing(case: dict[str, Any]) -> list[words.Labelled]:
    if case["state"] == "open":
        return words.stuck(case, seen=True)
    decision = " by ".join(filter(None, (case["decision"], case["decided_by"])))
    return [
        ("was", f"{case['summary']} [{case['kind']}]"),
        ("decided", f"{decision or 'yes'} at {output.instant(case['decided_at'])} UTC"),
    ]


@cases.command()
def retry(
    case_id: CaseId,
    reason: Reason,
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Try the step again, as it is."""
    _decide(case_id, DecisionKind.RETRY, reason, version, who, as_json)


@cases.command("retry-with")
def retry_with(
    case_id: CaseId,
    reason: Reason,
    values: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="A correction, e.g. po_number=4500098765 or product_map.SEAT-EDU=SEAT-STD. "
            "May be given several times.",
            show_default=False,
        ),
    ],
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Try the step again with corrections over what the CRM says."""
    correction = corrections(values)
    _decide(case_id, DecisionKind.RETRY_WITH, reason, version, who, as_json, correction=correction)


@cases.command()
def link(
    case_id: CaseId,
    reason: Reason,
    to: Annotated[
        str, typer.Option(help="Native id of the document to adopt.", show_default=False)
    ],
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Adopt a document that exists already, after it was read back."""
    _decide(case_id, DecisionKind.LINK, reason, version, who, as_json, link_to=to)


@cases.command()
def skip(
    case_id: CaseId,
    reason: Reason,
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Go on without the step, where it allows that."""
    _decide(case_id, DecisionKind.SKIP, reason, version, who, as_json)


@cases.command()
def abort(
    case_id: CaseId,
    reason: Reason,
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Stop the deal and undo what was done; only before the pivot."""
    _decide(case_id, DecisionKind.ABORT, reason, version, who, as_json)


@cases.command()
def approve(
    case_id: CaseId,
    reason: Reason,
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Approve, as a person other than the one who asked."""
    _decide(case_id, DecisionKind.APPROVE, reason, version, who, as_json)


@cases.command()
def reject(
    case_id: CaseId,
    reason: Reason,
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Reject, as a person other than the one who asked."""
    _decide(case_id, DecisionKind.REJECT, reason, version, who, as_json)


@cases.command("hand-over")
def hand_over(
    case_id: CaseId,
    reason: Reason,
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Let somebody else pursue the claim; a payment still gives back what was suspended."""
    _decide(case_id, DecisionKind.HAND_OVER, reason, version, who, as_json)


@cases.command()
def extend(
    case_id: CaseId,
    reason: Reason,
    until: Annotated[
        str,
        typer.Option(metavar="DATE", help="Last day of the extension.", show_default=False),
    ],
    version: Version = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Give more time to pay; after that day the case comes again."""
    last = day(until, "--until")
    _decide(case_id, DecisionKind.EXTEND, reason, version, who, as_json, until=last)


def corrections(values: Sequence[str]) -> dict[str, Any]:
    """`field=value` and `field.key=value` as the API takes them; the API checks the fields."""
    made: dict[str, Any] = {}
    for pair in values:
        name, equals, value = pair.partition("=")
        field, dot, key = name.partition(".")
        if not equals or not field or (dot and not key):
            raise typer.BadParameter(f"{pair!r} is not FIELD=VALUE", param_hint="--set")
        if not dot:
            made[field] = value
        elif isinstance(made.setdefault(field, {}), dict):
            made[field][key] = value
        else:
            raise typer.BadParameter(f"{field} is given both ways", param_hint="--set")
    return made


def _decide(
    case_id: str,
    decision: DecisionKind,
    reason: str,
    version: int | None,
    who: Any,
    as_json: bool,
    **more: Any,
) -> None:
    with connect(who) as api:
        if version is None:
            version = int(api.get(at("cases", case_id)).json()["version"])
        answer = api.post(
            at("cases", case_id, "decisions"),
            {"version": version, "decision": decision, "reason": reason, **more},
            look=f"dealthread cases show {case_id}",
        )
    if as_json:
        output.raw(answer.text)
        return
    case = answer.json()
    output.say(f"decided: {decision.replace('_', ' ')} on {case['case_id']}, version {version}")
    output.say(f"it reaches the run within seconds: dealthread show {case['contract_key']}")
