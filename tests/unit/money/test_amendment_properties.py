"""Issue 4: what holds for every amendment, whatever the dates, amounts and convention."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dealthread.domain.amendment.amend import Amendment, amend
from dealthread.domain.amendment.billed import CreditForm
from dealthread.domain.amendment.billing import bill_due
from dealthread.domain.amendment.change import (
    AddLine,
    Change,
    ChangePlan,
    ChangePrice,
    ChangeQuantity,
    Pause,
    RemoveLine,
    Resume,
)
from dealthread.domain.amendment.standing import LineKind, Standing
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.periods import presets
from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import DayCount, PeriodEnd
from dealthread.domain.periods.length import ANNUAL, MONTHLY, QUARTERLY, WEEKLY
from tests.unit.money.amending import billed

CURRENCY = "EUR"
CONVENTIONS = st.sampled_from(list(presets.PRESETS.values()))
PRICES = st.decimals(0, 10_000, places=2).map(str)
QUANTITIES = st.integers(0, 500).map(Decimal)


@st.composite
def contracts(draw: st.DrawFn) -> tuple[Convention, Standing, date, int]:
    """A convention, a billed contract, its first day and the days its first period has."""
    convention = draw(CONVENTIONS)
    length = draw(st.sampled_from([WEEKLY, MONTHLY, QUARTERLY, ANNUAL]))
    start = draw(st.dates(date(2023, 1, 1), date(2028, 12, 31)))
    standing = billed(
        draw(PRICES),
        start,
        None,
        length,
        convention,
        quantity=str(draw(st.integers(1, 300))),
        currency=CURRENCY,
        cycle_day=draw(st.integers(1, 31)) if length.months else None,
        paid=draw(st.booleans()),
    )
    whole = standing.items[0].span
    days = (whole.end - whole.start).days
    return convention, standing, start, days


def changed(standing: Standing, convention: Convention, key: str, *changes: Change) -> Amendment:
    day = max(change.effective for change in changes)
    return amend(standing, changes, key=key, as_of=day, convention=convention)


@given(contracts(), QUANTITIES, PRICES, st.sampled_from(["quantity", "price", "plan"]), st.data())
def test_a_change_and_its_inverse_at_the_same_moment_net_to_nothing(
    contract: tuple[Convention, Standing, date, int],
    quantity: Decimal,
    price: str,
    kind: str,
    data: st.DataObject,
) -> None:
    convention, standing, start, days = contract
    effective = start + timedelta(days=data.draw(st.integers(0, days - 1)))
    was = standing.lines[0].segments[0]
    there: Change
    back: Change
    if kind == "quantity":
        there = ChangeQuantity(line_key="L1", effective=effective, quantity=quantity)
        back = ChangeQuantity(line_key="L1", effective=effective, quantity=was.quantity)
    elif kind == "price":
        there = ChangePrice(
            line_key="L1", effective=effective, unit_price=UnitPrice.of(price, CURRENCY)
        )
        back = ChangePrice(line_key="L1", effective=effective, unit_price=was.unit_price)
    else:
        there = ChangePlan(
            line_key="L1",
            effective=effective,
            product="OTHER",
            unit_price=UnitPrice.of(price, CURRENCY),
        )
        back = ChangePlan(
            line_key="L1", effective=effective, product=was.product, unit_price=was.unit_price
        )
    first = changed(standing, convention, "A1", there)
    second = changed(first.standing, convention, "A2", back)
    assert first.net + second.net == Money.zero(CURRENCY)


@given(contracts(), st.data())
def test_a_line_removed_or_paused_and_brought_back_at_once_nets_to_nothing(
    contract: tuple[Convention, Standing, date, int], data: st.DataObject
) -> None:
    convention, standing, start, days = contract
    inclusive = convention.period_end is PeriodEnd.LAST_DAY_INCLUSIVE
    effective = start + timedelta(days=data.draw(st.integers(0, days - 1)))
    pause = changed(standing, convention, "A1", Pause(line_key="L1", effective=effective))
    resume = changed(pause.standing, convention, "A2", Resume(line_key="L1", effective=effective))
    assert pause.net + resume.net == Money.zero(CURRENCY)
    was = standing.lines[0].segments[0]
    gone = changed(standing, convention, "A1", RemoveLine(line_key="L1", effective=effective))
    again = convention.moment(effective + timedelta(days=1 if inclusive else 0))
    segment = was.model_validate({**dict(was), "start": again})
    back = changed(
        gone.standing, convention, "A2", AddLine(line_key="L1", effective=again, segment=segment)
    )
    if back.lines:  # the last day served may be the last of the period
        assert gone.net + back.net == Money.zero(CURRENCY)


@st.composite
def histories(draw: st.DrawFn, days: int, start: date) -> list[Change]:
    found: list[Change] = []
    for _ in range(draw(st.integers(1, 6))):
        effective = start + timedelta(days=draw(st.integers(0, days - 1)))
        kind = draw(st.sampled_from(["quantity", "price", "plan", "pause", "resume"]))
        if kind == "quantity":
            found.append(
                ChangeQuantity(line_key="L1", effective=effective, quantity=draw(QUANTITIES))
            )
        elif kind == "price":
            price = UnitPrice.of(draw(PRICES), CURRENCY)
            found.append(ChangePrice(line_key="L1", effective=effective, unit_price=price))
        elif kind == "plan":
            found.append(
                ChangePlan(
                    line_key="L1",
                    effective=effective,
                    product=draw(st.sampled_from(["A", "B"])),
                    unit_price=UnitPrice.of(draw(PRICES), CURRENCY),
                )
            )
        elif kind == "pause":
            found.append(Pause(line_key="L1", effective=effective))
        else:
            found.append(Resume(line_key="L1", effective=effective))
    return found


@given(contracts(), st.data())
def test_credits_never_exceed_charges_and_take_the_form_of_the_payment(
    contract: tuple[Convention, Standing, date, int], data: st.DataObject
) -> None:
    """Through any row of changes in any order of dates, on every billed item."""
    convention, standing, start, days = contract
    # A first item of nought has nothing unpaid, whatever became of its invoice.
    paid = not any(one.unpaid for one in standing.items)
    for number, change in enumerate(data.draw(histories(days, start))):
        amendment = amend(
            standing,
            [change],
            key=f"A{number}",
            as_of=start + timedelta(days=days - 1),
            convention=convention,
        )
        standing = amendment.standing
        for line in amendment.lines:
            if line.kind is LineKind.CHARGE:
                assert Money.zero(CURRENCY) < line.amount
                continue
            settled = Money.total((one.amount for one in line.settlements), CURRENCY)
            assert settled == -line.amount
            forms = {one.form for one in line.settlements}
            if line.invoice:
                wanted = CreditForm.BALANCE if paid else CreditForm.CREDIT_MEMO
                assert forms <= {wanted, CreditForm.BALANCE}
                assert line.corrects == (f"{line.invoice}/1",)
            else:
                assert forms == {CreditForm.WITHDRAWN}
    for item in standing.items:
        assert 0 <= item.left.to_minor() <= item.amount.to_minor()
        assert 0 <= item.unpaid.to_minor() <= item.amount.to_minor()


@given(contracts(), st.data())
def test_amended_step_by_step_or_known_from_the_start_comes_to_the_same(
    contract: tuple[Convention, Standing, date, int], data: st.DataObject
) -> None:
    """Net of credits, to the rounding of the lines; for day counts whose parts add up."""
    convention, standing, start, days = contract
    standing = standing.model_copy(update={"items": standing.items[:1]})
    if convention.day_count not in (DayCount.ALIGNED_PERIOD, DayCount.ACTUAL_MONTH):
        return
    if convention is presets.STRIPE_CLASSIC:
        return  # credits by the price in force, capped: not the same on purpose
    end = start + timedelta(days=days - 1)
    changes = data.draw(histories(days, start))
    unbilled = standing.model_copy(update={"items": ()})
    lines = 0
    for number, change in enumerate(changes):
        step = amend(standing, [change], key=f"A{number}", as_of=end, convention=convention)
        standing, lines = step.standing, lines + len(step.lines)
    net = Money.total((item.left for item in standing.items), CURRENCY)
    known = amend(unbilled, changes, key="K", as_of=end, convention=convention)
    whole = bill_due(known.standing, key="B", as_of=end, convention=convention)
    expected = Money.total((item.left for item in whole.standing.items), CURRENCY)
    lines += len(whole.lines) + len(known.lines)
    assert abs((net - expected).to_minor()) <= lines
    again = bill_due(standing, key="B", as_of=end, convention=convention)
    assert again.lines == ()


@given(contracts(), st.data())
def test_a_standing_survives_json(
    contract: tuple[Convention, Standing, date, int], data: st.DataObject
) -> None:
    convention, standing, start, days = contract
    changes = data.draw(histories(days, start))
    after = amend(
        standing, changes, key="A", as_of=start + timedelta(days=days), convention=convention
    )
    text = after.standing.model_dump_json()
    assert Standing.model_validate_json(text) == after.standing
    assert Amendment.model_validate_json(after.model_dump_json()) == after
