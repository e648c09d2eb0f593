"""The demonstration notices what did not come out, and says so (DM-01, DM-05)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from dealthread.sandbox import worked_deals
from dealthread.sandbox.books import Agreement, Invoice
from dealthread.sandbox.demo import FIRST_DAY, LAST_DAY, run
from dealthread.sandbox.figures import compare_figures
from dealthread.sandbox.narration import Narrator
from dealthread.sandbox.proofs import nothing_left, nothing_twice
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stage import Stage
from dealthread.simulators import faultproxy
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.stack.defaults import APPROVER, OPERATOR
from dealthread.stack.info import StackInfo

DEAL = Entered(
    sale=worked_deals.d2(),
    name="D2",
    deal_id="006A",
    account_id="001A",
    contract_key="C-1",
    customer_key="A-1",
)
AGREEMENT = Agreement("sub_1", "acct_alder_de", "C-1", "active", "sub_1")
INVOICE = Invoice(
    "DE-2026-00001",
    "open",
    "EUR",
    net=Decimal("17760.00"),
    tax=Decimal("3374.40"),
    total=Decimal("21134.40"),
)
SALE: dict[str, Any] = {
    "number": "1",
    "state": "confirmed",
    "party.name": "Nordwerk Maschinenbau GmbH",
    "currency.code": "EUR",
    "description": "4500098765",
    "untaxed_amount": Decimal("17760.00"),
    "tax_amount": Decimal("3374.40"),
    "total_amount": Decimal("21134.40"),
}
WRITE = {"key": "k1", "step": "erp.booking", "system": "erp", "state": "done", "attempts": 1}


class Systems:
    """Answers of biller, ERP, entitlement and process API; a test spoils one."""

    def __init__(self) -> None:
        self.agreements = [AGREEMENT]
        self.invoice: Invoice | None = INVOICE
        self.orders = [SALE]
        self.parents_held = ["Nordwerk Holding AG"]
        self.entitlement: dict[str, str] | None = {"state": "active"}
        self.journal = [WRITE]

    def stage(self) -> Stage:
        resting = SimpleNamespace(business_key="b", is_resting=True)
        parts: dict[str, Any] = {
            "desk": None,
            "approver": None,
            "operator": SimpleNamespace(
                wait_until=lambda *_: resting, writes=lambda _: self.journal
            ),
            "billing": SimpleNamespace(
                of=lambda _: self.agreements,
                first_invoice=lambda _: self.invoice,
                customers=lambda _: ["cus_1"],
            ),
            "tryton": SimpleNamespace(
                sales=lambda _: self.orders,
                parents=lambda _: self.parents_held,
                parties=lambda _: [{"active": False}],
            ),
            "entitlements": SimpleNamespace(of=lambda _: self.entitlement),
            "customer_success": None,
            "org": None,
        }
        console = Console(file=io.StringIO(), width=120)
        return Stage(say=Narrator(console), tryton_proxy="", label="", **cast("Any", parts))


def test_published_figures_that_are_found_leave_nothing_to_say() -> None:
    stage = Systems().stage()
    compare_figures(stage, [DEAL])
    assert stage.failures == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: setattr(s, "invoice", replace(INVOICE, tax=Decimal("3374.41"))), "invoice tax"),
        (lambda s: s.orders.__setitem__(0, SALE | {"total_amount": Decimal(1)}), "order total"),
        (lambda s: s.orders.__setitem__(0, SALE | {"party.name": "Other"}), "customer Other"),
        (lambda s: s.orders.__setitem__(0, SALE | {"description": None}), "purchase order none"),
        (lambda s: s.parents_held.clear(), "parent none, should be Nordwerk Holding AG"),
        (lambda s: s.orders.append(SALE), "1 agreements, 2 orders"),
        (lambda s: s.agreements.clear(), "0 agreements, 1 orders, no invoice"),
        (lambda s: setattr(s, "invoice", replace(INVOICE, currency="USD")), "invoice USD"),
    ],
)
def test_a_cent_or_a_name_that_differs_fails_the_demonstration(spoil: Any, said: str) -> None:
    systems = Systems()
    spoil(systems)
    stage = systems.stage()
    compare_figures(stage, [DEAL])
    assert any(said in failure for failure in stage.failures)


def test_an_aborted_deal_that_left_something_fails_the_demonstration() -> None:
    """A live subscription, an order and an entitlement are all named."""
    stage = Systems().stage()
    nothing_left(stage, DEAL)
    assert stage.failures == [
        "subscriptions at the biller: 1",
        "orders in Tryton that count: 1",
        "entitlement: active",
    ]


def test_an_aborted_deal_may_leave_customer_records_only() -> None:
    systems = Systems()
    systems.agreements = [replace(AGREEMENT, status="canceled")]
    systems.orders, systems.entitlement = [], {"state": "revoked"}
    stage = systems.stage()
    nothing_left(stage, DEAL)
    assert stage.failures == []


def test_a_step_that_was_sent_again_fails_the_demonstration() -> None:
    systems = Systems()
    systems.journal = [WRITE | {"attempts": 2}, WRITE | {"key": "k2"}]
    stage = systems.stage()
    nothing_twice(stage, DEAL, {"k1": WRITE})
    assert stage.failures == [
        "done before the correction and sent again: erp.booking",
        "steps that stand twice in the journal: erp.booking",
    ]


def test_the_refused_step_itself_may_be_sent_again() -> None:
    systems = Systems()
    confirm = WRITE | {"step": "erp.confirm"}
    systems.journal = [confirm | {"attempts": 2}]
    stage = systems.stage()
    nothing_twice(stage, DEAL, {"k1": confirm})
    assert stage.failures == []


APPROVAL: dict[str, Any] = {
    "case_id": "CASE-1",
    "kind": "deal.approval",
    "decision": "approve",
    "decided_by": APPROVER,
    "requested_by": "webhook:m-1",
}
SHOWN: dict[str, Any] = APPROVAL | {
    "summary": "",
    "customer_name": "",
    "money_at_risk": None,
    "blocked_steps": [],
    "queue": "",
    "allowed": [],
    "evidence": {},
}


def _approving(case: dict[str, Any], asked: int = 1) -> Stage:
    """A deal that asks for approval so often, then completes; its case reads so afterwards."""
    stage = Systems().stage()
    waiting = SimpleNamespace(case_id="CASE-1", case_kind="deal.approval", outcome="")
    ended = SimpleNamespace(case_id="", case_kind="", outcome="completed")
    rests = iter([waiting] * asked + [ended])
    operator: Any = SimpleNamespace(wait_until=lambda *_: next(rests), case=lambda _: case)
    stage.operator = operator
    approver: Any = SimpleNamespace(case=lambda _: SHOWN, decide=lambda *_: None)
    stage.approver = approver
    return stage


def test_an_approval_by_the_second_person_is_said() -> None:
    stage = _approving(APPROVAL)
    assert stage.finish(DEAL, must_be_approved=True).outcome == "completed"
    assert stage.failures == []


@pytest.mark.parametrize(
    "spoilt",
    [
        {"decided_by": OPERATOR},
        {"decided_by": ""},
        {"decision": "reject"},
        {"kind": "erp.rejected"},
    ],
)
def test_an_approval_by_anybody_else_fails_the_demonstration(spoilt: dict[str, str]) -> None:
    stage = _approving(APPROVAL | spoilt)
    stage.finish(DEAL)
    assert len(stage.failures) == 1


def test_a_deal_dated_back_that_nobody_approved_fails_the_demonstration() -> None:
    stage = _approving(APPROVAL, asked=0)
    stage.finish(DEAL, must_be_approved=True)
    assert stage.failures == ["D2 ended completed without an approval"]
    stage = _approving(APPROVAL, asked=0)
    stage.finish(DEAL)
    assert stage.failures == []


@pytest.mark.parametrize("day", [date(2026, 3, 14), date(2027, 1, 1)])
def test_a_business_date_that_does_not_fit_the_deals_is_refused(
    stack: StackInfo, day: date
) -> None:
    """Nothing is entered; the command that mends it is named."""
    assert not FIRST_DAY <= day <= LAST_DAY
    code, text = _run(_on(stack, day))
    assert code == 1
    assert "dealthread up --detach --business-date 2026-03-15" in text


def test_a_part_that_is_down_is_told_without_a_stack_trace(stack: StackInfo) -> None:
    """Here only Salesforce and Stripe answer: neither Tryton nor its fault proxy."""
    code, text = _run(_on(stack, FIRST_DAY))
    assert code == 1
    assert "ConnectError" in text
    assert "dealthread status" in text
    assert "Traceback" not in text


def test_a_deal_that_never_arrives_ends_the_demonstration(
    stack: StackInfo, silent_proxy: str
) -> None:
    """Nobody takes the webhook: the deal is named, with where to look."""
    settings = {"DEALTHREAD_TRYTON_USER": "u", "DEALTHREAD_TRYTON_PASSWORD": "p"}
    tryton = stack.tryton.model_copy(update={"settings": settings})
    urls = stack.urls.model_copy(update={"tryton": silent_proxy})
    prepared = _on(stack, FIRST_DAY).model_copy(update={"tryton": tryton, "urls": urls})
    code, text = _run(prepared, patience=0)
    assert code == 1
    assert "no transaction is known of it" in text
    assert "dealthread trace" in text


@pytest.fixture
def silent_proxy() -> Iterator[str]:
    """A fault proxy before nobody."""
    server = BackgroundServer(faultproxy.create_app("http://127.0.0.1:9"))
    server.start()
    yield server.url
    server.stop()


def _on(stack: StackInfo, day: date) -> StackInfo:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    offset = round((noon - datetime.now(UTC)).total_seconds())
    return stack.model_copy(update={"business_offset_seconds": offset})


def _run(stack: StackInfo, patience: float | None = None) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    code = run(stack, console) if patience is None else run(stack, console, patience)
    return code, out.getvalue()
