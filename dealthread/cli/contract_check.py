"""`dealthread contracts check`: what every system says of contracts now."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.failures import PROBLEM
from dealthread.cli.process_api import As, Json, ProcessApi, connect


def check(
    key: Annotated[
        str, typer.Argument(metavar="[KEY]", help="The contract's key, C-….", show_default=False)
    ] = "",
    entity: Annotated[
        str, typer.Option(help="All contracts of this legal entity.", show_default=False)
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="All contracts.")] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Compare contracts with what every system says now; nothing is written anywhere.

    Exit code 1 where something differs that nothing explains, or a system did not answer.
    """
    if sum(map(bool, (key, entity, every))) != 1:
        raise typer.BadParameter("name a contract, or give --entity or --all", param_hint="KEY")
    query = {name: value for name, value in (("contract", key), ("entity", entity)) if value}
    with connect(who) as api:
        pages = _pages(api, query)
    contracts = [one for page in pages for one in page["contracts"]]
    if as_json:
        whole = {"checked_at": pages[0]["checked_at"], "contracts": contracts, "next": ""}
        output.raw(json.dumps(whole, indent=2, ensure_ascii=False))
    else:
        _show(contracts)
    differing = any(not row["is_explained"] for one in contracts for row in one["differences"])
    if differing or any(one["unread"] for one in contracts):
        raise typer.Exit(PROBLEM)


def _pages(api: ProcessApi, query: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while not found or after:
        page = api.get("/contract-check", query | ({"after": after} if after else {})).json()
        found.append(page)
        after = page["next"]
    return found


def _show(contracts: list[dict[str, Any]]) -> None:
    count = len(contracts)
    output.say(f"{count} contract{'' if count == 1 else 's'} compared with every system")
    output.say()
    output.table(
        ("contract", "system", "field", "is", "has to be", "others say", "since", "why", "next"),
        (
            (
                one["contract_key"],
                " ".join(filter(None, (row["system"], row["name"], row["record"]))),
                row["field"],
                row["found"],
                row["wanted"],
                _others(row),
                f"{output.instant(row['since'])}",
                f"{'explained: ' if row['is_explained'] else ''}{row['detail']}",
                " ".join(filter(None, (row["next_step"], one["case_id"]))),
            )
            for one in contracts
            for row in one["differences"]
        ),
        empty="nothing differs",
    )
    unread = [(one["contract_key"], row) for one in contracts for row in one["unread"]]
    for contract_key, row in unread:
        where = " ".join(filter(None, (row["system"], row["account"])))
        output.say(f"not read: {where} of {contract_key}: {row['code']}")
    confirmed = sorted(
        {name for one in contracts for name, by in one["subscribers"].items() if by != "held"}
    )
    for name in confirmed:
        output.say(f"{name} is compared by what it was told and confirmed, not by what it holds")
    pending = [one["contract_key"] for one in contracts if one["state"] == "pending"]
    for contract_key in pending:
        output.say(f"not accepted yet, not compared: dealthread show {contract_key}")


def _others(row: dict[str, Any]) -> str:
    """What the other systems say that hold the field."""
    own = ":".join(filter(None, (row["system"], row["name"])))
    others = [(name, said) for name, said in row["values"].items() if name not in ("hub", own)]
    return ", ".join(f"{name} {said}" for name, said in others)
