"""Terms, ramps and starts that break a rule."""

from __future__ import annotations

from datetime import date

from dealthread.domain.deal import (
    BillingFrequency,
)
from dealthread.domain.validation import (
    ActiveContract,
)
from tests.support import deal_builder as build
from tests.unit.validation.spoilt import EVERGREEN, Spoilt, deal, facts, first_line, ramp

TERM_FAULTS = [
    Spoilt("V14", "term_months", "13", "deal-desk", deal(term_months=13)),
    Spoilt("V14", "end_date", "", "deal-desk", deal(end_date=None)),
    Spoilt("V14", "start_date", "", "deal-desk", deal(start_date=None)),
    Spoilt(
        "V14",
        "end_date",
        "2026-01-01",
        "deal-desk",
        deal(end_date=date(2026, 1, 1), term_months=None),
    ),
    Spoilt(
        "V14",
        "lines[0].start_date",
        "2025-12-31",
        "deal-desk",
        first_line(start_date=date(2025, 12, 31)),
    ),
    Spoilt(
        "V14",
        "lines[1].start_date",
        "2027-02-02",
        "deal-desk",
        ramp({}, {"start_date": date(2027, 2, 2)}, {}),
    ),
    Spoilt(
        "V14",
        "lines[0].product_code",
        "SEAT-STD",
        "deal-desk",
        answer=facts(
            active_contracts=(
                ActiveContract(
                    contract_key="C-OLD",
                    product_code="SEAT-STD",
                    start_date=date(2025, 1, 2),
                    end_date=date(2026, 1, 2),
                ),
            )
        ),
    ),
    Spoilt(
        "V15",
        "provisioned_cancellable",
        "12 months",
        "deal-desk",
        deal(provisioned_cancellable=True),
    ),
    Spoilt("V16", "notice_days", "", "deal-desk", deal(**EVERGREEN, notice_days=None)),
    Spoilt(
        "V16",
        "end_date",
        "2027-01-01",
        "deal-desk",
        deal(**{**EVERGREEN, "end_date": date(2027, 1, 1)}),
    ),
    Spoilt("V17", "lines[1].end_date", "", "revenue", ramp({}, {"end_date": None}, {})),
    Spoilt(
        "V17",
        "lines[0].segment_no",
        "SEAT-PRO",
        "revenue",
        ramp({}, {"unit_price": build.line(1, "X", "1", "430", "USD").unit_price}, {}),
    ),
    Spoilt("V17", "lines[0].segment_no", "1, 2, 4", "revenue", ramp({}, {}, {"segment_no": 4})),
    Spoilt(
        "V18",
        "billing_frequency",
        "term",
        "revenue",
        deal(end_date=date(2028, 1, 1), term_months=24, billing_frequency=BillingFrequency.TERM),
        severity="A",
        without_preview=True,
    ),
    Spoilt(
        "V19",
        "termination_for_convenience",
        "true",
        "revenue",
        deal(termination_for_convenience=True),
        severity="A",
    ),
    Spoilt(
        "V21",
        "start_date",
        "2025-11-17",
        "deal-desk",
        deal(start_date=date(2025, 11, 17), term_months=None),
        severity="A",
        without_preview=True,
    ),
    Spoilt(
        "V21",
        "start_date",
        "2026-12-19",
        "deal-desk",
        deal(start_date=date(2026, 12, 19), end_date=date(2027, 12, 19)),
        severity="A",
    ),
    Spoilt(
        "V19", "notice_days", "", "revenue", deal(auto_renew=True, notice_days=None), severity="A"
    ),
]
