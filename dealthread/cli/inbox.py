"""`dealthread inbox`: messages that were refused or are held, and taking them up again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from dealthread.cli import output
from dealthread.cli.process_api import As, Json, at, connect

inbox = typer.Typer(help="Messages that came in and went no further.", no_args_is_help=True)


class Stopped(StrEnum):
    """Where a message may stand."""

    REFUSED = "refused"
    HELD = "held"


@inbox.command("list")
def list_(
    state: Annotated[
        Stopped, typer.Option(help="refused: not understood; held: no consumer yet.")
    ] = Stopped.REFUSED,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    who: As = None,
    as_json: Json = False,
) -> None:
    """List such messages, oldest first, with their owner and age."""
    with connect(who) as api:
        answer = api.get("/inbox", {"state": state.value, "limit": limit})
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("id", "came", "from", "account", "message", "owner", "outcome"),
        (
            (
                one["id"],
                output.since(one["received_at"]),
                one["source"],
                one["account"],
                one["message_id"],
                one["owner"],
                one["outcome"],
            )
            for one in answer.json()
        ),
        empty=f"no message is {state.value}",
    )


@inbox.command()
def replay(
    row_id: Annotated[int, typer.Argument(metavar="ID", min=1, help="Its id in the list.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit log.", show_default=False)],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Take a refused message up once more, after its cause was mended."""
    with connect(who) as api:
        answer = api.post(
            at("inbox", str(row_id), "replays"), {"reason": reason}, look="dealthread inbox list"
        )
    if as_json:
        output.raw(answer.text)
        return
    output.say(f"message {row_id} is taken up again; should it be refused: dealthread inbox list")
