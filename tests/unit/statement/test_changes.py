"""Changes in a statement: what is billed, credited and recognised for each kind.

365.00 a year for a seat: a day of ten seats is 10.00, so each figure can be checked by counting.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dealthread.domain.amendment.billed import CreditForm
from dealthread.domain.money import Money
from dealthread.domain.periods.knobs import Rounding
from dealthread.domain.periods.presets import PRESETS
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.spread import Remainder
from dealthread.domain.statement.statement import Statement, statement_of
from tests.unit.statement.forms import change, form, seats

RANGE = {"unit": "365.00", "low": "350.00", "high": "380.00"}


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def with_change(kind: str, **changed: Any) -> Statement:
    """Ten seats with one change on 1 July: 184 days are left."""
    return statement_of(form(lines=[seats(selling_price=RANGE)], changes=[change(kind, **changed)]))


def revenue_in(found: Statement, month: date) -> dict[str, str]:
    return {row.obligation: str(row.amount.amount) for row in found.revenue if row.month == month}


def ties(found: Statement) -> None:
    assert found.recognised == found.net
    assert not found.deferred[-1].closing


def test_more_at_the_selling_price_is_an_obligation_of_its_own() -> None:
    found = with_change("add", quantity="15")
    assert found.documents[1].net == usd("920")
    assert revenue_in(found, date(2026, 7, 1)) == {"seats/A1": "155.00", "seats": "310.00"}
    ties(found)


def test_more_below_the_range_is_blended() -> None:
    found = with_change("add", quantity="15", unit_price="292.00")
    assert [decision.row for decision in found.decisions] == ["M3"]
    # All fifteen at 292.00 are 12.00 a day.
    assert found.documents[1].net == usd("368")
    assert revenue_in(found, date(2026, 7, 1)) == {"seats": "372.00"}
    ties(found)


def test_another_price_is_prospective() -> None:
    found = with_change("price", unit_price="730.00")
    assert revenue_in(found, date(2026, 6, 1)) == {"seats": "300.00"}
    assert revenue_in(found, date(2026, 7, 1)) == {"seats": "620.00"}
    ties(found)


def test_an_end_derecognises_what_remains() -> None:
    found = with_change("terminate")
    assert found.documents[1].net == usd("-1840")
    assert found.revenue[-1].month == date(2026, 6, 1)
    assert [decision.row for decision in found.decisions] == ["M12"]
    ties(found)


def test_a_cent_between_credit_and_remaining_revenue_is_booked_on_the_day_of_the_end() -> None:
    odd = seats(quantity="1", unit_price="100.00", revenue="even_periods")
    found = statement_of(
        form(lines=[odd], changes=[change("terminate", effective_on="2026-07-11")])
    )
    assert "seats/A1" in revenue_in(found, date(2026, 7, 1))
    ties(found)


def test_terms_only_change_nothing() -> None:
    found = with_change("terms_only")
    assert len(found.documents) == 1
    assert [decision.row for decision in found.decisions] == ["M14"]
    ties(found)


def test_what_is_not_accepted_has_no_effect() -> None:
    found = with_change("add", quantity="15", accepted_on=None)
    assert len(found.documents) == 1
    assert [decision.row for decision in found.decisions] == ["M0"]
    ties(found)


def test_a_change_after_an_end_is_refused() -> None:
    later = change("reduce", key="A2", quantity="1", accepted_on="2026-09-01")
    with pytest.raises(ValueError, match="not served"):
        statement_of(form(changes=[change("terminate"), later | {"effective_on": "2026-09-01"}]))


def test_a_backdated_change_is_documented_when_it_is_accepted() -> None:
    found = with_change("reduce", quantity="5", accepted_on="2026-08-15")
    assert found.documents[1].issue_date == date(2026, 8, 15)
    assert found.documents[1].net == usd("-920")
    ties(found)


def test_a_future_change_waits_for_its_day() -> None:
    found = with_change("reduce", quantity="5", accepted_on="2026-03-01")
    assert found.documents[1].issue_date == date(2026, 7, 1)


def test_later_periods_are_billed_at_the_new_terms() -> None:
    """Quarterly: 61 of the 91 days of the second quarter are credited for five of ten seats.

    Agreed on the day that the third quarter is billed, the credit stands on a document of its own.
    """
    found = statement_of(
        form(
            billing_months=3,
            lines=[seats(unit_price="91.00", per_months=3)],
            changes=[change("reduce", quantity="5", effective_on="2026-05-01")],
        )
    )
    told = [(str(one.issue_date), str(one.net.amount)) for one in found.documents]
    assert told == [
        ("2026-01-01", "910.00"),
        ("2026-04-01", "910.00"),
        ("2026-07-01", "455.00"),
        ("2026-07-01", "-305.00"),
        ("2026-10-01", "455.00"),
    ]
    ties(found)


def test_in_arrears_a_period_is_billed_at_its_end_by_what_was_served() -> None:
    found = statement_of(form(timing="arrears", changes=[change("reduce", quantity="5")]))
    (document,) = found.documents
    assert document.issue_date == date(2027, 1, 1)
    assert document.net == usd("2730")  # 181 days of 10.00 and 184 of 5.00
    ties(found)


def test_a_change_on_the_first_day_of_a_period_bills_that_period_once() -> None:
    found = statement_of(
        form(
            end="2028-01-01",
            changes=[change("reduce", quantity="5", effective_on="2027-01-01")],
        )
    )
    assert [str(document.net.amount) for document in found.documents] == ["3650.00", "1825.00"]
    ties(found)


@pytest.mark.parametrize(
    ("unpaid_from", "expected"),
    [(None, CreditForm.BALANCE), ("2026-01-01", CreditForm.CREDIT_MEMO)],
)
def test_a_credit_goes_where_the_payment_stands(
    unpaid_from: str | None, expected: CreditForm
) -> None:
    found = statement_of(form(unpaid_from=unpaid_from, changes=[change("reduce", quantity="5")]))
    credit = found.documents[1].lines[0]
    (settlement,) = credit.settlements
    assert (settlement.form, settlement.invoice, credit.corrects) == (expected, "1", 1)


def test_an_evergreen_line_is_recognised_by_billing_period() -> None:
    found = statement_of(
        form(is_evergreen=True, billing_months=1, lines=[seats(unit_price="3.10", per_months=1)])
    )
    assert revenue_in(found, date(2026, 2, 1)) == {"seats": "31.00"}
    ties(found)


def test_an_evergreen_price_of_nothing_and_no_usage_bill_nothing() -> None:
    usage = {"key": "calls", "charge": "usage", "revenue": "usage", "unit_price": "1"}
    found = statement_of(form(lines=[seats(unit_price="0.00"), usage]))
    assert found.documents == ()
    assert found.net == usd("0")


def test_a_service_given_free_is_no_document() -> None:
    gift = {"key": "gift", "charge": "one_time", "unit_price": "0.00"}
    found = statement_of(form(lines=[gift]))
    assert found.documents == ()


def test_a_price_model_is_rated_for_the_whole_quantity() -> None:
    tiers = [
        {"up_to": "10", "unit_price": {"amount": "365", "currency": "USD"}},
        {"unit_price": {"amount": "292", "currency": "USD"}},
    ]
    volume = {
        "key": "seats",
        "quantity": "10",
        "price": {"model": "volume", "table": {"tiers": tiers}},
    }
    found = statement_of(
        form(
            lines=[volume | {"selling_price": RANGE}],
            changes=[change("reduce", quantity="5")],
        )
    )
    assert found.documents[0].net == usd("3650")
    assert found.documents[1].net == usd("-920")
    ties(found)


def test_a_free_line_takes_its_share_by_its_term() -> None:
    """Half a year of a seat at 365.00 alone is 181 days of 1.00; the paid line is a year."""
    free = seats(key="gift", quantity="1", unit_price="0.00", end="2026-07-01")
    found = statement_of(
        form(
            lines=[
                seats(quantity="1", selling_price={"unit": "365.00"}),
                free | {"selling_price": {"unit": "365.00"}},
            ]
        )
    )
    assert found.allocation is not None
    assert found.allocation.of("gift") == usd("121.00")  # 365.00 × 181 ÷ 546
    ties(found)


def test_what_is_handed_on_stays_outside_the_allocation() -> None:
    found = statement_of(
        form(
            lines=[
                seats(selling_price={"unit": "365.00"}),
                {"key": "fee", "charge": "one_time", "unit_price": "9.00"}
                | {"is_pass_through": True},
            ]
        )
    )
    assert found.allocation is not None
    assert found.allocation.transaction_price == usd("3650")
    ties(found)


@pytest.mark.parametrize("convention", ["stripe", "kill_bill", "salesforce_cpq_month_day"])
def test_a_statement_ties_under_each_convention(convention: str) -> None:
    found = statement_of(
        form(
            convention=convention,
            time_zone="America/New_York",
            changes=[change("reduce", quantity="5"), change("terminate", key="A2")
                     | {"accepted_on": "2026-11-05", "effective_on": "2026-11-05"}],
        )
    )  # fmt: skip
    ties(found)


def books(state: str) -> list[dict[str, str]]:
    """December closed or its year closed, January open."""
    return [
        {"start": "2025-12-01", "end": "2026-01-01", "state": state},
        {"start": "2026-01-01", "end": "2026-02-01", "state": "open"},
    ]


def test_a_closed_period_moves_the_posting_date_only() -> None:
    """Case S4 of the fact sheet: start 2025-12-15, posted 2026-01-01."""
    found = statement_of(
        form(start="2025-12-15", periods=books("closed"), posting_threshold="5000.00")
    )
    document = found.documents[0]
    assert (document.issue_date, document.tax_point) == (date(2025, 12, 15), date(2025, 12, 15))
    assert document.posting.posting_date == date(2026, 1, 1)
    assert [row.billed.amount for row in found.deferred[:2]] == [0, 3650]
    ties(found)


def test_a_larger_one_waits_for_the_controller() -> None:
    found = statement_of(form(start="2025-12-15", periods=books("closed")))
    assert found.documents[0].posting.needs_controller


def test_a_convention_says_how_a_service_is_recognised() -> None:
    """NetSuite: equal months between the ends, the cent to the last but one."""
    line = seats(quantity="1", unit_price="100.00", per_months=3)
    found = statement_of(
        form(convention="netsuite_arm", cycle_day=1, billing_months=3, lines=[line])
    )
    assert found.net == usd("400")
    assert [str(row.amount.amount) for row in found.revenue] == [
        "33.97", *["33.21"] * 9, "33.17", "33.97",
    ]  # fmt: skip


def test_cumulative_rounding_spreads_the_cents_of_revenue() -> None:
    line = seats(quantity="1", unit_price="100.00", revenue="even_periods")
    found = statement_of(form(remainder="cumulative", lines=[line]))
    assert [row.amount.to_minor() for row in found.revenue] == [833, 834, 833] * 4


def test_a_convention_of_cumulative_amounts_spreads_revenue_so_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cumulative = PRESETS["zuora"].named("cumulative_own", rounding=Rounding.CUMULATIVE)
    monkeypatch.setitem(PRESETS, "cumulative_own", cumulative)
    assert form(convention="cumulative_own").rest() is Remainder.CUMULATIVE


def test_usage_is_recognised_as_rated_whatever_the_convention() -> None:
    line = seats(charge="usage", usage=[{"until": "2026-01-31", "quantity": "3"}])
    (usage,) = form(lines=[line], convention="netsuite_arm").lines
    assert usage.method(PRESETS["netsuite_arm"]) is Method.USAGE
