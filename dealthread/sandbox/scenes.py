"""The four scenes of the demonstration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.proofs import (
    billed_and_entitled,
    journal_of,
    nothing_left,
    nothing_twice,
    show_thread,
)
from dealthread.sandbox.records import Sale
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stage import Stage
from dealthread.sandbox.worked_deals import NOT_SALABLE, UNMAPPED

_REFUSAL = "The revenue account is blocked."
_CONFIRMATION = "model.sale.sale.confirm"


def straight_and_approved(stage: Stage, sales: tuple[Sale, Sale, Sale]) -> list[Entered]:
    """Scene 1: one deal completes by itself, two are dated back and need a second person.

    On a later business date the first one is dated back too, and is approved like the others.
    """
    stage.say.scene(1, "A deal completes; two that are dated back are approved first")
    entered = [stage.sell(sale) for sale in sales]
    for one in entered:
        seen = stage.finish(one, must_be_approved=one is not entered[0])
        stage.check(seen.outcome == "completed", f"{one.name} {seen.outcome}: {one.contract_key}")
    show_thread(stage, entered[0])
    return entered


def unmapped_product(stage: Stage, sale: Sale) -> Entered:
    """Scene 2: a product that is mapped nowhere; corrected, the deal completes."""
    stage.say.scene(2, "A deal stops at a product that is mapped nowhere")
    entered = stage.sell(sale)
    case = stage.stuck(entered, "catalogue.unmapped")
    stage.say.does("The catalogue's owner decides to sell it as a team seat")
    stage.decide(case, "retry_with", "sold as team seat", {"product_map": {UNMAPPED: "SEAT-STD"}})
    seen = stage.finish(entered)
    stage.check(seen.outcome == "completed", f"{entered.name} {seen.outcome}")
    return entered


def refused_before_the_pivot(stage: Stage, sale: Sale) -> Entered:
    """Scene 3: the ERP does not sell the item; the operator aborts, and nothing is left."""
    stage.say.scene(3, "The ERP refuses a deal before anything legal exists")
    entered = stage.sell(sale)
    case = stage.stuck(entered, "erp.rejected")
    stage.say.does(f"{NOT_SALABLE} will not be sold again: the operator aborts the deal")
    stage.decide(case, "abort", "the item is no longer sold")
    seen = stage.rest(entered)
    stage.check(seen.outcome == "compensated", f"{entered.name} {seen.outcome}")
    nothing_left(stage, entered)
    return entered


def refused_after_the_pivot(stage: Stage, sale: Sale) -> Entered:
    """Scene 4: billed and entitled, then refused by the ERP; corrected once, completes."""
    stage.say.scene(4, "The ERP refuses a deal after it was billed")
    with _revenue_account_blocked(stage.tryton_proxy):
        stage.say.does(f"From now on Tryton answers to every confirmation: {_REFUSAL}")
        entered = stage.sell(sale)
        case = stage.stuck(entered, "erp.rejected")
        stage.check(case["step"] == "confirm", f"stopped at the step {case['step']}")
        before = journal_of(stage, entered)
        billed_and_entitled(stage, entered)
    stage.say.does("Accounting opens the account and tries once more")
    stage.decide(case, "retry", "the account is open again")
    seen = stage.finish(entered)
    stage.check(seen.outcome == "completed", f"{entered.name} {seen.outcome}")
    nothing_twice(stage, entered, before)
    return entered


def open_the_revenue_account(proxy: str) -> None:
    """Remove what a demonstration that was killed left in Tryton's fault proxy."""
    with httpx.Client(base_url=proxy, timeout=10.0, trust_env=False) as control:
        for fault in control.get("/_sim/faults").raise_for_status().json()["faults"]:
            if fault["message"] == _REFUSAL:
                control.delete(f"/_sim/faults/{fault['id']}")


@contextmanager
def _revenue_account_blocked(proxy: str) -> Iterator[None]:
    """Tryton's fault proxy refuses confirmations; removed at the end, whatever happens."""
    with httpx.Client(base_url=proxy, timeout=10.0, trust_env=False) as control:
        answer = control.post(
            "/_sim/faults",
            json={
                "kind": "reject",
                "body": _CONFIRMATION.replace(".", r"\."),
                "dialect": "tryton",
                "times": 0,
                "message": _REFUSAL,
            },
        )
        if answer.status_code != 201:
            raise SandboxError(f"the fault proxy refused: {answer.text}", "dealthread status")
        try:
            yield
        finally:
            control.delete(f"/_sim/faults/{answer.json()['id']}")
