"""A transaction in words, for a person woken at night: who, how much, what is stuck, what to do."""

from __future__ import annotations

import itertools
from typing import Any

from dealthread.cli.output import instant, money, since

Labelled = tuple[str, object]

_WHY = " --reason '…'"
_DECISIONS = {
    "retry": "retry {case}" + _WHY,
    "retry_with": "retry-with {case} --set field=value" + _WHY,
    "link": "link {case} --to ID" + _WHY,
    "skip": "skip {case}" + _WHY,
    "abort": "abort {case}" + _WHY,
    "approve": "approve {case}" + _WHY,
    "reject": "reject {case}" + _WHY,
}


def commands(case: dict[str, Any]) -> list[str]:
    """What may be typed to decide a case."""
    person = " --as approver"
    return [
        "dealthread cases "
        + _DECISIONS[decision].format(case=case["case_id"])
        + (person if decision in ("approve", "reject") else "")
        for decision in case["allowed"]
        if decision in _DECISIONS
    ]


_STOPPED = {
    "compensated": "stopped before the pivot, what was done is undone",
    "cancelled": "cancelled before the pivot, what was done is undone",
}
_DEAL_ENDED = _STOPPED | {
    "completed": "completed: billed, booked, entitled",
    "scheduled": "set up everywhere, starts on its start date",
}
_CHANGE_ENDED = _STOPPED | {
    "completed": "completed in every system",
    "scheduled": "accepted, held for its day",
}


def header(view: dict[str, Any], case: dict[str, Any] | None) -> list[Labelled]:
    """Customer, money, seller, term, state; what is stuck and the command to act."""
    run, contract = view["transaction"], view["contract"] or {}
    name = run["customer_name"] or (case or {}).get("customer_name", "")
    sum_ = money(run["tcv"] or (case or {}).get("money_at_risk"))
    again = f", run {run['generation']}" if run["generation"] > 1 else ""
    rows: list[Labelled] = [
        ("deal", f"{run['deal_id']} (organisation {run['org']}){again}"),
        ("customer", " ".join(filter(None, (name, _in_brackets(run["customer_key"]))))),
        ("money", sum_ and f"{sum_} net over the committed term"),
        ("seller", run["seller"] or (case or {}).get("legal_entity", "")),
        ("term", _term(contract)),
        ("contract", _joined(run["contract_key"], run["contract_state"])),
        ("state", state(run)),
    ]
    if case is not None:
        rows += stuck(case)
    elif run["outcome"] is None:
        rows.append(("next", "nothing is asked of you: it goes on by itself"))
    rows.append(("see", view["ui_url"]))
    return rows


def state(run: dict[str, Any]) -> str:
    """Where a run stands, in words."""
    if run["outcome"]:
        is_deal = run["business_key"].startswith("quote-to-cash:")
        ended = (_DEAL_ENDED if is_deal else _CHANGE_ENDED).get(run["outcome"], run["outcome"])
        return f"{ended} ({instant(run['ended_at'])} UTC)"
    step = str(run["stage"]).removeprefix("stuck: ")
    word = "stuck at step" if run["case_id"] else "at work, last known step"
    return f"{word} '{step}' since {instant(run['stage_at'])} UTC ({since(run['stage_at'])})"


def stuck(case: dict[str, Any], *, seen: bool = False) -> list[Labelled]:
    """What an open case asks, of whom, by when, and how it is answered.

    `seen`: the reader looks at the case already and is not sent there.
    """
    late = "" if since(case["decide_by"]).startswith("in ") else ", overdue"
    rows: list[Labelled] = [
        ("stuck", f"{case['summary']} [{case['kind']}]"),
        ("waits for", f"{case['queue']}, by {instant(case['decide_by'])} UTC{late}"),
        ("at risk", money(case["money_at_risk"])),
    ]
    look = [] if seen else [f"dealthread cases show {case['case_id']}"]
    labels = itertools.chain(["act"], itertools.repeat("or"))
    return rows + list(zip(labels, [*look, *commands(case)], strict=False))


def _term(contract: dict[str, Any]) -> str:
    if not contract:
        return ""
    months = contract.get("term_months")
    length = f"{months} months" if months else str(contract["term_kind"])
    end = contract.get("end_date")
    until = f"to before {end}" if end else "without end"
    billed = f"billed {contract['billing_frequency']} in {contract['billing_timing']}"
    return f"{contract['start_date']} {until} ({length}), {billed}".replace("_", " ")


def _in_brackets(value: str) -> str:
    return f"({value})" if value else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
