"""Which invoice an event of the biller is about; what is switched off is held (PF-07, EV-10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dealthread.bridge.bill_hints import draft_told_of, invoice_told_of
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


def _drafted(**more: Any) -> InboxRow:
    told = {
        "id": "in_3",
        "status": "draft",
        "total": 1050,
        "currency": "usd",
        "created": 1767225600,
        "parent": {
            "subscription_details": {"metadata": {"dealthread_contract": "C-AAAAAAAAAAAAA"}}
        },
    }
    return _row("invoice.created", told | more)


def test_a_draft_is_noted_as_the_event_tells_it() -> None:
    """Nothing of it is read: amount, contract and age are enough to ask after it."""
    draft = draft_told_of("acct_alder_us", _drafted())
    assert draft is not None
    assert (draft.ref.account, draft.ref.native_id) == ("acct_alder_us", "in_3")
    assert (str(draft.gross), draft.contract_key) == ("10.50 USD", "C-AAAAAAAAAAAAA")
    assert draft.number == ""
    assert str(draft.drafted_at) == "2026-01-01 00:00:00+00:00"
    assert invoice_told_of(_drafted()) is None


@pytest.mark.parametrize("more", [{"status": "open"}, {"parent": None}])
def test_what_is_issued_at_once_or_is_nobodys_is_not_noted(more: dict[str, Any]) -> None:
    assert draft_told_of("acct_alder_us", _drafted(**more)) is None


@pytest.mark.parametrize("more", [{"total": "x"}, {"currency": None}, {"created": None}, {"id": 7}])
def test_a_draft_that_cannot_be_read_is_refused_by_its_field(more: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        draft_told_of("acct_alder_us", _drafted(**more))
    assert refused.value.field == "data.object"
