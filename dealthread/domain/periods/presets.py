"""Conventions of known systems. Each docstring says where each choice comes from.

A choice that a vendor leaves to its customer is a member of a small family; one that no page
states is marked "ours".
"""

from __future__ import annotations

from dealthread.domain.periods.convention import Convention
from dealthread.domain.periods.knobs import (
    CreditBasis,
    CreditMeasure,
    CycleDay,
    DayCount,
    DayZone,
    LeadingStub,
    LongPeriod,
    PeriodEnd,
    Remainder,
    RevenueSchedule,
    Rounding,
    StubWhole,
)

_STRIPE = "https://docs.stripe.com/billing/subscriptions/prorations"

STRIPE = Convention(
    name="stripe",
    source=_STRIPE,
    period_end=PeriodEnd.TO_THE_SECOND,
    stub_whole=StubWhole.FROM_START,
    credit_basis=CreditBasis.BILLED,
)
"""Stripe, flexible billing mode.

Seconds over the seconds of the running period: docs.stripe.com/billing/scripts/prorations, what
Stripe does without a script. A first part before the anchor is measured over a period imagined
from the start: docs.stripe.com/billing/subscriptions/backdating. Credits are parts of what was
debited before: docs.stripe.com/billing/subscriptions/billing-mode/compare. A negative proration
goes to the balance, never back by itself: the prorations page. Half up: ours.
"""

STRIPE_CLASSIC = STRIPE.named("stripe_classic", credit_basis=CreditBasis.CURRENT_PRICE)
"""Stripe, classic billing mode: a credit is taken of the current price and quantity
(docs.stripe.com/billing/subscriptions/billing-mode/compare)."""

_ZUORA = "https://docs.zuora.com/en/zuora-billing (proration)"

ZUORA = Convention(
    name="zuora",
    source=_ZUORA,
    day_count=DayCount.ACTUAL_MONTH,
    cycle_day=CycleDay.FIXED_DAY,
    long_period=LongPeriod.MONTHS_THEN_DAYS,
)
"""Zuora with "use actual number of days" and "prorate by month first".

Day count: the page "When prorating a month, assume 30 days in a month or use actual days?".
Months first: "Calculating total amount with partial period (quarter, semi-annual, annual)".
A credit counts the unused days: "Order metrics, part 3" (7 more units from 18 August come to
14/30 of a month, so the old units are credited at 14/30 too). A cancelled day is not served:
"Case I: canceling a subscription" (credit from 1 July). A partial month is divided by the month
from cycle day to cycle day: "Order Delta TCB calculation details" (15/31 of 16 December to
15 January).
"""

ZUORA_BILLED_LESS_USED = ZUORA.named(
    "zuora_billed_less_used", credit_measure=CreditMeasure.BILLED_LESS_USED
)
"""Zuora where a credit is the charge for what was used less what was billed, as in "Credit for
prorated discounts" (−900 = 1,200 ÷ 12 × 3 − 1,200). Whole months do not tell the two apart."""

ZUORA_ACTUAL_360 = ZUORA.named("zuora_actual_360", day_count=DayCount.ACTUAL_360)
"""Zuora with "assume 30 days – actual/360" (same page)."""

ZUORA_STRICT_360 = ZUORA.named("zuora_strict_360", day_count=DayCount.THIRTY_360)
"""Zuora with "assume 30 days – strict 30/360" (same page)."""

ZUORA_BY_DAY = ZUORA.named("zuora_by_day", long_period=LongPeriod.DAYS_ONLY)
"""Zuora with "prorate by day" for periods longer than a month."""

ZUORA_BY_DAY_360 = ZUORA_BY_DAY.named("zuora_by_day_360", day_count=DayCount.ACTUAL_360)
"""Zuora by day, 30 days a month."""

KILL_BILL = Convention(
    name="kill_bill",
    source="https://docs.killbill.io/latest/invoice_subsystem",
    leading_stub=LeadingStub.WHOLE_PERIOD,
    credit_basis=CreditBasis.BILLED,
    day_zone=DayZone.CUSTOMER,
)
"""Kill Bill.

Half-open days; the part before the first cycle day is divided by the period that ends there, the
part after the last by the one that begins there: killbill/killbill, tests of package
org.killbill.billing.invoice.proRations.inAdvance (14/92, 14/31, 12/28, 12/91). When the cycle day
of the starting month has passed, the first whole period begins a whole period later (same tests,
quarterly and annual). A repair credits what was billed and is capped by it; credit becomes
account credit: invoice_subsystem page. Days are of the account's time zone. Half up:
KillBillMoney.
"""

KILL_BILL_FIXED_30 = KILL_BILL.named("kill_bill_fixed_30", day_count=DayCount.FIXED_30)
"""Kill Bill with `org.killbill.invoice.proration.fixed.days` 30 (killbill/killbill, tests of
InvoiceDateUtils with fixed proration). There the divisor is 30 for a period of any length; here
it is 30 for each month, which is the same for the monthly periods of those tests."""

LAGO = Convention(
    name="lago",
    source="https://docs.getlago.com/guide/subscriptions",
    period_end=PeriodEnd.LAST_DAY_INCLUSIVE,
    cycle_day=CycleDay.FIXED_DAY,
    rounding=Rounding.NET_THEN_TAX,
    day_zone=DayZone.CUSTOMER,
)
"""Lago, calendar billing.

The day of termination is served: getlago/lago-api, credit_note_rounding_spec (a month ended on
its first day credits 29 of 30 days). The net is rounded, tax taken of the rounded net: same
tests (154.67, tax 38.67). Days are the customer's: guide on time zones. Credits go to the
customer's credit-note balance: guide on upgrades and downgrades.
"""

LAGO_ANNIVERSARY = LAGO.named("lago_anniversary", cycle_day=CycleDay.ANNIVERSARY)
"""Lago with `billing_time` anniversary."""

SALESFORCE_CPQ = Convention(
    name="salesforce_cpq",
    source="https://help.salesforce.com/s/articleView?id=sales.cpq_subscriptions_prorate_precision_1.htm",
    day_count=DayCount.ACTUAL_MONTH,
    cycle_day=CycleDay.FIXED_DAY,
    long_period=LongPeriod.MONTHS_THEN_DAYS,
    revenue_schedule=RevenueSchedule.EVEN_MONTHS_PRORATED_ENDS,
)
"""Salesforce CPQ with prorate precision "Calendar Monthly + Daily": calendar months first, the
partial months at both ends by their own days (help page "Subscription Prorate Precision").
Rounding of prices to the currency, half up: ours."""

SALESFORCE_CPQ_MONTH_DAY = SALESFORCE_CPQ.named(
    "salesforce_cpq_month_day", day_count=DayCount.YEAR_365, cycle_day=CycleDay.ANNIVERSARY
)
"""Precision "Monthly + Daily": months from the start, the days left × 12 ÷ 365."""

SALESFORCE_CPQ_DAY = SALESFORCE_CPQ_MONTH_DAY.named(
    "salesforce_cpq_day", long_period=LongPeriod.DAYS_ONLY
)
"""Precision "Day": days ÷ 365 (830 days are 2.2740 years, community page 23 of SteelBrick)."""

SALESFORCE_CPQ_MONTH = SALESFORCE_CPQ_MONTH_DAY.named(
    "salesforce_cpq_month", long_period=LongPeriod.MONTHS_UP
)
"""Precision "Month": a begun month counts in full (1 January 2017 to 10 January 2018: 13)."""

NETSUITE_ARM = Convention(
    name="netsuite_arm",
    source="https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_4356113783.html",
    day_count=DayCount.ACTUAL_MONTH,
    cycle_day=CycleDay.FIXED_DAY,
    long_period=LongPeriod.MONTHS_THEN_DAYS,
    remainder=Remainder.LAST_FULL,
    revenue_schedule=RevenueSchedule.EVEN_MONTHS_PRORATED_ENDS,
)
"""NetSuite advanced revenue management, "straight-line, prorate first & last period".

Equal months, the first and last by their days: revenue recognition rule field reference. What
rounding leaves goes to the period before the last (section_N1684020), which is the last whole
one.
"""

PRESETS: dict[str, Convention] = {
    preset.name: preset
    for preset in (
        STRIPE,
        STRIPE_CLASSIC,
        ZUORA,
        ZUORA_BILLED_LESS_USED,
        ZUORA_ACTUAL_360,
        ZUORA_STRICT_360,
        ZUORA_BY_DAY,
        ZUORA_BY_DAY_360,
        KILL_BILL,
        KILL_BILL_FIXED_30,
        LAGO,
        LAGO_ANNIVERSARY,
        SALESFORCE_CPQ,
        SALESFORCE_CPQ_MONTH_DAY,
        SALESFORCE_CPQ_DAY,
        SALESFORCE_CPQ_MONTH,
        NETSUITE_ARM,
    )
}
"""Every preset by name."""


def convention_named(name: str) -> Convention:
    """A preset. Raises ValueError that lists the names."""
    if name not in PRESETS:
        raise ValueError(f"convention: {name!r} is none of {', '.join(PRESETS)}")
    return PRESETS[name]
