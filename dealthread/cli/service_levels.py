"""`dealthread service-levels`: what is late between a won deal and the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from dealthread.cli import output
from dealthread.cli.failures import PROBLEM
from dealthread.cli.process_api import As, Json, connect


def service_levels(
    check: Annotated[
        bool, typer.Option("--check", help="For a monitor: exit code 1 when anything is late.")
    ] = False,
    who: As = None,
    as_json: Json = False,
) -> None:
    """List what is late now, by service level, the longest first."""
    with connect(who) as api:
        answer = api.get("/service-levels")
    found = answer.json()
    if as_json:
        output.raw(answer.text)
    else:
        output.table(
            ("level", "within", "late for", "at risk", "customer", "seller", "case", "next step"),
            (
                (
                    one["level"].replace("_", " "),
                    f"{one['within_hours']} h",
                    f"{one['late_hours']} h",
                    output.money(one["money"]),
                    " ".join(filter(None, (one["customer_name"], one["contract_key"]))),
                    " ".join(filter(None, (one["legal_entity"], one["region"]))),
                    one["case_id"],
                    one["next_step"],
                )
                for one in found["late"]
            ),
            empty="nothing is late",
        )
        for blind in found["not_looked_at"]:
            output.say(f"not looked at: {blind}")
    if check and found["late"]:
        raise typer.Exit(PROBLEM)
