"""Figures that accounting standards and vendors publish, to the cent.

The sources: FASB ASC 606-10-55 (Examples 5–8, 33, 34; the same numbers stand in IFRS 15 IE19–IE41
and IE164–IE177), NetSuite, Stripe, Zuora; each with its page. ChargeOver's quarterly example
(help.chargeover.com, "Straight-line - No Proration") is left out: its dates are not a quarter.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.revenue.allocation import allocate
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.modification import Change, ChangeKind, Treatment, decide
from dealthread.domain.revenue.obligation import PerformanceObligation, SoldTogether
from dealthread.domain.revenue.replanning import catch_up, replan
from dealthread.domain.revenue.schedule import Schedule, at_milestones, schedule
from dealthread.domain.revenue.spread import Remainder
from dealthread.domain.rounding import RoundingMode


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def obligation(key: str, ssp: str | None, price: str = "0") -> PerformanceObligation:
    return PerformanceObligation(key=key, price=usd(price), ssp=None if ssp is None else usd(ssp))


def amounts(one: Schedule) -> list[str]:
    return [str(portion.amount.amount) for portion in one.portions()]


# https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_4362249596.html
# 400.00 over four months, 12 days of August and 19 of December: 20 August to 19 December.
NETSUITE = (usd("400"), date(2026, 8, 20), date(2026, 12, 20))


def test_netsuite_even_periods_count_each_part_month() -> None:
    assert amounts(schedule("s", *NETSUITE, Method.EVEN_PERIODS)) == ["80.00"] * 5


def test_netsuite_prorates_first_and_last_and_puts_the_cent_into_the_last_but_one() -> None:
    one = schedule("s", *NETSUITE, Method.PRORATED_ENDS)
    assert amounts(one) == ["39.34", "99.45", "99.45", "99.46", "62.30"]


def test_netsuite_exact_days() -> None:
    # The page's last two rows were not read; the ends are those of the proration above.
    assert amounts(schedule("s", *NETSUITE, Method.BY_DAY))[:3] == ["39.34", "98.36", "101.64"]


# https://docs.stripe.com/revenue-recognition/revenue-settings/examples
# 120 USD for 15 June 12:00 UTC to 13 October 12:00 UTC.
STRIPE_TERM = (
    datetime(2026, 6, 15, 12, tzinfo=UTC),
    datetime(2026, 10, 13, 12, tzinfo=UTC),
)
STRIPE_DAYS = (date(2026, 6, 15), date(2026, 10, 13))


def test_stripe_by_millisecond() -> None:
    one = schedule("s", usd("120"), *STRIPE_TERM)
    assert amounts(one) == ["15.50", "31.00", "31.00", "30.00", "12.50"]


def test_stripe_by_day_cuts_the_last_day_off() -> None:
    one = schedule("s", usd("120"), *STRIPE_DAYS)
    assert amounts(one) == ["16.00", "31.00", "31.00", "30.00", "12.00"]


def test_stripe_by_month_evenly_cuts_the_last_month_off() -> None:
    one = schedule("s", usd("120"), *STRIPE_DAYS, Method.EVEN_MONTHS)
    assert amounts(one) == ["30.00"] * 4


def test_stripe_by_month_evenly_with_prorated_ends_rounds_down() -> None:
    one = schedule("s", usd("120"), *STRIPE_TERM, Method.PRORATED_ENDS, mode=RoundingMode.DOWN)
    assert amounts(one) == ["15.50", "30.66", "30.66", "30.68", "12.50"]


def test_stripe_monthly_and_annual_subscription() -> None:
    # https://docs.stripe.com/revenue-recognition/examples/subscriptions
    monthly = schedule("s", usd("31"), date(2019, 1, 15), date(2019, 2, 15))
    assert amounts(monthly) == ["17.00", "14.00"]
    annual = schedule("s", usd("365"), date(2019, 1, 1), date(2020, 1, 1))
    assert amounts(annual)[:3] == ["31.00", "28.00", "31.00"]


def test_zuora_carve_by_standalone_selling_price() -> None:
    # https://docs.zuora.com/zuora-revenue/data-management/transaction-processing/
    # reduction-order-transactions/ssp-normalization
    found = allocate([obligation("hardware", "750", "800"), obligation("software", "560", "600")])
    assert [str(amount.amount) for _, amount in found.amounts] == ["801.53", "598.47"]


def test_example_33_relative_selling_prices() -> None:
    # 55-256…258: A 50, B 25, C 75, together for 100; published in whole dollars: 33, 17, 50.
    found = allocate(
        [obligation("A", "50"), obligation("B", "25"), obligation("C", "75")], usd("100")
    )
    assert [round(amount.amount) for _, amount in found.amounts] == [33, 17, 50]


ABC = [obligation("A", "40"), obligation("B", "55"), obligation("C", "45")]
B_AND_C = [SoldTogether(keys=("B", "C"), price=usd("60"))]


def test_example_34_case_a_the_discount_belongs_to_two_of_three() -> None:
    # 55-259…264
    found = allocate(ABC, usd("100"), B_AND_C)
    assert [amount.amount for _, amount in found.amounts] == [40, 33, 27]


def test_example_34_case_b_the_residual_goes_to_the_fourth() -> None:
    # 55-265…268: D is sold for 15 to 45
    d = PerformanceObligation(key="D", price=usd("0"), ssp_low=usd("15"), ssp_high=usd("45"))
    found = allocate([*ABC, d], usd("130"), B_AND_C)
    assert [amount.amount for _, amount in found.amounts] == [40, 33, 27, 30]


def test_example_34_case_c_a_residual_outside_its_range_is_refused() -> None:
    # 55-269: 105 would leave 5 for D, which does not depict what D is sold for
    d = PerformanceObligation(key="D", price=usd("0"), ssp_low=usd("15"), ssp_high=usd("45"))
    with pytest.raises(ValueError, match=r"^ssp: 5.00 USD is left for D"):
        allocate([*ABC, d], usd("105"), B_AND_C)


def change(kind: ChangeKind, price: str, low: str, high: str, *, distinct: bool = True) -> Change:
    return Change(
        obligation="product",
        kind=kind,
        accepted_at=date(2026, 4, 1),
        is_distinct=distinct,
        unit_price=UnitPrice.of(price, "USD"),
        ssp_low=UnitPrice.of(low, "USD"),
        ssp_high=UnitPrice.of(high, "USD"),
    )


def test_example_5_case_a_at_the_selling_price_is_a_separate_contract() -> None:
    # 55-111…112: 30 more at 95, their standalone selling price at the time
    assert decide(change(ChangeKind.ADD, "95", "95", "95")).treatment is Treatment.SEPARATE_CONTRACT


def test_example_5_case_b_below_the_selling_price_is_blended() -> None:
    # 55-113…116: 60 of 120 at 100 delivered, 30 more at 80: 93.33 for each of 90. The 900 for
    # faulty goods are a reduction of the price of those delivered, not of the modification.
    assert decide(change(ChangeKind.ADD, "80", "95", "95")).treatment is Treatment.PROSPECTIVE
    sold = at_milestones(
        "product", usd("12000"), [(date(2026, 1, 31), 60), (date(2026, 6, 30), 60)]
    )
    after = replan(sold, date(2026, 4, 1), usd("2400"), date(2026, 10, 1))
    assert after.ahead is not None
    assert after.ahead.total == usd("8400")
    assert round(after.ahead.total.amount / 90, 2) == Decimal("93.33")


def test_example_6_a_later_estimate_goes_where_the_variability_came_from() -> None:
    # 55-117…124: X and Y 1,200 in all; Z joins Y for 300; 40 more of what was variable before
    before = allocate([obligation("X", "1"), obligation("Y", "1")], usd("1200"))
    assert [amount.amount for _, amount in before.amounts] == [600, 600]
    after = allocate([obligation("Y", "1"), obligation("Z", "1")], before.of("Y") + usd("300"))
    assert [amount.amount for _, amount in after.amounts] == [450, 450]
    late = allocate([obligation("X", "1"), obligation("Y", "1")], usd("40"))
    assert late.of("X") == usd("20")
    final = allocate([obligation("Y", "1"), obligation("Z", "1")], usd("900") + late.of("Y"))
    assert [amount.amount for _, amount in final.amounts] == [460, 460]
    estimate = Change(
        obligation="X", kind=ChangeKind.VARIABLE_ESTIMATE, accepted_at=date(2026, 4, 1)
    )
    assert decide(estimate).row == "M10"


def test_example_7_a_shorter_price_and_a_longer_term_are_blended() -> None:
    # 55-125…128: 100,000 a year for three; after two, the third at 80,000 and three more for
    # 200,000: 280,000 over four years, 70,000 a year
    extension = Change(
        obligation="cleaning",
        kind=ChangeKind.EXTEND,
        accepted_at=date(2028, 1, 1),
        is_old_price_changed=True,
    )
    assert decide(extension).treatment is Treatment.PROSPECTIVE
    service = ("cleaning", usd("300000"), date(2026, 1, 1), date(2029, 1, 1))
    sold = schedule(*service, Method.EVEN_PERIODS, Remainder.CUMULATIVE)
    after = replan(
        sold, date(2028, 1, 1), usd("180000"), date(2032, 1, 1), remainder=Remainder.CUMULATIVE
    )
    assert after.ahead is not None
    assert after.ahead.total == usd("280000")
    for year in (2028, 2029, 2030, 2031):
        of_year = after.ahead.in_period(date(year, 1, 1), date(year + 1, 1, 1))
        assert of_year == usd("70000")


def test_example_8_construction_catches_up() -> None:
    # 55-129…133: 600,000 recognised at 60 %; after the change 1,350,000 at 51.2 %
    building = change(ChangeKind.ADD, "150000", "150000", "150000", distinct=False)
    assert decide(building).row == "M8"
    found = catch_up(usd("1350000"), Fraction("0.512"), usd("600000"))
    assert found.adjustment == usd("91200")
