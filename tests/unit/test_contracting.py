"""DM-01…05: the worked deals become contracts whose amounts are right to the cent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread.config import load_config
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import booking_total, build_contract, deal_value, first_bill
from dealthread.domain.corrections import (
    Corrections,
    apply_corrections,
    merged,
    parse_corrections,
)
from dealthread.domain.deal import BillingFrequency, CollectionMethod, Deal, TermKind
from dealthread.domain.money import Money
from dealthread.domain.party import Address, BuyerType, Exemption
from dealthread.domain.span import add_months, whole_periods
from dealthread.errors import BadInput, InvariantBroken
from tests.support import deal_builder as build


@pytest.fixture(scope="module")
def config() -> ConfigSet:
    return load_config(build.CONFIG_DIR)


def contract_of(deal: Deal, config: ConfigSet, today: date) -> Contract:
    return build_contract(deal, config, today, "C-TEST")


@pytest.mark.parametrize(
    ("make", "today", "currency", "bill", "booking"),
    [
        (
            build.d1,
            build.D1_TODAY,
            "USD",
            ("15000.00", "891.00", "15891.00"),
            ("15000.00", "891.00", "15891.00"),
        ),
        (
            build.d2,
            build.D2_TODAY,
            "EUR",
            ("17760.00", "3374.40", "21134.40"),
            ("17760.00", "3374.40", "21134.40"),
        ),
        (
            build.d3,
            build.D3_TODAY,
            "GBP",
            ("400.00", "80.00", "480.00"),
            ("400.00", "80.00", "480.00"),
        ),
        (
            build.d4,
            build.D4_TODAY,
            "USD",
            ("43200.00", "3834.00", "47034.00"),
            ("194400.00", "17253.00", "211653.00"),
        ),
        (
            build.d5,
            build.D5_TODAY,
            "EUR",
            ("12000.00", "0.00", "12000.00"),
            ("12000.00", "0.00", "12000.00"),
        ),
    ],
    ids=["D1", "D2", "D3", "D4", "D5"],
)
def test_first_bill_and_booking_of_each_worked_deal(
    config: ConfigSet,
    make: Callable[[], Deal],
    today: date,
    currency: str,
    bill: tuple[str, str, str],
    booking: tuple[str, str, str],
) -> None:
    contract = contract_of(make(), config, today)
    for totals, expected in ((first_bill(contract), bill), (booking_total(contract), booking)):
        assert (totals.net, totals.tax, totals.gross) == tuple(
            Money.of(amount, currency) for amount in expected
        )


def test_texas_line_keeps_statutory_rate_share_and_base(config: ConfigSet) -> None:
    """D1: 8.25 % on 80 % of 13,500.00; onboarding in Texas is stated apart and untaxed."""
    seats, onboarding = contract_of(build.d1(), config, build.D1_TODAY).lines
    assert seats.tax.code == "US-TX-SAAS"
    assert (seats.tax.statutory_rate, seats.tax.taxable_share) == (Decimal("8.25"), Decimal(80))
    assert seats.tax.base == Money.of("10800.00", "USD")
    assert seats.tax.amount == Money.of("891.00", "USD")
    assert seats.tax.is_estimate
    assert onboarding.tax.code == "US-TX-SVC0"
    assert onboarding.end_date is None


def test_contract_takes_terms_and_owners_from_configuration(config: ConfigSet) -> None:
    contract = contract_of(build.d2(), config, build.D2_TODAY)
    assert (contract.seller, contract.billing_account) == ("DE01", "acct_alder_de")
    assert (contract.erp, contract.erp_company) == ("tryton", "2")
    assert (contract.days_until_due, contract.release_policy) == (30, "review")
    assert contract.booking_policy == "memo_order"
    assert contract.committed_until == date(2027, 3, 15)
    assert contract.term_months == 12
    assert contract.config_version == config.version
    assert contract.content_hash == build.d2().content_hash()


def test_terms_and_collection_fall_back_to_the_seller(config: ConfigSet) -> None:
    silent = build.d1().model_copy(update={"collection_method": None, "payment_terms": ""})
    contract = contract_of(silent, config, build.D1_TODAY)
    assert contract.payment_terms == "DUE"
    assert contract.collection_method is CollectionMethod.CARD


def test_ramp_segments_become_separate_dated_lines(config: ConfigSet) -> None:
    lines = contract_of(build.d4(), config, build.D4_TODAY).lines
    assert [(row.start_date, row.end_date, row.quantity) for row in lines] == [
        (date(2026, 2, 1), date(2027, 2, 1), Decimal(100)),
        (date(2027, 2, 1), date(2028, 2, 1), Decimal(150)),
        (date(2028, 2, 1), date(2029, 2, 1), Decimal(200)),
    ]
    assert [str(row.tax.amount) for row in lines] == [
        "3,834.00 USD",
        "5,751.00 USD",
        "7,668.00 USD",
    ]


def test_an_evergreen_contract_has_no_end_and_usage_commits_nothing(config: ConfigSet) -> None:
    contract = contract_of(build.d3(), config, build.D3_TODAY)
    platform, usage = contract.lines
    assert contract.end_date is None
    assert contract.committed_until is None
    assert platform.committed_net == Money.of("400.00", "GBP")
    assert usage.committed_net == Money.zero("GBP")
    assert usage.tax.amount == Money.zero("GBP")


def test_a_broken_last_period_is_prorated_by_actual_days(config: ConfigSet) -> None:
    """13,500.00 a year for 12 months and 31 days of a 365-day year: 13,500.00 + 1,146.58."""
    deal = build.d1().model_copy(update={"end_date": date(2027, 2, 1), "term_months": 13})
    seats = contract_of(deal, config, build.D1_TODAY).lines[0]
    assert seats.committed_net == Money.of("14646.58", "USD")
    assert seats.net_per_period == Money.of("13500.00", "USD")


def test_a_line_shorter_than_the_billing_period_bills_what_it_commits(config: ConfigSet) -> None:
    """50 × 270.00 × 181 ÷ 365 = 6,694.52."""
    deal = build.d1().model_copy(update={"end_date": date(2026, 7, 1), "term_months": 6})
    seats = contract_of(deal, config, build.D1_TODAY).lines[0]
    assert seats.committed_net == seats.net_per_period == Money.of("6694.52", "USD")


def test_quarterly_billing_of_a_monthly_price_bills_three_months(config: ConfigSet) -> None:
    deal = build.d3().model_copy(update={"billing_frequency": BillingFrequency.QUARTERLY})
    platform = contract_of(deal, config, build.D3_TODAY).lines[0]
    assert platform.net_per_period == Money.of("1200.00", "GBP")


def test_a_valid_certificate_exempts_and_an_expired_one_does_not(config: ConfigSet) -> None:
    """A certificate ends on the first day it no longer covers."""
    deal = build.d4()
    assert deal.account is not None
    for until, code in ((date(2026, 2, 2), "US-EXEMPT"), (date(2026, 2, 1), "US-NY-SAAS")):
        held = Exemption(jurisdiction="US-NY", certificate="NY-1", until=until)
        account = deal.account.model_copy(update={"exemptions": (held,)})
        contract = contract_of(
            deal.model_copy(update={"account": account}), config, date(2026, 1, 20)
        )
        assert {row.tax.code for row in contract.lines} == {code}


def test_access_on_signature_waits_for_a_later_signature(config: ConfigSet) -> None:
    products = tuple(row.model_copy(update={"access": "on_signature"}) for row in config.products)
    late = build.d1().model_copy(update={"signed_on": date(2026, 1, 9)})
    contract = contract_of(late, config.model_copy(update={"products": products}), date(2026, 1, 9))
    assert contract.lines[0].access_from == date(2026, 1, 9)
    assert contract_of(late, config, date(2026, 1, 9)).lines[0].access_from == date(2026, 1, 1)


def test_contract_of_an_invalid_deal_is_our_bug(config: ConfigSet) -> None:
    with pytest.raises(InvariantBroken) as caught:
        contract_of(build.d1().model_copy(update={"start_date": None}), config, build.D1_TODAY)
    assert caught.value.evidence == {"field": "start_date"}


def test_deal_value_needs_no_mapping(config: ConfigSet) -> None:
    """Money at risk of S1 (unmapped, yearly assumed) and S2 (36 months at 400.00 a month)."""
    unmapped = build.d1().model_copy(
        update={"lines": (build.line(1, "SEAT-EDU", "10", "120.00", "USD"),)}
    )
    assert deal_value(unmapped, config, build.D1_TODAY) == Money.of("1200.00", "USD")
    monthly = build.d3().model_copy(
        update={
            "term_kind": TermKind.FIXED,
            "end_date": date(2029, 4, 1),
            "lines": build.d3().lines[:1],
        }
    )
    assert deal_value(monthly, config, build.D3_TODAY) == Money.of("14400.00", "GBP")


# ---------------------------------------------------------------- corrections


def test_corrections_change_what_is_carried_out_and_not_the_content_hash(
    config: ConfigSet,
) -> None:
    deal = build.d1().model_copy(
        update={"lines": (build.line(1, "SEAT-EDU", "50", "270.00", "USD"),)}
    )
    given = parse_corrections({"product_map": {"SEAT-EDU": "SEAT-STD"}, "po_number": "PO-7"})
    contract = build_contract(deal, config, build.D1_TODAY, "C-TEST", given)
    assert contract.lines[0].product_code == "SEAT-STD"
    assert contract.po_number == "PO-7"
    assert contract.content_hash == deal.content_hash()


def test_a_moved_start_moves_the_lines_that_start_with_the_deal() -> None:
    moved = apply_corrections(build.d4(), Corrections(start_date=date(2026, 2, 15)))
    assert [row.start_date for row in moved.lines] == [
        date(2026, 2, 15),
        date(2027, 2, 1),
        date(2028, 2, 1),
    ]


def test_a_corrected_tax_id_replaces_the_one_of_its_scheme() -> None:
    corrected = apply_corrections(build.d5(), Corrections(tax_id="IE1234567T"))
    assert corrected.account is not None
    assert [(row.scheme, row.number) for row in corrected.account.tax_ids] == [
        ("eu_vat", "IE1234567T")
    ]


@pytest.mark.parametrize(
    ("address", "number", "scheme"),
    [
        (build.DUBLIN, "IE6433435F", "eu_vat"),
        (build.LEEDS, "GB980780684", "gb_vat"),
        (build.AUSTIN, "12-3456789", "us_ein"),
    ],
)
def test_a_first_tax_id_gets_the_scheme_of_the_country(
    address: Address, number: str, scheme: str
) -> None:
    account = build.party("K9", "Example", address)
    deal = build.d1().model_copy(update={"account": account})
    corrected = apply_corrections(deal, Corrections(tax_id=number))
    assert corrected.account is not None
    assert [row.scheme for row in corrected.account.tax_ids] == [scheme]


def test_a_moved_end_moves_the_lines_that_end_with_the_deal() -> None:
    moved = apply_corrections(
        build.d4(), Corrections(end_date=date(2029, 2, 15), buyer_type=BuyerType.PUBLIC)
    )
    assert moved.lines[2].end_date == date(2029, 2, 15)
    assert moved.lines[1].end_date == date(2028, 2, 1)
    assert moved.account is not None
    assert moved.account.buyer_type is BuyerType.PUBLIC


def test_later_corrections_win_and_product_maps_are_joined() -> None:
    both = merged(
        Corrections(product_map={"A": "X"}, po_number="1", seller="US01"),
        Corrections(product_map={"B": "Y"}, po_number="2"),
    )
    assert both == Corrections(product_map={"A": "X", "B": "Y"}, po_number="2", seller="US01")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"unit_price": "1.00"}, "unit_price"),
        ({"start_date": "soon"}, "start_date"),
        ({"billing_frequency": "hourly"}, "billing_frequency"),
        ({"product_map": {"A": 1}}, "product_map.A"),
    ],
)
def test_a_wrong_correction_is_refused_by_name(values: dict[str, object], field: str) -> None:
    """A price is never corrected here: commercial amounts belong to the CRM."""
    with pytest.raises(BadInput) as caught:
        parse_corrections(values)
    assert caught.value.field == field
    assert caught.value.action


# ---------------------------------------------------------------- spans


def test_periods_are_counted_from_the_start_so_month_ends_do_not_drift() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 1, 31), 2) == date(2026, 3, 31)
    assert whole_periods(date(2026, 1, 31), date(2026, 3, 31), 1) == (2, Decimal(0))


@given(
    start=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    days=st.integers(1, 2000),
    months=st.sampled_from([1, 3, 6, 12, 24]),
)
def test_whole_periods_and_the_rest_make_up_the_span(start: date, days: int, months: int) -> None:
    end = start + timedelta(days=days)
    count, share = whole_periods(start, end, months)
    reached = add_months(start, count * months)
    following = add_months(start, (count + 1) * months)
    assert reached <= end < following
    assert 0 <= share < 1
    assert share * (following - reached).days == pytest.approx(Decimal((end - reached).days))


@pytest.mark.parametrize(("end", "months"), [(date(2026, 1, 1), 12), (date(2027, 1, 1), 0)])
def test_a_span_without_length_or_period_is_refused(end: date, months: int) -> None:
    with pytest.raises(ValueError, match="positive period"):
        whole_periods(date(2026, 1, 1), end, months)


def test_a_leap_day_anniversary_is_a_whole_year() -> None:
    assert whole_periods(date(2024, 2, 29), date(2025, 2, 28), 12) == (1, Decimal(0))
    assert whole_periods(date(2026, 6, 1), date(2028, 6, 1), 24) == (1, Decimal(0))
