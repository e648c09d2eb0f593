"""Issue 4, point 3: what changes credit and charge, in which order, and in which form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dealthread.domain.amendment.amend import Amendment, amend
from dealthread.domain.amendment.billed import BilledItem, Credited, CreditForm
from dealthread.domain.amendment.billing import bill_due
from dealthread.domain.amendment.change import (
    AddLine,
    Change,
    ChangeCycleDay,
    ChangePlan,
    ChangePrice,
    ChangeQuantity,
    ChangeTerms,
    Pause,
    RemoveLine,
    Resume,
)
from dealthread.domain.amendment.line import ServiceLine
from dealthread.domain.amendment.replay import replay
from dealthread.domain.amendment.standing import Standing
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.knobs import CreditBasis, PaidCredit, Rounding
from dealthread.domain.periods.length import ANNUAL, MONTHLY, QUARTERLY
from dealthread.domain.periods.moment import Span
from tests.unit.money.amending import billed, segment

DAYS = Convention(name="days")
JUNE = date(2026, 6, 1)


def june(**options: object) -> Standing:
    """300.00 for June 2026, 10 seats at 30.00, paid: 1.00 a seat and day."""
    return billed("30.00", JUNE, None, MONTHLY, DAYS, quantity="10", **options)  # type: ignore[arg-type]


def on(day: int) -> date:
    return date(2026, 6, day)


def seats(day: int, quantity: int) -> ChangeQuantity:
    return ChangeQuantity(line_key="L1", effective=on(day), quantity=Decimal(quantity))


def run(
    standing: Standing, *changes: Change, day: date = JUNE, convention: Convention = DAYS
) -> Amendment:
    latest = max([day, *(change.effective for change in changes)])
    return amend(standing, changes, key="A1", as_of=latest, convention=convention)


def shown(amendment: Amendment) -> list[tuple[str, str, str, str]]:
    return [
        (str(line.amount.amount), str(line.span.start), str(line.span.end), ",".join(line.corrects))
        for line in amendment.lines
    ]


def test_more_seats_credit_the_old_and_charge_the_new() -> None:
    change = run(june(), seats(11, 12))
    assert shown(change) == [
        ("-200.00", "2026-06-11", "2026-07-01", "INV-1/1"),
        ("240.00", "2026-06-11", "2026-07-01", "INV-1/1"),
    ]
    assert str(change.net.amount) == "40.00"
    assert change.standing.items[-1].item_key == "A1/1"
    assert not change.standing.items[-1].is_issued


def test_several_changes_in_one_period_credit_once_and_charge_each_part() -> None:
    change = run(june(), seats(11, 12), seats(21, 5))
    assert shown(change) == [
        ("-200.00", "2026-06-11", "2026-07-01", "INV-1/1"),
        ("120.00", "2026-06-11", "2026-06-21", "INV-1/1"),
        ("50.00", "2026-06-21", "2026-07-01", "INV-1/1"),
    ]


def test_two_changes_of_one_moment_take_effect_in_order_of_acceptance() -> None:
    assert str(run(june(), seats(11, 12), seats(11, 5)).net.amount) == "-100.00"
    assert str(run(june(), seats(11, 5), seats(11, 12)).net.amount) == "40.00"


def test_a_backdated_change_leaves_what_was_agreed_for_later() -> None:
    first = run(june(), seats(21, 20))
    late = amend(first.standing, [seats(11, 12)], key="A2", as_of=on(25), convention=DAYS)
    assert shown(late) == [
        ("-100.00", "2026-06-11", "2026-06-21", "INV-1/1"),
        ("120.00", "2026-06-11", "2026-06-21", "INV-1/1"),
    ]


def test_a_backdated_change_over_several_periods_corrects_each_invoice() -> None:
    standing = june(until=date(2026, 8, 1))
    change = amend(standing, [seats(16, 20)], key="A1", as_of=date(2026, 7, 10), convention=DAYS)
    assert [(line.invoice, line.corrects) for line in change.lines[:2]] == [
        ("INV-1", ("INV-1/1",)),
        ("INV-2", ("INV-2/1",)),
    ]
    assert [str(line.amount.amount) for line in change.lines] == [
        "-150.00",
        "-300.00",
        "300.00",
        "600.00",
    ]
    assert [line.corrects for line in change.lines[2:]] == [("INV-1/1",), ("INV-2/1",)]


def test_a_change_of_a_later_moment_stays_pending() -> None:
    later = seats(21, 20)
    change = amend(june(), [later, seats(11, 12)], key="A1", as_of=on(15), convention=DAYS)
    assert change.pending == (later,)
    assert len(change.standing.changes) == 1
    assert str(change.net.amount) == "40.00"


def test_a_pause_credits_its_days_and_a_resume_charges_the_rest_again() -> None:
    pause = run(june(), Pause(line_key="L1", effective=on(11), until=on(21)))
    assert shown(pause) == [("-100.00", "2026-06-11", "2026-06-21", "INV-1/1")]
    open_end = run(june(), Pause(line_key="L1", effective=on(11)))
    assert shown(open_end) == [("-200.00", "2026-06-11", "2026-07-01", "INV-1/1")]
    again = amend(
        open_end.standing,
        [Resume(line_key="L1", effective=on(21))],
        key="A2",
        as_of=on(21),
        convention=DAYS,
    )
    assert shown(again) == [("100.00", "2026-06-21", "2026-07-01", "")]
    assert bill_due(open_end.standing, key="B", as_of=date(2026, 7, 5), convention=DAYS).lines == ()


def test_a_pause_leaves_both_sides_to_be_credited_later() -> None:
    pause = run(june(), Pause(line_key="L1", effective=on(11), until=on(21)))
    gone = amend(
        pause.standing,
        [RemoveLine(line_key="L1", effective=on(6))],
        key="A2",
        as_of=on(21),
        convention=DAYS,
    )
    assert [line[:3] for line in shown(gone)] == [
        ("-50.00", "2026-06-06", "2026-06-11"),
        ("-100.00", "2026-06-21", "2026-07-01"),
    ]


def test_a_removed_line_is_credited_and_can_come_back() -> None:
    gone = run(june(), RemoveLine(line_key="L1", effective=on(11)))
    assert shown(gone) == [("-200.00", "2026-06-11", "2026-07-01", "INV-1/1")]
    back = AddLine(
        line_key="L1",
        effective=on(11),
        segment=segment(
            "30.00", on(11), None, BillCycle(length=MONTHLY, anchor=JUNE), quantity="10"
        ),
    )
    again = amend(gone.standing, [back], key="A2", as_of=on(11), convention=DAYS)
    assert again.net + gone.net == Money.zero("USD")
    assert bill_due(again.standing, key="B", as_of=on(20), convention=DAYS).lines == ()


def test_an_added_line_is_charged_to_the_common_end() -> None:
    cycle = BillCycle(length=ANNUAL, anchor=date(2026, 1, 1))
    end = date(2027, 1, 1)
    addition = AddLine(
        line_key="L2",
        effective=date(2026, 7, 1),
        segment=segment("365.00", date(2026, 7, 1), end, cycle, product="SUPPORT"),
    )
    year = billed("100", date(2026, 1, 1), end, ANNUAL, DAYS)
    change = run(year, addition)
    assert shown(change) == [("184.00", "2026-07-01", "2027-01-01", "")]
    assert change.lines[0].product == "SUPPORT"
    assert {item.span.end for item in change.standing.items} == {end}


def test_a_plan_with_another_period_begins_its_own_cycle_or_keeps_the_anchor() -> None:
    price = UnitPrice.of("910.00", "USD")
    fresh = ChangePlan(
        line_key="L1", effective=on(11), product="PRO", unit_price=price, length=QUARTERLY
    )
    change = run(june(), fresh)
    assert shown(change)[1] == ("9100.00", "2026-06-11", "2026-09-11", "INV-1/1")
    kept = run(june(), fresh.model_copy(update={"keeps_anchor": True}))
    assert shown(kept)[1] == ("8110.87", "2026-06-11", "2026-09-01", "INV-1/1")
    same = run(june(), fresh.model_copy(update={"length": MONTHLY}))
    assert shown(same)[1] == ("6066.67", "2026-06-11", "2026-07-01", "INV-1/1")


def test_a_price_change_and_new_terms_at_once() -> None:
    price = ChangePrice(line_key="L1", effective=on(16), unit_price=UnitPrice.of("60", "USD"))
    terms = ChangeTerms(line_key="L1", effective=on(16), payment_terms="net_60")
    assert run(june(), terms).lines == ()
    change = run(june(), price, terms)
    assert [line[0] for line in shown(change)] == ["-150.00", "300.00"]


def test_a_new_cycle_day_ends_the_period_and_starts_a_stub() -> None:
    change = run(june(), ChangeCycleDay(line_key="L1", effective=on(11), cycle_day=21))
    assert shown(change) == [
        ("-200.00", "2026-06-11", "2026-07-01", "INV-1/1"),
        ("96.77", "2026-06-11", "2026-06-21", "INV-1/1"),
    ]


@pytest.mark.parametrize(
    ("unpaid", "issued", "forms"),
    [
        ("0", True, [(CreditForm.BALANCE, "200.00")]),
        ("300", True, [(CreditForm.CREDIT_MEMO, "200.00")]),
        ("50", True, [(CreditForm.CREDIT_MEMO, "50.00"), (CreditForm.BALANCE, "150.00")]),
        ("300", False, [(CreditForm.WITHDRAWN, "200.00")]),
    ],
)
def test_a_credit_takes_its_form_from_the_state_of_payment(
    unpaid: str, issued: bool, forms: Sequence[tuple[CreditForm, str]]
) -> None:
    standing = june()
    (item,) = standing.items
    item = item.model_copy(update={"unpaid": Money.of(unpaid, "USD"), "is_issued": issued})
    standing = standing.model_copy(update={"items": (item,)})
    change = run(standing, RemoveLine(line_key="L1", effective=on(11)))
    (line,) = change.lines
    assert [(one.form, str(one.amount.amount)) for one in line.settlements] == list(forms)
    assert line.invoice == "INV-1"
    left = change.standing.items[0]
    assert left.unpaid == Money.of(max(0, int(unpaid) - 200), "USD")
    assert left.left == Money.of(100, "USD")


def test_a_convention_may_refund_what_was_paid() -> None:
    refunding = DAYS.named("refunding", paid_credit=PaidCredit.REFUND)
    change = run(june(), RemoveLine(line_key="L1", effective=on(11)), convention=refunding)
    assert change.lines[0].settlements[0].form is CreditForm.REFUND


def test_an_item_that_is_used_up_is_not_credited_again() -> None:
    standing = june()
    (item,) = standing.items
    spent = item.model_copy(update={"credits": (Credited(amount=item.amount),)})
    standing = standing.model_copy(update={"items": (spent,)})
    assert run(standing, RemoveLine(line_key="L1", effective=on(11))).lines == ()


def test_a_discounted_item_is_credited_by_what_was_billed() -> None:
    standing = june()
    (item,) = standing.items
    cheap = item.model_copy(update={"amount": Money.of(240, "USD")})
    standing = standing.model_copy(update={"items": (cheap,)})
    by_price = DAYS.named("by_price", credit_basis=CreditBasis.CURRENT_PRICE)
    gone = RemoveLine(line_key="L1", effective=on(11))
    assert str(run(standing, gone).net.amount) == "-160.00"
    assert str(run(standing, gone, convention=by_price).net.amount) == "-200.00"
    whole = RemoveLine(line_key="L1", effective=on(1))
    assert str(run(standing, whole, convention=by_price).net.amount) == "-240.00"


def test_a_free_line_credits_and_charges_nothing() -> None:
    free = billed("0", JUNE, None, MONTHLY, DAYS)
    assert run(free, seats(11, 5)).lines == ()
    assert bill_due(free, key="B", as_of=date(2026, 7, 1), convention=DAYS).lines == ()


def test_in_arrears_nothing_is_credited_and_the_period_is_billed_in_its_parts() -> None:
    standing = june().model_copy(update={"items": ()})
    change = amend(
        standing,
        [seats(11, 12)],
        key="A1",
        as_of=on(11),
        convention=DAYS,
        timing=BillingTiming.ARREARS,
    )
    assert change.lines == ()
    bill = bill_due(
        change.standing,
        key="B1",
        as_of=date(2026, 7, 1),
        convention=DAYS,
        timing=BillingTiming.ARREARS,
    )
    assert [str(line.amount.amount) for line in bill.lines] == ["100.00", "240.00"]
    again = bill_due(
        bill.standing,
        key="B2",
        as_of=date(2026, 7, 31),
        convention=DAYS,
        timing=BillingTiming.ARREARS,
    )
    assert again.lines == ()


def test_a_run_bills_every_period_that_is_due_and_not_billed() -> None:
    bill = bill_due(june(), key="B1", as_of=date(2026, 8, 2), convention=DAYS)
    assert [(line.item_key, str(line.span.start)) for line in bill.lines] == [
        ("B1/1", "2026-07-01"),
        ("B1/2", "2026-08-01"),
    ]
    early = bill_due(
        june().model_copy(update={"items": ()}), key="B", as_of=date(2026, 5, 1), convention=DAYS
    )
    assert early.lines == ()


@pytest.mark.parametrize(
    ("rounding", "total"), [(Rounding.CUMULATIVE, "10.00"), (Rounding.PER_LINE, "9.90")]
)
def test_cumulative_rounding_makes_the_parts_of_a_period_add_up(
    rounding: Rounding, total: str
) -> None:
    """10.00 for 30 days, another product at the same price each day: 30 parts of 0.33."""
    rule = DAYS.named("rule", rounding=rounding)
    price = UnitPrice.of("10.00", "USD")
    daily = [
        ChangePlan(line_key="L1", effective=on(day), product=f"P{day}", unit_price=price)
        for day in range(2, 31)
    ]
    standing = billed("10.00", JUNE, None, MONTHLY, rule)
    standing = standing.model_copy(update={"items": (), "changes": tuple(daily)})
    bill = bill_due(
        standing, key="B", as_of=date(2026, 7, 1), convention=rule, timing=BillingTiming.ARREARS
    )
    assert len(bill.lines) == 30
    assert str(Money.total((line.amount for line in bill.lines), "USD").amount) == total


def test_a_pause_inside_a_pause_and_a_service_with_an_end() -> None:
    standing = billed("30.00", JUNE, on(26), MONTHLY, DAYS)
    change = run(
        standing,
        Pause(line_key="L1", effective=on(6), until=on(16)),
        Pause(line_key="L1", effective=on(11), until=on(21)),
    )
    assert [line[:3] for line in shown(change)] == [("-15.00", "2026-06-06", "2026-06-21")]
    back = amend(
        change.standing,
        [Resume(line_key="L1", effective=on(11))],
        key="A2",
        as_of=on(28),
        convention=DAYS,
    )
    assert [line[:3] for line in shown(back)] == [("10.00", "2026-06-11", "2026-06-21")]
    assert len(replay(back.standing.lines, back.standing.changes, DAYS)["L1"].segments) == 3


def test_every_line_explains_itself() -> None:
    change = run(june(), seats(11, 12))
    text = "\n".join(change.working.lines())
    assert "net of A1 = 40.00 USD" in text
    assert "credit of INV-1/1 = -200.00 USD: quantity × price × share" in text
    assert "share 2/3" in text
    assert "[days]" in text
    whole = run(june(), RemoveLine(line_key="L1", effective=on(1)))
    assert "the billed amount" in "\n".join(whole.working.lines())


def test_a_contract_as_it_stands_survives_json() -> None:
    for standing in (
        run(june(), seats(11, 12), Pause(line_key="L1", effective=on(21))).standing,
        billed("10", JUNE, None, MONTHLY, presets.STRIPE),
    ):
        assert Standing.model_validate_json(standing.model_dump_json()) == standing


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (RemoveLine(line_key="L9", effective=on(11)), "effective: L9 is not served"),
        (RemoveLine(line_key="L1", effective=date(2026, 5, 1)), "effective: L1 is not served"),
        (
            AddLine(
                line_key="L1",
                effective=on(11),
                segment=segment("1", on(11), None, BillCycle(length=MONTHLY, anchor=JUNE)),
            ),
            "line_key: L1 is served",
        ),
        (
            AddLine(
                line_key="L2",
                effective=on(11),
                segment=segment(
                    "1", on(11), None, BillCycle(length=MONTHLY, anchor=JUNE), currency="EUR"
                ),
            ),
            "currency: L2",
        ),
        (
            ChangePrice(line_key="L1", effective=on(11), unit_price=UnitPrice.of(1, "EUR")),
            "currency: L1",
        ),
    ],
)
def test_changes_that_cannot_be_are_refused_by_field(change: Change, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        run(june(), change)


def test_days_and_instants_do_not_mix() -> None:
    with pytest.raises(ValueError, match="lines: stripe counts instants"):
        run(june(), seats(11, 12), convention=presets.STRIPE)
    noon = datetime(2026, 6, 11, 12, tzinfo=UTC)
    late = AddLine(
        line_key="L2",
        effective=noon,
        segment=segment("1", noon, None, BillCycle(length=MONTHLY, anchor=noon)),
    )
    with pytest.raises(ValueError, match="effective: days counts"):
        amend(june(), [late], key="A1", as_of=on(20), convention=DAYS)


@pytest.mark.parametrize(
    ("update", "why"),
    [
        ({"unpaid": Money.of(301, "USD")}, "unpaid"),
        ({"unpaid": Money.of(-1, "USD")}, "unpaid"),
        ({"amount": Money.of(-1, "USD"), "unpaid": Money.of(0, "USD")}, "amount"),
        ({"unit_price": UnitPrice.of(1, "EUR")}, "unit_price"),
        ({"credits": (Credited(amount=Money.of(301, "USD")),)}, "credits"),
        ({"quantity": Decimal("-1")}, "quantity"),
    ],
)
def test_billed_items_that_cannot_be_are_refused_by_field(
    update: dict[str, object], why: str
) -> None:
    (item,) = june().items
    with pytest.raises(ValueError, match=why):
        BilledItem.model_validate({**dict(item), **update})


def test_lines_and_changes_that_cannot_be_are_refused_by_field() -> None:
    cycle = BillCycle(length=MONTHLY, anchor=JUNE)
    one = segment("1", JUNE, on(11), cycle)
    with pytest.raises(ValueError, match="end"):
        segment("1", JUNE, JUNE, cycle)
    with pytest.raises(ValueError, match="not a mixture"):
        segment("1", datetime(2026, 6, 1, tzinfo=UTC), None, cycle)
    for other in (segment("1", on(10), None, cycle), one):
        with pytest.raises(ValueError, match="segments"):
            ServiceLine(line_key="L1", segments=(one, other))
    with pytest.raises(ValueError, match="currency"):
        ServiceLine(
            line_key="L1",
            segments=(one, segment("1", on(11), None, cycle, currency="EUR")),
        )
    with pytest.raises(ValueError, match="until"):
        Pause(line_key="L1", effective=on(11), until=on(11))
    with pytest.raises(ValueError, match="effective"):
        AddLine(line_key="L1", effective=on(12), segment=one)
    with pytest.raises(ValueError, match="quantity"):
        seats(11, -1)
    assert Span(start=JUNE, end=on(11)).size == 10
