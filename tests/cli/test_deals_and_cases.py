"""Submitting deals and deciding cases through the process API (PF-20, OB-01, SC-06)."""

from __future__ import annotations

import json

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.case import CaseOpening, DecisionKind
from dealthread.domain.money import Money
from dealthread.naming import contract_key, quote_to_cash_id
from dealthread.stack.info import StackInfo
from dealthread.store.cases import PostgresCases
from tests.cli.conftest import Run, Said

pytestmark = pytest.mark.postgres

DEAL = "006000000000001AAA"
CASE = "CASE-0123456789AB"
REASON = ("--reason", "asked the deal desk")


@pytest.fixture
def submitted(run: Run, stack: StackInfo) -> StackInfo:
    """One deal whose run nobody has taken up yet."""
    assert run("deals", "submit", DEAL).code == 0
    return stack


async def open_case(
    engine: AsyncEngine,
    stack: StackInfo,
    allowed: tuple[DecisionKind, ...],
    occurrence: int = 1,
    requested_by: str = "demo-operator",
) -> None:
    """A case of the submitted deal, opened as the saga does."""
    org = stack.salesforce_org_id
    key = quote_to_cash_id(org, DEAL)
    await PostgresCases(engine).open(
        CaseOpening(
            case_id=CASE,
            occurrence=occurrence,
            kind="deal.approval",
            business_key=key,
            generation=1,
            contract_key=contract_key(org, DEAL),
            workflow_id=key,
            step="assess",
            code="approval",
            summary="Approval needed: V21 starts [in the past]\x1b[2J",
            evidence={"V21": "start_date: 2026-01-01"},
            blocked_steps=("assess", "booking"),
            allowed=allowed,
            money_at_risk=Money.of("1234567.80", "EUR"),
            customer_name="Nordwerk [bold]GmbH",
            legal_entity="DE01",
            requested_by=requested_by,
        )
    )


APPROVAL = (DecisionKind.APPROVE, DecisionKind.REJECT)
CORRECTION = (DecisionKind.RETRY, DecisionKind.RETRY_WITH, DecisionKind.ABORT)


def test_submitting_twice_starts_once(run: Run, submitted: StackInfo) -> None:
    """The second answer says so; both name the contract to look at (EV-03)."""
    key = contract_key(submitted.salesforce_org_id, DEAL)
    second = run("deals", "submit", DEAL[:15])
    assert "known already, nothing was started" in second.out
    assert f"dealthread show {key}" in second.out
    assert len(json.loads(run("list", "--json").out)) == 1


def test_what_is_no_deal_id_is_refused_with_the_field(run: Run, stack: StackInfo) -> None:
    """The problem document's field and action, in one line."""
    assert stack
    assert run("deals", "submit", "D1").error == (
        "not a salesforce id (deal_id): give the opportunity's 18-character id"
    )
    assert "unknown org (org)" in run("deals", "submit", DEAL, "--org", "00Dx").error


def test_running_again_is_refused_while_the_run_is_open(run: Run, submitted: StackInfo) -> None:
    """Only what ended undone is run again."""
    assert submitted
    line = run("deals", "submit", DEAL, "--again").error
    assert "generation 1 is still running" in line


@pytest.mark.parametrize("verb", ["list", "uncertain", "outcomes"])
def test_json_is_exactly_what_the_api_says(run: Run, submitted: StackInfo, verb: str) -> None:
    """Programs get the API's own document, byte for byte."""
    path = {"list": "/v1/transactions?limit=50"}.get(verb, f"/v1/{verb}")
    answer = httpx.get(
        submitted.urls.bridge + path,
        headers={"Authorization": f"Bearer {submitted.credentials.operator_token}"},
    )
    assert run(verb, "--json").out == answer.text + "\n"


def test_an_unknown_id_is_not_found(run: Run, stack: StackInfo) -> None:
    """Whatever the id holds, it is looked for as it stands."""
    assert stack
    for any_id in ("in_nothing", "a/b?c#d", "../cases"):
        assert run("show", any_id).error.startswith("transaction not found")
    assert run("cases", "show", "CASE-X").error.startswith("case not found")


async def test_a_stuck_deal_says_who_what_and_how_to_act(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """Readable by a person woken at night; text of others is neither markup nor an escape."""
    await open_case(engine, submitted, CORRECTION)
    for verb in ("show", "trace"):
        out = run(verb, CASE).out
        assert "Nordwerk [bold]GmbH" in out
        assert "1,234,567.80 EUR" in out
        assert "stuck at step 'assess' since" in out
        assert "Approval needed: V21 starts [in the past]" in out
        assert "\x1b" not in out
        assert f"dealthread cases retry-with {CASE} --set field=value --reason '…'" in out
    assert CASE in run("list", "--stuck").out
    assert "deal-desk" in run("cases", "list").out
    assert run("cases", "list", "--queue", "tax").out == "no case waits for a decision\n"


async def test_a_decision_is_taken_once(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """The present version is decided; a second decision is refused, and the case shows who."""
    await open_case(engine, submitted, CORRECTION)
    taken = run("cases", "retry", CASE, *REASON)
    assert "decided: retry on CASE-0123456789AB, version 1" in taken.out
    assert "case already decided" in run("cases", "abort", CASE, *REASON).error
    assert "retry by demo-operator" in run("cases", "show", CASE).out
    assert run("cases", "list").out == "no case waits for a decision\n"
    assert CASE in run("cases", "list", "--all").out


async def test_a_decision_on_a_version_that_is_gone_is_refused(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """Whoever decided on version 1 is told to read version 2."""
    await open_case(engine, submitted, CORRECTION)
    assert run("cases", "retry", CASE, *REASON).code == 0
    await open_case(engine, submitted, CORRECTION, occurrence=2)
    line = run("cases", "abort", CASE, "--version", "1", *REASON).error
    assert line == "stale version (version): read the case again: it is at version 2"


async def test_each_decision_needs_a_reason(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """Missing: wrong usage. Blank: refused by the API."""
    await open_case(engine, submitted, CORRECTION)
    extras = {"retry-with": ("--set", "po_number=1"), "link": ("--to", "x")}
    for verb in ("retry", "retry-with", "link", "skip", "abort", "approve", "reject"):
        missing = run("cases", verb, CASE, *extras.get(verb, ()))
        assert (missing.code, "--reason" in missing.err) == (2, True)
    assert "say why" in run("cases", "retry", CASE, "--reason", " ").error


async def test_only_another_person_with_the_role_approves(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """The operator asked and has no such role; the approver of the stack may (PF-04)."""
    await open_case(engine, submitted, APPROVAL)
    refused = run("cases", "approve", CASE, *REASON).error
    assert refused.startswith("not allowed (actor): the roles operator")
    assert "dealthread cases approve CASE-0123456789AB" in run("show", DEAL).out
    assert run("cases", "approve", CASE, "--as", "approver", *REASON).code == 0
    assert "case.decision_denied" in trace_events(run("trace", DEAL, "--json"))


async def test_who_asked_cannot_approve(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """Not even with the role: the second person is another one (PF-04)."""
    await open_case(engine, submitted, APPROVAL, requested_by="demo-approver")
    line = run("cases", "approve", CASE, "--as", "approver", *REASON).error
    assert line.startswith("same person (actor): another person")


def trace_events(said: Said) -> list[str]:
    return [entry["what"] for entry in json.loads(said.out)]


async def test_what_the_case_does_not_allow_is_refused_with_the_choice(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """The line says what may be chosen."""
    await open_case(engine, submitted, CORRECTION)
    assert "choose one of: retry, retry_with, abort" in run("cases", "skip", CASE, *REASON).error


async def test_corrections_are_checked_before_they_are_taken(
    run: Run, submitted: StackInfo, engine: AsyncEngine
) -> None:
    """Form by the command line (usage), field and value by the API (refused)."""
    await open_case(engine, submitted, CORRECTION)
    words = ("cases", "retry-with", CASE, *REASON, "--set")
    for wrong in ("po_number", "=1", "product_map.=X"):
        assert run(*words, wrong).code == 2
    assert run(*words, "product_map=1", "--set", "product_map.A=B").code == 2
    assert "unknown correction (colour): use one of: billing_frequency" in (
        run(*words, "colour=red").error
    )
    assert "invalid correction (end_date)" in run(*words, "end_date=soon").error
    taken = run(*words, "product_map.SEAT.EDU=SEAT-STD", "--set", "term_months=24")
    assert taken.code == 0
    stored, _ = (await PostgresCases(engine).undelivered(1))[0]
    assert stored.correction == {"product_map": {"SEAT.EDU": "SEAT-STD"}, "term_months": "24"}
