"""What the closing table of the demonstration notices: a system that has an invoice otherwise."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from dealthread.sandbox import worked_deals
from dealthread.sandbox.books import Agreement, Invoice
from dealthread.sandbox.first_invoices import compare_systems, finalise_drafts
from dealthread.sandbox.narration import Narrator
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stage import Stage

DEAL = Entered(
    sale=worked_deals.d1(),
    name="D1",
    deal_id="006A",
    account_id="001A",
    contract_key="C-1",
    customer_key="A-1",
)
TOTAL, NOTHING = Decimal("15891.00"), Decimal("0.00")
INVOICE = Invoice(
    "US-000001",
    "paid",
    "USD",
    net=Decimal("15000.00"),
    tax=Decimal("891.00"),
    total=TOTAL,
    native_id="in_1",
    account="acct_alder_us",
)


class Systems:
    """Answers of all four; a test spoils one."""

    def __init__(self) -> None:
        self.invoice = INVOICE
        self.finalised: list[str] = []
        self.document: dict[str, Any] = {
            "reference": "US-000001",
            "state": "paid",
            "total_amount": TOTAL,
            "amount_to_pay": NOTHING,
            "currency.code": "USD",
        }
        self.mirror: dict[str, Any] = {
            "Dealthread_Number__c": "US-000001",
            "Dealthread_Status__c": "paid",
            "CurrencyIsoCode": "USD",
            "Dealthread_Total__c": TOTAL,
            "Dealthread_Amount_Due__c": NOTHING,
        }
        told = {"invoice_number": "US-000001", "total": "15891.00", "currency": "USD"}
        self.heard: dict[str, Any] = {
            "invoice": {"state": "posted", "data": told},
            "payment": {"state": "succeeded", "data": {"amount": "15891.00"}},
        }
        self.documents = [self.document]
        self.mirrors = [self.mirror]

    def stage(self) -> Stage:
        agreement = Agreement("sub_1", "acct_alder_us", "C-1", "active", "sub_1")
        parts: dict[str, Any] = {
            "desk": None,
            "operator": None,
            "approver": None,
            "billing": SimpleNamespace(
                of=lambda _: [agreement],
                first_invoice=lambda _: self.invoice,
                finalise=lambda invoice: self.finalised.append(invoice.native_id),
            ),
            "tryton": SimpleNamespace(invoices=lambda _: self.documents),
            "entitlements": None,
            "customer_success": SimpleNamespace(of=lambda *_: self.heard),
            "org": SimpleNamespace(query=lambda _: self.mirrors),
        }
        self.told = io.StringIO()
        say = Narrator(Console(file=self.told, width=200))
        return Stage(say=say, tryton_proxy="", label="", patience_seconds=0, **cast("Any", parts))


def test_an_invoice_that_is_everywhere_the_same_leaves_nothing_to_say() -> None:
    systems = Systems()
    stage = systems.stage()
    compare_systems(stage, [DEAL])
    assert stage.failures == []
    assert "posted 15,891.00 USD, payment succeeded 15,891.00" in systems.told.getvalue()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: s.document.update(total_amount=Decimal("15891.01")), "ledger says paid 15,8"),
        (lambda s: s.document.update(state="posted", amount_to_pay=TOTAL), "ledger says posted"),
        (lambda s: s.document.update(reference="US-000009"), "ledger says US-000009"),
        (lambda s: s.documents.append(s.document), "ledger says paid 15,891.00 USD; paid"),
        (lambda s: s.documents.clear(), "ledger says missing"),
        (lambda s: s.mirror.update(Dealthread_Status__c="open"), "CRM says open"),
        (lambda s: s.mirror.update(Dealthread_Amount_Due__c=TOTAL), "15,891.00 open, not paid"),
        (lambda s: s.mirrors.clear(), "CRM says missing"),
        (lambda s: s.heard.pop("payment"), "customer success says posted 15,891.00 USD, not"),
        (lambda s: s.heard["payment"].update(state="failed"), "payment failed 15,891.00"),
        (lambda s: s.heard.clear(), "customer success says missing"),
        (lambda s: setattr(s, "invoice", replace(INVOICE, status="draft")), "biller says draft"),
        (lambda s: setattr(s, "invoice", None), "biller says missing"),
    ],
)
def test_a_system_that_says_something_else_fails_the_demonstration(spoil: Any, said: str) -> None:
    systems = Systems()
    spoil(systems)
    stage = systems.stage()
    compare_systems(stage, [DEAL])
    (failure,) = stage.failures
    assert said in failure


def test_an_open_invoice_is_posted_and_open_everywhere() -> None:
    systems = Systems()
    systems.invoice = replace(INVOICE, status="open", remaining=TOTAL)
    systems.document.update(state="posted", amount_to_pay=TOTAL)
    systems.mirror.update(Dealthread_Status__c="open", Dealthread_Amount_Due__c=TOTAL)
    del systems.heard["payment"]
    stage = systems.stage()
    compare_systems(stage, [DEAL])
    assert stage.failures == []


@pytest.mark.parametrize(("status", "finalised"), [("draft", ["in_1"]), ("open", [])])
def test_accounting_finalises_what_is_still_a_draft(status: str, finalised: list[str]) -> None:
    systems = Systems()
    systems.invoice = replace(INVOICE, status=status)
    finalise_drafts(systems.stage(), [DEAL])
    assert systems.finalised == finalised
