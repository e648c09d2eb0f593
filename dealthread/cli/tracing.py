"""A deal's life as lines: the chain of records it left behind, and what happened when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dealthread.cli.output import instant

Row = tuple[str, ...]

# Order of the chain, as the business tells it: system and kind of record → its name.
_CHAIN = (
    ("crm", "opportunity", "deal"),
    ("crm", "account", "customer in the CRM"),
    ("billing", "customer", "customer at the biller"),
    ("billing", "subscription", "subscription"),
    ("billing", "invoice", "invoice"),
    ("erp", "customer", "customer in the ERP"),
    ("erp", "booking", "booking"),
    ("entitlement", "entitlement", "entitlement"),
    ("crm", "contract", "contract in the CRM"),
)
_PLACES = {(system, kind): place for place, (system, kind, _) in enumerate(_CHAIN)}
_NAMES = {(system, kind): name for system, kind, name in _CHAIN}

_EVENTS = {
    "message.received": "message received",
    "contract.pending": "deal assessed",
    "write.intent": "about to write",
    "write.done": "written",
    "write.unknown": "answer lost",
    "write.rejected": "refused",
    "event.published": "event told",
    "case.opened": "case opened",
    "case.decided": "case decided",
    "case.decision_denied": "decision denied",
    "change.ended": "run ended",
}
_CORE = ("subscription", "booking", "entitlement")
"""What every completed deal has; told when it is missing."""
_PAIR = re.compile(r"(\w+)=(.*?)(?:, (?=\w+=)|$)")
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_STEP = re.compile(r"(?P<run>\d+)/(?P<step>[^/ ]+)/(?P<way>do|undo)\b ?(?P<rest>.*)", re.DOTALL)


def chain(view: dict[str, Any], trace: list[dict[str, Any]]) -> list[Row]:
    """Deal → customer → subscription → booking → entitlement: when, where, native id.

    A record without a time was read, not written by us. What a completed deal has and this one
    has not yet is told, too.
    """
    run = view["transaction"]
    written: dict[str, str] = {}
    for entry in trace:
        for ref in entry["native_ids"]:
            written.setdefault(ref, entry["at"])
    refs = [ref for ref in view["refs"] if (ref["system"], ref["kind"]) != ("crm", "opportunity")]
    rows: list[Row] = [
        ("deal", instant(run["created_at"]), "crm", run["org"], run["deal_id"]),
    ]
    for ref in sorted(refs, key=_place):
        key = f"{ref['system']}:{ref['account']}:{ref['kind']}:{ref['native_id']}"
        name = _NAMES.get((ref["system"], ref["kind"]), ref["kind"])
        rows.append(
            (name, instant(written.get(key)), ref["system"], ref["account"], ref["native_id"])
        )
    present = {row[0] for row in rows}
    rows += [(name, "none so far", "", "", "") for name in _CORE if name not in present]
    return rows


def _place(ref: dict[str, Any]) -> int:
    return _PLACES.get((ref["system"], ref["kind"]), len(_CHAIN))


def lines(trace: list[dict[str, Any]]) -> Iterator[Row]:
    """What happened, oldest first: time, event, what it was about, who, native ids.

    The intent of a write that was written is left out: only one that stayed open says something.
    """
    finished = {
        found["run"] + found["step"] + found["way"]
        for entry in trace
        if entry["what"] != "write.intent" and (found := _STEP.match(entry["detail"]))
    }
    for entry in trace:
        found = _STEP.match(entry["detail"])
        about = entry["detail"]
        if found:
            if (
                entry["what"] == "write.intent"
                and found["run"] + found["step"] + found["way"] in finished
            ):
                continue
            again = f", run {found['run']}" if found["run"] != "1" else ""
            undo = "undo of " if found["way"] == "undo" else ""
            about = f"{undo}{found['step']}{again}{_where(dict(_PAIR.findall(found['rest'])))}"
        ids = " ".join(one.rsplit(":", 1)[-1] for one in entry["native_ids"])
        yield (
            instant(entry["at"]),
            _EVENTS.get(entry["what"], entry["what"]),
            _HASH.sub(r"\1…", about),
            entry["actor"],
            ids,
        )


def _where(facts: dict[str, str]) -> str:
    """System and account of a write, how it came about or why not."""
    place = " ".join(filter(None, (facts.get("system"), facts.get("account"))))
    how = facts.get("code") or facts.get("how", "")
    return (f" in {place}" if place else "") + (f": {how}" if how else "")
