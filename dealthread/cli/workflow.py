"""`dealthread workflow`: the runs themselves, on the Temporal server."""

from __future__ import annotations

import importlib
import json
from typing import Annotated, Any

import typer
from temporalio.client import Client

from dealthread.cli import histories, output
from dealthread.cli.failures import PROBLEM, Refused
from dealthread.cli.process_api import at, connect
from dealthread.cli.temporal_runs import (
    CONTRACT,
    Run,
    is_running,
    pivot_crossed,
    resolve,
    with_client,
)
from dealthread.cli.transactions import show_writes
from dealthread.hub import WriteState
from dealthread.settings import Settings
from dealthread.temporal import RPC_TIMEOUT

workflow = typer.Typer(help="The runs themselves, on the Temporal server.", no_args_is_help=True)

RunId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="Business key, contract key, or an id that any connected system gave."
    ),
]
OneRun = Annotated[str, typer.Option("--run-id", help="A certain run of the id, not the latest.")]


@workflow.command()
def signal(
    any_id: RunId,
    name: Annotated[str, typer.Argument(help="The signal, e.g. change_requested.")],
    payload: Annotated[
        str, typer.Option(help="Its one argument, as JSON.", show_default=False)
    ] = "",
) -> None:
    """Send a signal to a running workflow."""
    args = _arguments(payload)
    run = resolve(any_id)

    async def send(client: Client, _: Settings) -> None:
        handle = client.get_workflow_handle(run.workflow_id)
        await handle.signal(name, args=args, rpc_timeout=RPC_TIMEOUT)

    with_client(send)
    output.say(f"signalled {name} to {run.workflow_id}")


def _arguments(payload: str) -> list[Any]:
    if not payload:
        return []
    try:
        return [json.loads(payload)]
    except json.JSONDecodeError as error:
        raise typer.BadParameter(
            f"not JSON ({error.msg} at character {error.pos})", param_hint="--payload"
        ) from None


@workflow.command()
def cancel(any_id: RunId) -> None:
    """Stop a deal's run and undo what it did; only before the pivot."""
    run = resolve(any_id)
    if run.workflow_id.startswith(CONTRACT):
        raise Refused(_not_the_contract(run.workflow_id))

    async def ask(client: Client, _: Settings) -> bool | None:
        handle = client.get_workflow_handle(run.workflow_id)
        running, status = await is_running(handle)
        if not running:
            raise Refused(f"{run.workflow_id} is {status}: there is nothing to cancel")
        crossed = await pivot_crossed(handle)
        if not crossed:
            await handle.cancel(rpc_timeout=RPC_TIMEOUT)
        return crossed

    crossed = with_client(ask)
    if crossed:
        raise Refused(_forward_only(run))
    if crossed is None:
        output.note(
            "whether the pivot is crossed is not known: no worker answers (`dealthread status`); "
            "after the pivot the run takes no notice of a cancellation"
        )
    else:
        output.say("The pivot is not crossed: what was done is undone.")
    output.say(f"cancellation sent to {run.workflow_id}: dealthread workflow history {any_id}")


def _not_the_contract(workflow_id: str) -> str:
    key = workflow_id.removeprefix(CONTRACT)
    return (
        f"{workflow_id} is the contract's record-keeper, not a change: cancelling it would not "
        f"cancel the contract. End the contract with `dealthread contracts cancel {key}`, or stop "
        f"a change that runs with `dealthread workflow cancel {key}`"
    )


def _forward_only(run: Run) -> str:
    case = (
        f" It waits for a decision: `dealthread cases show {run.case_id}`." if run.case_id else ""
    )
    return (
        f"the pivot of {run.workflow_id} is crossed: a cancellation has no effect and was not "
        f"sent.{case} Ending the deal now is a new change: `dealthread contracts cancel`"
    )


@workflow.command()
def terminate(
    any_id: RunId,
    reason: Annotated[
        str, typer.Option(help="Why; kept in the run's history.", show_default=False)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Kill a run where it stands: nothing is undone. Lists the writes it leaves behind."""
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    run = resolve(any_id)
    if not yes:
        typer.confirm(
            f"Terminate {run.workflow_id}? Nothing is undone; "
            "`dealthread workflow cancel` would undo",
            abort=True,
        )

    async def kill(client: Client, _: Settings) -> None:
        handle = client.get_workflow_handle(run.workflow_id)
        running, status = await is_running(handle)
        if not running:
            raise Refused(f"{run.workflow_id} is {status}: there is nothing to terminate")
        await handle.terminate(reason=reason, rpc_timeout=RPC_TIMEOUT)

    with_client(kill)
    output.say(f"terminated {run.workflow_id}")
    _left_behind(run)


def _left_behind(run: Run) -> None:
    with connect() as api:
        writes = api.get(at("writes", run.workflow_id)).json()
    finished = (WriteState.DONE, WriteState.REJECTED)
    unfinished = [write for write in writes if write["state"] not in finished]
    standing = [write for write in writes if write["state"] == WriteState.DONE]
    output.say()
    output.say("Left open, whose effect may exist or not; look each up in its system:")
    show_writes(unfinished, empty="  none")
    output.say()
    output.say("Done, and standing unless undone in this list:")
    show_writes(standing, empty="  none")


@workflow.command()
def history(
    any_id: RunId,
    run_id: OneRun = "",
    payloads: Annotated[
        bool, typer.Option("--payloads", help="With inputs and results, decrypted.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="The raw history, payloads decrypted; the SDKs can replay it."),
    ] = False,
) -> None:
    """List what happened in a run. Payloads hold customers' data: share with care."""
    run = resolve(any_id)

    async def fetch(client: Client, settings: Settings) -> histories.Decoded:
        handle = client.get_workflow_handle(run.workflow_id, run_id=run_id or None)
        return histories.decoded(await handle.fetch_history(), settings.codec())

    found = with_client(fetch)
    if as_json:
        output.raw(found.to_json())
        return
    output.table(
        ("event", "when (UTC)", "what", "about", *(("payload",) if payloads else ())),
        (row if payloads else row[:4] for row in histories.rows(found)),
        empty="no event",
    )


@workflow.command()
def replay(any_id: RunId, run_id: OneRun = "") -> None:
    """Replay a run's stored history on the present code. Exit code 1 when it does not replay."""
    run = resolve(any_id)
    # Loaded when asked for: it brings every adapter with it, which takes seconds.
    replaying = importlib.import_module("dealthread.cli.replaying")

    async def rerun(client: Client, settings: Settings) -> tuple[int, str]:
        handle = client.get_workflow_handle(run.workflow_id, run_id=run_id or None)
        stored = await handle.fetch_history()
        return len(stored.events), await replaying.failure(stored, settings)

    events, failure = with_client(rerun)
    if failure:
        output.complain(f"{run.workflow_id} does not replay on the present code: {failure}")
        raise typer.Exit(PROBLEM)
    output.say(f"{run.workflow_id} replays on the present code ({events} events)")
