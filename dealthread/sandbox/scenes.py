"""The four scenes of the demonstration. Each checks what it claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from dealthread.sandbox.books import BillingBooks, Entitlements
from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.narration import Narrator, amount_text
from dealthread.sandbox.process import Json, ProcessApi, Standing
from dealthread.sandbox.records import Sale
from dealthread.sandbox.selling import Entered, SalesDesk
from dealthread.sandbox.tryton import TrytonReader
from dealthread.sandbox.worked_deals import NOT_SALABLE, UNMAPPED

PATIENCE_SECONDS = 60.0
"""How long one wait of the demonstration may take before it says what is stuck."""
_REFUSAL = "The revenue account is blocked."
_CONFIRMATION = "model.sale.sale.confirm"
_TOLD = ("message.received", "case.opened", "case.decided", "write.done", "event.published")
"""Moments of a trace that tell the story; the others are for whoever looks for a fault."""
_NO_ACCESS = ("none", "revoked", "ended")
_ROUNDS = 5
"""No deal of the demonstration meets more cases than this."""


@dataclass
class Stage:
    """Everything a scene works with; collects what did not come out."""

    say: Narrator
    desk: SalesDesk
    operator: ProcessApi
    approver: ProcessApi
    billing: BillingBooks
    tryton: TrytonReader
    entitlements: Entitlements
    tryton_proxy: str
    label: str
    failures: list[str] = field(default_factory=list)

    def check(self, holds: bool, fact: str) -> None:
        """Say whether a fact holds, and remember when it does not."""
        if holds:
            self.say.good(fact)
        else:
            self.say.bad(fact)
            self.failures.append(fact)

    def sell(self, sale: Sale) -> Entered:
        """Enter a deal in Salesforce and close it as won."""
        entered = self.desk.sell(sale, self.label)
        self.say.does(f"{entered.name}: closed as won in Salesforce ({entered.deal_id})")
        return entered

    def rest(self, entered: Entered) -> Standing:
        """Wait until the deal ended or waits for a person."""
        return self.operator.wait_until(
            entered.deal_id, lambda seen: seen.is_resting, "rest", PATIENCE_SECONDS
        )

    def stuck(self, entered: Entered, kind: str) -> Json:
        """Wait for the deal's case, show it. Raises SandboxError for another kind."""
        seen = self.rest(entered)
        if not seen.case_id:
            raise SandboxError(f"{entered.name} ended {seen.outcome} instead of waiting")
        case = self.operator.case(seen.case_id)
        self.say.case(case)
        if case["kind"] != kind:
            raise SandboxError(f"{entered.name} stopped at {case['kind']}, not at {kind}")
        return case

    def decide(
        self, case: Json, decision: str, reason: str, correction: Json | None = None
    ) -> None:
        """Decide as the operator, with the command for it."""
        options = "".join(
            f" --set {name}.{key}={value}"
            for name, pairs in (correction or {}).items()
            for key, value in pairs.items()
        )
        verb = decision.replace("_", "-")
        self.say.typed(f"dealthread cases {verb} {case['case_id']}{options} --reason '{reason}'")
        self.operator.decide(case, decision, reason, correction)

    def finish(self, entered: Entered) -> Standing:
        """Wait for the end, giving every approval that is asked for as the second person."""
        for _ in range(_ROUNDS):
            seen = self.rest(entered)
            if not seen.case_id:
                return seen
            if seen.case_kind != "deal.approval":
                self.say.case(self.operator.case(seen.case_id))
                raise SandboxError(f"{entered.name} is stuck: {seen.in_words}")
            self._approve(entered, seen)
        raise SandboxError(f"{entered.name} asks for approval again and again")

    def _approve(self, entered: Entered, seen: Standing) -> None:
        case = self.approver.case(seen.case_id)
        self.say.seen(f"{entered.name} waits for the approval of a second person:")
        self.say.case(case)
        reason = "checked against the signed order"
        self.say.typed(
            f"dealthread cases approve {case['case_id']} --as approver --reason '{reason}'"
        )
        self.approver.decide(case, "approve", reason)


def straight_and_approved(stage: Stage, sales: tuple[Sale, Sale, Sale]) -> list[Entered]:
    """Scene 1: one deal completes by itself, two are dated back and need a second person."""
    stage.say.scene(1, "A deal completes; two that are dated back are approved first")
    entered = [stage.sell(sale) for sale in sales]
    for one in entered:
        seen = stage.finish(one)
        stage.check(seen.outcome == "completed", f"{one.name} {seen.outcome}: {one.contract_key}")
    _show_thread(stage, entered[0])
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
    _nothing_left(stage, entered)
    return entered


def refused_after_the_pivot(stage: Stage, sale: Sale) -> Entered:
    """Scene 4: billed and entitled, then refused by the ERP; corrected once, completes."""
    stage.say.scene(4, "The ERP refuses a deal after it was billed")
    with _revenue_account_blocked(stage.tryton_proxy):
        stage.say.does(f"From now on Tryton answers to every confirmation: {_REFUSAL}")
        entered = stage.sell(sale)
        case = stage.stuck(entered, "erp.rejected")
        stage.check(case["step"] == "confirm", f"stopped at the step {case['step']}")
        before = _done_steps(stage, entered)
        _billed_and_entitled(stage, entered)
    stage.say.does("Accounting opens the account and tries once more")
    stage.decide(case, "retry", "the account is open again")
    seen = stage.finish(entered)
    stage.check(seen.outcome == "completed", f"{entered.name} {seen.outcome}")
    _nothing_twice(stage, entered, before)
    return entered


# ---------------------------------------------------------------- what each scene proves


def _nothing_left(stage: Stage, entered: Entered) -> None:
    """Only customer records may be left, and they may be used again."""
    agreements = [row for row in stage.billing.of(entered.contract_key) if row.is_live]
    stage.check(not agreements, f"subscriptions at the biller: {len(agreements)}")
    sales = stage.tryton.sales(
        [["party.code", "=", entered.customer_key], ["state", "!=", "cancelled"]]
    )
    stage.check(not sales, f"orders in Tryton that count: {len(sales)}")
    access = _access(stage, entered)
    stage.check(access in _NO_ACCESS, f"entitlement: {access}")
    left = len(stage.billing.customers(entered.customer_key))
    parties = len(stage.tryton.parties(entered.customer_key))
    stage.say.seen(
        f"customer records that may be used again: {left} at the biller, {parties} in Tryton"
    )


def _billed_and_entitled(stage: Stage, entered: Entered) -> None:
    agreements = [row for row in stage.billing.of(entered.contract_key) if row.is_live]
    invoice = stage.billing.first_invoice(agreements[0]) if agreements else None
    if invoice is None:
        stage.check(False, f"billed: no invoice, {len(agreements)} subscriptions")
    else:
        total = amount_text(invoice.total, invoice.currency)
        stage.check(
            invoice.status in ("open", "paid"),
            f"still billed: invoice {invoice.number} over {total} is {invoice.status}",
        )
    access = _access(stage, entered)
    stage.check(access not in _NO_ACCESS, f"entitlement: still {access}")


def _access(stage: Stage, entered: Entered) -> str:
    """State of the entitlement at its own service."""
    held = stage.entitlements.of(entered.contract_key)
    return str(held["state"]) if held else _NO_ACCESS[0]


def _done_steps(stage: Stage, entered: Entered) -> dict[str, Json]:
    """Journal rows by key, as they were when the deal stopped."""
    business_key = stage.rest(entered).business_key
    return {row["key"]: row for row in stage.operator.writes(business_key)}


def _nothing_twice(stage: Stage, entered: Entered, before: dict[str, Json]) -> None:
    """The journal after the correction: what was done before was not done again."""
    business_key = stage.rest(entered).business_key
    after = stage.operator.writes(business_key)
    stage.say.typed(f"dealthread trace {entered.deal_id}")
    stage.say.rows(
        ("step", "system", "state", "sent"),
        [(row["step"], row["system"], row["state"], row["attempts"]) for row in after],
    )
    repeated = [
        row["step"]
        for row in after
        if row["key"] in before
        and row["step"] != "erp.confirm"
        and row["attempts"] != before[row["key"]]["attempts"]
    ]
    stage.check(
        not repeated, f"done before the correction and sent again: {', '.join(repeated) or 'none'}"
    )
    counts = Counter(row["step"] for row in after)
    twice = sorted(step for step, count in counts.items() if count > 1)
    stage.check(not twice, f"steps that stand twice in the journal: {', '.join(twice) or 'none'}")
    agreements = stage.billing.of(entered.contract_key)
    sales = stage.tryton.sales([["party.code", "=", entered.customer_key]])
    stage.check(
        len(agreements) == 1 and len(sales) == 1,
        f"subscriptions: {len(agreements)}, orders: {len(sales)}",
    )


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


def _show_thread(stage: Stage, entered: Entered) -> None:
    """Deal → booking → subscription → entitlement → contract, with times and native ids."""
    stage.say.typed(f"dealthread trace {entered.deal_id}")
    for row in stage.operator.trace(entered.deal_id):
        if row["what"] in _TOLD:
            ids = " ".join(dict.fromkeys(str(one) for one in row["native_ids"]))
            step = str(row["detail"]).partition(" ")[0]
            stage.say.seen(
                f"  {str(row['at'])[11:23]}  {row['what']:<17} {step:<22} {ids}".rstrip()
            )
