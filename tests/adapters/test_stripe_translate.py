"""Stripe's objects read: lines, invoices, comparisons."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.stripe import translate
from adapters.stripe.customers import difference, wanted
from adapters.stripe.plan import plan_of
from dealthread.domain.money import Money
from dealthread.errors import (
    ContractDrift,
)
from tests.adapters.stripe_samples import EMAIL, INVOICE_NULLS, onboarding
from tests.support import deals


def test_lines_of_equal_price_are_told_apart_by_their_order() -> None:
    """A preview's items do not exist: product, amount and quantity name the charge."""
    contract = deals.d1()
    twin = contract.lines[0].model_copy(update={"line_key": "L-TWIN"})
    plan = plan_of(contract.model_copy(update={"lines": (contract.lines[0], twin)}))
    keys = translate.LineKeys({}, plan.first.recurring)
    line = {
        "pricing": {
            "price_details": {"product": "seat-std"},
            "unit_amount_decimal": "27000.00",
        },
        "quantity": 50,
        "metadata": {},
        "parent": None,
    }
    assert [keys.of(line) for _ in range(4)] == ["L-D1-SEATS", "L-TWIN", "L-D1-SEATS", "L-TWIN"]
    assert keys.of({**line, "quantity": 51}) == ""
    assert keys.of({**line, "metadata": {"dealthread_line": "L-X"}}) == "L-X"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total": "100"}, "total"),
        ({"total": 1.5}, "total"),
        ({"total": None}, "total"),
        ({"currency": "xxx"}, "currency"),
        ({"status": "new"}, "status"),
        ({"total_taxes": {}}, "total_taxes"),
        ({"due_date": "soon"}, "due_date"),
    ],
)
def test_an_invoice_of_another_shape_names_its_field(changes: dict[str, Any], field: str) -> None:
    """ContractDrift, never a crash."""
    row = {
        **INVOICE_NULLS,
        "id": "in_1",
        "currency": "usd",
        "status": "open",
        "total": 100,
        "amount_due": 100,
        "total_taxes": [],
        **changes,
    }
    with pytest.raises(ContractDrift) as drift:
        translate.invoice("acct_us01", row, [], translate.LineKeys({}), {})
    assert drift.value.evidence == {"field": field}


def test_gross_is_the_documents_total_and_not_what_is_left_to_pay() -> None:
    """A customer balance lowers what is due; the invoice stays what it says."""
    row = {
        **INVOICE_NULLS,
        "id": "in_1",
        "currency": "eur",
        "status": "open",
        "total": 1632632,
        "amount_due": 1370624,
        "total_taxes": [{"amount": 260672}],
    }
    invoice = translate.invoice("acct_de01", row, [], translate.LineKeys({}), {})
    assert (invoice.net, invoice.tax, invoice.gross, invoice.amount_due) == (
        Money.of("13719.60", "EUR"),
        Money.of("2606.72", "EUR"),
        Money.of("16326.32", "EUR"),
        Money.of("13706.24", "EUR"),
    )


def test_null_blank_and_absent_are_one_when_records_are_compared() -> None:
    """Stripe stores an empty text as null."""
    command = onboarding(deals.d1())
    fields = wanted(command)
    present = {
        "name": command.party.legal_name,
        "email": EMAIL,
        "preferred_locales": ["de"],
        "address": {**fields["address"], "line2": None, "state": None},
        "metadata": {"dealthread_customer": "A-NORDWERK", "dealthread_parent": "A-PARENT",
                     "other": "kept"},
    }  # fmt: skip
    assert difference(fields, present) == {}
    assert difference(fields, {**present, "email": "old@example.com"}) == {"email": EMAIL}
    unused = {**present["metadata"], "dealthread_unused": "true"}
    assert difference(fields, {**present, "metadata": unused}) == {
        "metadata": {"dealthread_unused": ""}
    }
