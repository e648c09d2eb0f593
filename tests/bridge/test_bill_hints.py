"""Which invoice an event of the biller is about; what is switched off is held (PF-07, EV-10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dealthread.bridge.bill_hints import invoice_told_of
from dealthread.errors import BadInput
from dealthread.store.inbox import InboxRow


def _row(kind: str, told: Any) -> InboxRow:
    body = json.dumps({"id": "evt_1", "type": kind, "data": {"object": told}}).encode()
    return InboxRow(1, "stripe", "acct_alder_us", "evt_1", body, 1)


@pytest.mark.parametrize(
    "kind", ["invoice.finalized", "invoice.paid", "invoice.voided", "invoice.payment_failed"]
)
def test_an_event_of_an_invoice_names_it(kind: str) -> None:
    assert invoice_told_of(_row(kind, {"id": "in_1"})) == "in_1"


@pytest.mark.parametrize("kind", ["credit_note.created", "invoice_payment.paid"])
def test_an_event_of_a_credit_or_a_payment_names_its_invoice(kind: str) -> None:
    assert invoice_told_of(_row(kind, {"id": "x_1", "invoice": "in_2"})) == "in_2"


def test_other_news_is_about_no_invoice() -> None:
    assert invoice_told_of(_row("customer.updated", {"id": "cus_1"})) is None


@pytest.mark.parametrize("told", [{}, {"id": None}, {"id": "cus_1"}, {"id": 7}, [], None])
def test_what_names_no_invoice_is_refused_by_its_field(told: Any) -> None:
    with pytest.raises(BadInput) as refused:
        invoice_told_of(_row("invoice.paid", told))
    assert refused.value.field == "data.object"
