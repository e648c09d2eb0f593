"""`dealthread events` and `subscribers`: what was told, to whom, and telling it again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.process_api import As, Json, at, connect

events = typer.Typer(help="Business events that were told, and replays.", no_args_is_help=True)
subscribers = typer.Typer(help="Who gets events, and whether they answer.", no_args_is_help=True)

Key = Annotated[str, typer.Option(help="Only of this contract or customer, or this event id.")]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        help="Only these, e.g. contract.* or invoice.posted; several times.",
        show_default=False,
    ),
]
Since = Annotated[
    str, typer.Option(help="Told from this time on, e.g. 2026-03-01T00:00:00Z.", show_default=False)
]
Until = Annotated[str, typer.Option(help="Told before this time.", show_default=False)]


@events.command("list")
def list_(
    key: Key = "",
    types: Types = None,
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    who: As = None,
    as_json: Json = False,
) -> None:
    """List events, newest first, with how many subscribers have each."""
    query: dict[str, Any] = {"limit": limit, **_wanted(key, types, since, until)}
    with connect(who) as api:
        answer = api.get("/events", query)
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("told (UTC)", "event", "type", "of", "delivered", "waiting", "failed"),
        (
            (
                output.instant(one["created_at"]),
                one["id"],
                one["type"],
                one["subject"],
                one["delivered"],
                one["pending"],
                one["failed"],
            )
            for one in answer.json()
        ),
        empty="no such event",
    )


@events.command()
def show(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id, evt_….")],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Show one event as it was sent, and each subscriber's delivery."""
    with connect(who) as api:
        answer = api.get(at("events", event_id))
    if as_json:
        output.raw(answer.text)
        return
    found = answer.json()
    event = found["event"]
    output.facts(
        [
            ("event", event["id"]),
            ("type", event["type"]),
            ("of", event["subject"]),
            ("at (business time)", output.instant(event["time"])),
            *((f"· {name}", value) for name, value in event["data"].items()),
        ]
    )
    output.table(
        ("subscriber", "state", "attempts", "answer", "delivered (UTC)", "next (UTC)", "replay"),
        (
            (
                one["subscriber"],
                one["state"],
                one["attempts"],
                one["answer"],
                output.instant(one["delivered_at"]),
                output.instant(one["next_attempt_at"]),
                one["replay_id"],
            )
            for one in found["deliveries"]
        ),
        empty="no subscriber asks for it",
    )


@events.command()
def replay(
    subscriber: Annotated[str, typer.Argument(help="Who is to get them again.")],
    key: Key = "",
    types: Types = None,
    since: Since = "",
    until: Until = "",
    rate: Annotated[int, typer.Option(min=1, max=50, help="Events a second.")] = 10,
    execute: Annotated[
        str,
        typer.Option(
            metavar="TOKEN",
            help="Send them: the token that the dry run of the same filter printed.",
            show_default=False,
        ),
    ] = "",
    who: As = None,
    as_json: Json = False,
) -> None:
    """Send events again to one subscriber. First a dry run that counts; consumers know a repeat
    by its id."""
    body: dict[str, Any] = {
        "subscriber": subscriber,
        **_wanted(key, types, since, until),
        "rate_per_second": rate,
        "dry_run": not execute,
        "token": execute,
    }
    with connect(who) as api:
        answer = api.post("/events/replays", body, look="dealthread events replays")
    if as_json:
        output.raw(answer.text)
        return
    found = answer.json()
    if found["dry_run"]:
        plan = found["plan"]
        output.say(f"{plan['count']} events would go to {subscriber} again; nothing was sent")
        for kind, count in plan["by_type"].items():
            output.say(f"  {count} {kind}")
        if plan["sample"]:
            output.say("the first: " + ", ".join(plan["sample"]))
            output.say(f"to send them: the same command with --execute {plan['token']}")
        return
    asked = found["replay"]
    output.say(
        f"{asked['replay_id']}: {asked['count']} events go to {subscriber} again, "
        f"{asked['rate_per_second']} a second: dealthread events replays"
    )


@events.command()
def replays(who: As = None, as_json: Json = False) -> None:
    """List replays, newest first, with what came of each."""
    with connect(who) as api:
        answer = api.get("/events/replays")
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("replay", "asked (UTC)", "by", "subscriber", "events", "delivered", "waiting", "failed"),
        (
            (
                one["replay_id"],
                output.instant(one["created_at"]),
                one["actor"],
                one["subscriber"],
                one["count"],
                one["delivered"],
                one["pending"],
                one["failed"],
            )
            for one in answer.json()
        ),
        empty="nothing was replayed",
    )


@subscribers.command("list")
def list_subscribers(who: As = None, as_json: Json = False) -> None:
    """List subscribers: state, what waits for each, and since when one fails."""
    with connect(who) as api:
        answer = api.get("/subscribers")
    if as_json:
        output.raw(answer.text)
        return
    output.table(
        ("subscriber", "kind", "state", "waiting", "failed", "failing since (UTC)", "last code"),
        (
            (
                one["name"],
                one["kind"],
                one["standing"]["state"],
                one["standing"]["waiting"],
                one["standing"]["failed"],
                output.instant(one["standing"]["failing_since"]),
                one["standing"]["last_code"],
            )
            for one in answer.json()
        ),
        empty="no subscriber is configured (DEALTHREAD_SUBSCRIBERS)",
    )


@subscribers.command()
def enable(
    name: Annotated[str, typer.Argument(help="The subscriber's name in the settings.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit log.", show_default=False)],
    who: As = None,
    as_json: Json = False,
) -> None:
    """Ask a disabled subscriber again; what waited goes out at once."""
    with connect(who) as api:
        answer = api.post(
            at("subscribers", name, "enable"),
            {"reason": reason},
            look="dealthread subscribers list",
        )
    if as_json:
        output.raw(answer.text)
        return
    output.say(f"{name} is asked again; {answer.json()['standing']['waiting']} events wait for it")


def _wanted(key: str, types: list[str] | None, since: str, until: str) -> dict[str, Any]:
    given = {"key": key, "types": types or [], "since": since, "until": until}
    return {name: value for name, value in given.items() if value}
