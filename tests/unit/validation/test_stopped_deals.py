"""S1–S6 and S8: where each of these deals stops, and that its correction lets it go on."""

from __future__ import annotations

from datetime import date

import pytest

from dealthread.config import load_config
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contracting import build_contract, deal_value
from dealthread.domain.corrections import Corrections, apply_corrections
from dealthread.domain.deal import Deal, TermKind
from dealthread.domain.money import Money
from dealthread.domain.party import Exemption, TaxId
from dealthread.domain.validation import (
    ExternalFacts,
    PostingFinding,
    Violation,
    assess,
    assess_static,
)
from tests.support import deal_builder as build


@pytest.fixture(scope="module")
def config() -> ConfigSet:
    return load_config(build.CONFIG_DIR)


def only(found: list[Violation]) -> Violation:
    assert len(found) == 1, [str(row) for row in found]
    return found[0]


def passes(deal: Deal, config: ConfigSet, today: date, corrections: Corrections) -> tuple[str, ...]:
    """The corrected deal has no violation; the tax codes of its contract."""
    assert assess_static(apply_corrections(deal, corrections), config, today) == []
    contract = build_contract(deal, config, today, "C-TEST", corrections)
    return tuple(line.tax.code for line in contract.lines)


def test_s1_a_product_that_is_not_mapped_stops_and_goes_on_with_a_mapping(
    config: ConfigSet,
) -> None:
    deal = build.d1().model_copy(
        update={"lines": (build.line(1, "SEAT-EDU", "10", "120.00", "USD"),)}
    )
    found = only(assess_static(deal, config, build.D1_TODAY))
    assert (found.rule, found.case_kind, found.value) == ("V09", "catalogue.unmapped", "SEAT-EDU")
    assert deal_value(deal, config, build.D1_TODAY) == Money.of("1200.00", "USD")

    seat = next(row for row in config.products if row.code == "SEAT-STD")
    added = seat.model_copy(update={"code": "SEAT-EDU", "list_prices": ()})
    mapped = config.model_copy(update={"products": (*config.products, added)})
    assert passes(deal, mapped, build.D1_TODAY, Corrections()) == ("US-TX-SAAS",)
    # Mapped for this deal only, as SEAT-STD: 60 % below its list price, which asks for approval.
    as_standard = Corrections(product_map={"SEAT-EDU": "SEAT-STD"})
    again = only(assess_static(apply_corrections(deal, as_standard), config, build.D1_TODAY))
    assert (again.rule, again.value) == ("V12", "60.00 %")


def test_s2_a_committed_term_provisioned_cancellable_stops(config: ConfigSet) -> None:
    deal = build.d3().model_copy(
        update={
            "term_kind": TermKind.FIXED,
            "end_date": date(2029, 4, 1),
            "term_months": 36,
            "provisioned_cancellable": True,
            "lines": build.d3().lines[:1],
        }
    )
    found = only(assess_static(deal, config, build.D3_TODAY))
    assert (found.rule, found.case_kind, found.value) == ("V15", "deal.invalid_terms", "36 months")
    assert deal_value(deal, config, build.D3_TODAY) == Money.of("14400.00", "GBP")
    held = Corrections(provisioned_cancellable=False)
    assert passes(deal, config, build.D3_TODAY, held) == ("GB-20",)


def test_s3_a_vat_id_that_misses_a_digit_stops(config: ConfigSet) -> None:
    """FR4030326504 lacks the last digit of FR40303265045; then reverse charge by DE01."""
    buyer = build.party(
        "K6",
        "Rhône Données SAS",
        build.LYON,
        tax_ids=(TaxId(scheme="eu_vat", number="FR4030326504"),),
    )
    deal = build.d2().model_copy(update={"account": buyer, "parents": ()})
    found = only(assess_static(deal, config, build.D2_TODAY))
    assert (found.rule, found.case_kind, found.field) == (
        "V30",
        "tax.identifier",
        "account.tax_ids[0]",
    )
    assert found.value == "FR40…04 (12 characters)"
    fixed = Corrections(tax_id="FR40303265045")
    assert passes(deal, config, build.D2_TODAY, fixed) == ("DE-RC",)


def test_s3_without_a_vat_id_the_sale_is_not_untaxed(config: ConfigSet) -> None:
    """Treated as taxable, the French sale has no rule (no one-stop shop) and stops again."""
    buyer = build.party(
        "K6",
        "Rhône Données SAS",
        build.LYON,
        tax_ids=(TaxId(scheme="eu_vat", number="FR4030326504"),),
    )
    deal = build.d2().model_copy(update={"account": buyer, "parents": ()})
    taxed = apply_corrections(deal, Corrections(treat_as_taxable=True))
    found = only(assess_static(taxed, config, build.D2_TODAY))
    assert (found.rule, found.value) == ("V31", "saas in FR")


def test_s4_a_start_in_a_closed_period_stops_until_another_posting_date_is_asked(
    config: ConfigSet,
) -> None:
    """The ERP owns its periods: the finding is its answer, the correction a new question."""
    start = date(2025, 12, 15)
    deal = build.d1().model_copy(update={"start_date": start, "end_date": date(2026, 12, 15)})
    closed = PostingFinding(
        rule="V22", field="posting_date", value="2025-12-15", detail="closed to before 2026-01-01"
    )
    today = date(2026, 1, 5)
    found = only(assess(deal, config, today, ExternalFacts(posting_findings=(closed,))))
    assert (found.rule, found.case_kind) == ("V22", "erp.period_closed")

    moved = Corrections(posting_date=date(2026, 1, 1))
    kept = apply_corrections(deal, moved)
    assert kept.start_date == start
    assert assess(kept, config, today, ExternalFacts(posting_findings=())) == []


def test_s5_a_currency_that_the_seller_does_not_bill_stops(config: ConfigSet) -> None:
    deal = build.d2().model_copy(update={"seller_hint": "US01"})
    found = only(assess_static(deal, config, build.D2_TODAY))
    assert (found.rule, found.case_kind, found.value) == ("V07", "deal.invalid_terms", "EUR")
    assert passes(deal, config, build.D2_TODAY, Corrections(seller="DE01")) == ("DE-19",)


def test_s6_a_placeholder_is_not_a_purchase_order(config: ConfigSet) -> None:
    deal = build.d2().model_copy(update={"po_number": " tbd "})
    found = only(assess_static(deal, config, build.D2_TODAY))
    assert (found.rule, found.case_kind, found.value) == ("V29", "customer.data_missing", "TBD")
    assert passes(deal, config, build.D2_TODAY, Corrections(po_number="4500098765")) == ("DE-19",)


def test_s8_an_expired_certificate_stops_and_is_then_taxed(config: ConfigSet) -> None:
    """The last day covered is 2026-06-30; the service starts on 2026-07-01."""
    held = Exemption(jurisdiction="US-NY", certificate="NY-1", until=date(2026, 7, 1))
    account = build.COBALT.model_copy(update={"exemptions": (held,)})
    deal = build.d1().model_copy(
        update={
            "account": account,
            "start_date": date(2026, 7, 1),
            "end_date": date(2027, 7, 1),
            "lines": build.d1().lines[:1],
        }
    )
    found = only(assess_static(deal, config, date(2026, 6, 20)))
    assert (found.rule, found.case_kind, found.value) == ("V32", "tax.rejected", "2026-07-01")
    taxed = Corrections(treat_as_taxable=True)
    assert passes(deal, config, date(2026, 6, 20), taxed) == ("US-NY-SAAS",)
