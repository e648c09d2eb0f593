"""PF-09, SN-2: credit notes that somebody made in Stripe's own pages, in words of his own: read,
shared out over the invoice's lines, and one document of the ledger each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from adapters.stripe.billing import StripeBilling
from adapters.stripe.credit_reading import memo_of
from dealthread.domain.documents import CreditMemo
from dealthread.errors import StepRejected
from tests.adapters.conftest import Simulator, native, on
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import by_bank as by_mail
from tests.adapters.stripe_deals import d2, started
from tests.adapters.test_stripe_bills import DE, US, begun, first_id
from tests.adapters.test_stripe_credit_saga import known
from tests.fakes.world import Fault, settled
from tests.support import deals
from tests.support.credit_lab import balances
from tests.support.invoice_lab import mirrored, news, until
from tests.support.running_contract import running_contract
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import lab

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


def in_words(amount: int, *rates: str, words: str = "Courtesy credit") -> Any:
    """A line as a person types it."""
    return {
        "type": "custom_line_item",
        "description": words,
        "quantity": 1,
        "unit_amount": amount,
        "tax_rates": list(rates),
    }


def rate_of(simulator: Simulator, account: str, code: str) -> str:
    (found,) = [
        one.id
        for one in native(simulator, account).v1.tax_rates.list({"limit": 100}).data
        if (one.metadata or {})["dealthread_tax_code"] == code
    ]
    return found


def given(simulator: Simulator, account: str, invoice: str, *lines: Any, **more: Any) -> str:
    params = {"invoice": invoice, "lines": list(lines), **more}
    return native(simulator, account).v1.credit_notes.create(params).id


def parts(memo: CreditMemo) -> list[tuple[str, str, str]]:
    return [(one.line_key, str(one.net.amount), str(one.tax.amount)) for one in memo.lines]


async def harborlines(billing: StripeBilling, days: Days) -> str:
    """D1's first invoice: seats of 13,500.00 and 891.00 of tax, onboarding of 1,500.00."""
    days.go(date(2026, 1, 1))
    agreement, _ = await started(billing, by_mail(deals.d1()), deals.HARBORLINE)
    days.go(date(2026, 1, 2))
    return first_id(agreement)


async def test_words_without_tax_are_shared_over_what_each_line_has_left(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """33.33 of 13,500.00 and 1,500.00 are 30.00 and 3.33; the ninth part is of the first line. The
    next, after 12,000.00 of the seats were credited, finds as much left of both, but for the
    shares: 1,470.00 and 1,496.67."""
    native_id = await harborlines(dated_billing, days)
    given(stripe_simulator, US, native_id, in_words(3333))
    bill = await dated_billing.read_bill(US, native_id)
    seats, onboarding = (one.line_key for one in bill.lines)
    (first,) = bill.credit_memos
    assert parts(first) == [(seats, "30.00", "0.00"), (onboarding, "3.33", "0.00")]
    assert (str(first.net.amount), str(first.gross.amount)) == ("33.33", "33.33")
    assert bill.outside_credits == (first,)
    days.go(date(2026, 1, 3))
    line = next(
        one.id
        for one in native(stripe_simulator, US).v1.invoices.line_items.list(native_id).data
        if one.amount == 1_350_000
    )
    given(
        stripe_simulator,
        US,
        native_id,
        {"type": "invoice_line_item", "invoice_line_item": line, "amount": 1_200_000},
    )
    days.go(date(2026, 1, 4))
    given(stripe_simulator, US, native_id, in_words(29_6667))
    bill = await dated_billing.read_bill(US, native_id)
    assert bill.credit_memos[0] == first
    assert parts(bill.credit_memos[2]) == [
        (seats, "1470.00", "0.00"),
        (onboarding, "1496.67", "0.00"),
    ]


async def test_words_with_a_tax_stay_with_the_lines_of_its_rate(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """6.6 % are on the seats alone: 100.00 and 6.60; the biller's tax to the cent."""
    native_id = await harborlines(dated_billing, days)
    rate = rate_of(stripe_simulator, US, "US-TX-SAAS")
    given(stripe_simulator, US, native_id, in_words(10_000, rate), in_words(1500))
    bill = await dated_billing.read_bill(US, native_id)
    seats, onboarding = (one.line_key for one in bill.lines)
    (memo,) = bill.credit_memos
    # The 15.00 of what is left after the 100.00: 13,400.00 and 1,500.00.
    assert parts(memo) == [
        (seats, "100.00", "6.60"),
        (seats, "13.49", "0.00"),
        (onboarding, "1.51", "0.00"),
    ]
    assert str(memo.gross.amount) == "121.60"


async def test_an_earlier_credit_that_is_taken_back_moves_no_share(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """A share that is in the ledger stays: the second credit was issued beside the first."""
    native_id = await harborlines(dated_billing, days)
    client = native(stripe_simulator, US)
    line = client.v1.invoices.line_items.list(native_id).data
    seats = next(one.id for one in line if one.amount == 1_350_000)
    first = given(
        stripe_simulator,
        US,
        native_id,
        {"type": "invoice_line_item", "invoice_line_item": seats, "amount": 1_200_000},
    )
    days.go(date(2026, 1, 3))
    given(stripe_simulator, US, native_id, in_words(10_000))
    before = (await dated_billing.read_bill(US, native_id)).credit_memos[1]
    assert [net for _, net, _ in parts(before)] == ["50.00", "50.00"]
    days.go(date(2026, 1, 4))
    client.v1.credit_notes.void_credit_note(first)
    given(stripe_simulator, US, native_id, in_words(10_000))
    bill = await dated_billing.read_bill(US, native_id)
    assert bill.credit_memos[0] == before
    # 13,450.00 and 1,450.00 are left: 90.268 and 9.731.
    assert [net for _, net, _ in parts(bill.credit_memos[1])] == ["90.27", "9.73"]
    assert [one.number for one in bill.voided_credits] == [f"{bill.number}-CN-01"]


async def test_a_tax_that_the_invoice_does_not_have_names_its_rate_until_the_note_is_void(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    native_id = await harborlines(dated_billing, days)
    client = native(stripe_simulator, US)
    other = client.v1.tax_rates.create(
        {"display_name": "Sales tax", "percentage": 5, "inclusive": False}
    )
    note = given(stripe_simulator, US, native_id, in_words(10_000, other.id))
    with pytest.raises(StepRejected) as refused:
        await dated_billing.read_bill(US, native_id)
    assert (refused.value.code, refused.value.evidence["tax_rate"]) == (
        "tax_rate_not_on_invoice",
        other.id,
    )
    days.go(date(2026, 1, 3))
    client.v1.credit_notes.void_credit_note(note)
    bill = await dated_billing.read_bill(US, native_id)
    assert bill.credit_memos == ()
    # 13,500.00 and 1,500.00: a line of the contract each, for the undo of what no ledger has.
    assert [parts(one) for one in bill.voided_credits] == [
        [(bill.lines[0].line_key, "90.00", "4.50"), (bill.lines[1].line_key, "10.00", "0.50")]
    ]


def rate_made(simulator: Simulator, percentage: float) -> str:
    """Another rate of the seats' code."""
    params: Any = {
        "display_name": "Sales tax",
        "percentage": percentage,
        "inclusive": False,
        "metadata": {"dealthread_tax_code": "US-TX-SAAS"},
    }
    return native(simulator, US).v1.tax_rates.create(params).id


async def test_a_tax_at_another_percentage_of_the_same_code_is_refused_by_every_worker(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Credited at the rate of now, not of the invoice: 5 % instead of 6.6 %. One worker had listed
    the rates before there was that one, the other lists them after."""
    native_id = await harborlines(dated_billing, days)
    await dated_billing.read_bill(US, native_id)
    given(stripe_simulator, US, native_id, in_words(10_000, rate_made(stripe_simulator, 5)))
    later = on(stripe_simulator, days)
    for billing in (dated_billing, later):
        with pytest.raises(StepRejected) as refused:
            await billing.read_bill(US, native_id)
        assert refused.value.code == "tax_rate_not_on_invoice"
        assert refused.value.evidence["tax_rate"] == "US-TX-SAAS 5 %"
    await later.aclose()


async def test_a_rate_that_took_the_place_of_an_equal_one_is_the_invoices(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Set up anew with the same code and percentage, the first one out of use."""
    native_id = await harborlines(dated_billing, days)
    await dated_billing.read_bill(US, native_id)
    old = rate_of(stripe_simulator, US, "US-TX-SAAS")
    new = rate_made(stripe_simulator, 6.6)
    native(stripe_simulator, US).v1.tax_rates.update(old, {"active": False})
    given(stripe_simulator, US, native_id, in_words(10_000, new))
    later = on(stripe_simulator, days)
    bill, same = await dated_billing.read_bill(US, native_id), await later.read_bill(US, native_id)
    await later.aclose()
    assert bill == same
    seats = bill.lines[0]
    (memo,) = bill.credit_memos
    assert parts(memo) == [(seats.line_key, "100.00", "6.60")]
    assert {seats.tax_rate, *(one.tax_rate for one in memo.lines)} == {"US-TX-SAAS"}


def test_a_note_by_amount_that_has_no_lines_is_read_by_its_taxes() -> None:
    """119.00: 19.00 on 80.00, and 20.00 without tax."""
    row = {
        "id": "cn_1",
        "number": "N-CN-01",
        "currency": "eur",
        "invoice": "in_1",
        "total": 11_900,
        "total_taxes": [
            {
                "amount": 1900,
                "taxable_amount": 8000,
                "tax_behavior": "exclusive",
                "tax_rate_details": {"tax_rate": "txr_1"},
            }
        ],
        "pre_payment_amount": 11_900,
        "refunds": [],
        "effective_at": 1_767_225_600,
        "created": 1_767_225_600,
    }
    memo = memo_of("acct", row, (), {}, rates={"txr_1": "DE-19"})
    assert [
        (one.wording, one.tax_rate, str(one.net.amount), str(one.tax.amount)) for one in memo.lines
    ] == [
        ("Credit by amount", "DE-19", "80.00", "19.00"),
        ("Credit by amount", "", "20.00", "0.00"),
    ]


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_words_are_one_memo_through_a_fault_at_any_act(
    dev_server: Client,
    engine: AsyncEngine,
    dated_billing: StripeBilling,
    days: Days,
    stripe_simulator: Simulator,
    fault: Fault,
) -> None:
    """D2's 17,760.00 and 3,374.40, less 100.00 with 19.00 and 50.00 without tax; RS-01."""
    native_id = first_id(await begun(dated_billing, days))
    contract = d2()
    async with lab(dev_server, engine, date(2026, 3, 16)) as it:
        it.billing.read_bill = dated_billing.read_bill  # type: ignore[method-assign]
        await running_contract(engine, contract)
        await known(it, contract)
        it.world.retry_after = it.world.retry_after / 100
        for act in ("erp.post_invoice", "erp.post_credit_memo", "crm.mirror_invoice"):
            it.world.plan(act, fault)
        rate = rate_of(stripe_simulator, DE, "DE-19")
        given(stripe_simulator, DE, native_id, in_words(10_000, rate), in_words(5000))
        bill = await dated_billing.read_bill(DE, native_id)
        await news(it.client, bill)
        await until(lambda: native_id in mirrored(it))
        await settled(it.world)
        (memo,) = [one for one in it.erp.ledger.documents.values() if one.kind == "credit_memo"]
        assert (memo.number, str(memo.gross.amount)) == (bill.credit_memos[0].number, "169.00")
        assert balances(it, contract.erp_company) == {
            "1100": Decimal("20965.40"),
            "2300": Decimal("-17610.00"),
            "2120": Decimal("-3355.40"),
        }
        case = await it.case_of(contract.key)
        assert (case.kind, str(case.money_at_risk)) == ("credit.outside", "169.00 EUR")
        assert case.evidence["shared"] == f"{bill.lines[0].line_key} 150.00 EUR"
