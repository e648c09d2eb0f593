"""`dealthread close`: a legal entity's month, looked at, signed and closed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dealthread.cli import output
from dealthread.cli.failures import PROBLEM, Refused
from dealthread.cli.process_api import As, Json, NotThere, ProcessApi, at, connect

_MARKS = {"done": "✔", "open": "✘", "noted": "!", "not_checked": "?"}


def close(
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="Code of the legal entity.")],
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="The month, YYYY-MM.")],
    show: Annotated[
        bool, typer.Option("--show", help="Only show where it stands; begin nothing.")
    ] = False,
    sign: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Sign what was found. Who began it may not."),
    ] = None,
    reject: Annotated[
        str | None, typer.Option(metavar="REASON", help="Refuse to sign: the month stays open.")
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the evidence there: JSON and entries."),
    ] = None,
    who: As = None,
    as_json: Json = False,
) -> None:
    """Close a month of a legal entity, or show where its closing stands.

    Exit code 1 while anything stands in the way.
    """
    chosen = [one for one in (show or None, sign, reject, evidence) if one is not None]
    if len(chosen) > 1:
        raise typer.BadParameter("give one of --show, --sign, --reject and --evidence")
    with connect(who) as api:
        if evidence is not None:
            _write(api, entity, period, evidence)
            return
        if sign is not None or reject is not None:
            answer = _signed(api, entity, period, sign, reject)
        else:
            answer = _begun(api, entity, period, only_show=show)
    if as_json:
        output.raw(answer.text)
    else:
        _show(answer.json())
    if any(one["state"] == "open" for one in answer.json()["items"]):
        raise typer.Exit(PROBLEM)


def _begun(api: ProcessApi, entity: str, period: str, *, only_show: bool) -> Any:
    """Where it stands; begun where it is not under way."""
    path = at("closes", entity, period)
    look = f"dealthread close {entity} {period} --show"
    try:
        found = api.get(path)
    except NotThere:
        if only_show:
            raise
        return api.post(path, {}, look=look)
    if only_show or found.json()["state"] == "closed":
        return found
    return api.post(path, {}, look=look)


def _signed(api: ProcessApi, entity: str, period: str, sign: str | None, reject: str | None) -> Any:
    reason = (sign if sign is not None else reject or "").strip()
    if not reason:
        raise typer.BadParameter("say why", param_hint="--sign" if sign is not None else "--reject")
    path = at("closes", entity, period)
    found = api.get(path).json()
    return api.post(
        path + "/signature",
        {
            "fingerprint": found["fingerprint"],
            "reason": reason,
            "reject": sign is None,
        },
        look=f"dealthread close {entity} {period} --show",
    )


def _write(api: ProcessApi, entity: str, period: str, folder: Path) -> None:
    path = at("closes", entity, period)
    name = f"{entity}-{period}"
    told = api.get(path + "/evidence").text
    entries = api.get(path + "/journal").text
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(told, encoding="utf-8")
        (folder / f"{name}.journal").write_text(entries, encoding="utf-8")
    except OSError as error:
        raise Refused(
            f"{folder}: {error.strerror or 'cannot be written'}; name another folder"
        ) from None
    output.say(f"{folder / name}.json and {folder / name}.journal")


def _show(told: dict[str, Any]) -> None:
    output.say(f"{told['seller']} {told['period']}, attempt {told['number']}: {_stands(told)}")
    if not told["items"]:
        return
    output.table(
        ("", "what", "owner", "found", ""),
        (
            (
                _MARKS[one["state"]],
                one["title"],
                one["owner"],
                str(one["count"]) if one["count"] else "",
                one["lines"][0] if one["lines"] and one["state"] != "done" else "",
            )
            for one in told["items"]
        ),
        empty="",
    )
    if told["fingerprint"]:
        output.say(f"evidence {told['fingerprint'][:16]}, begun by {told['begun_by']}")


def _stands(told: dict[str, Any]) -> str:
    if told["state"] == "closed":
        return f"closed, signed by {told['signed_by']}: {told['reason']}"
    if told["state"] == "stopped":
        why = f": {told['reason']}" if told["reason"] else ""
        return f"stopped{why}; the month is open"
    if told["waits_for"] == "close.sign_off":
        return (
            "waits for another person's signature: "
            f"dealthread close {told['seller']} {told['period']} --sign REASON"
        )
    if told["case_id"]:
        return (
            f"waits for a person: dealthread cases show {told['case_id']}; once it is put right, "
            f"dealthread cases retry {told['case_id']}"
        )
    return "under way"
