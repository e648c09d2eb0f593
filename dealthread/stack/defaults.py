"""What a local installation is called and whom it plays: no secret among it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

# The worked deals are dated around this day; at the first start the stack's business clock is
# set to it and goes on from there.
BUSINESS_DATE = date(2026, 3, 15)
BUSINESS_TIME_OF_DAY = time(9, 0, tzinfo=UTC)

NAMESPACE = "default"
SALESFORCE_API_VERSION = "66.0"
DATABASE = "dealthread"
DATABASE_ROLE = "dealthread"
TRYTON_DATABASE = "erp"
TRYTON_ROLE = "tryton"
OPERATOR, APPROVER = "demo-operator", "demo-approver"
"""Two people: who asked for something cannot approve it."""

_CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def eighteen_characters(short_id: str) -> str:
    """Salesforce's case-safe form of a 15-character id: three letters that encode the capitals."""
    suffix = ""
    for start in (0, 5, 10):
        part = short_id[start : start + 5]
        suffix += _CHECK_LETTERS[sum(1 << at for at, char in enumerate(part) if char.isupper())]
    return short_id + suffix


SALESFORCE_ORG_ID = eighteen_characters("00DDt0000000001")


@dataclass(frozen=True)
class BillingAccount:
    """One Stripe account of the demonstration company; one legal entity bills through it."""

    id: str
    number_format: str
    tax_rounding: str = "line"


BILLING_ACCOUNTS = (
    BillingAccount("acct_alder_us", "US-{:06d}"),
    BillingAccount("acct_alder_de", "DE-{year}-{:05d}"),
    BillingAccount("acct_alder_uk", "UK-{:06d}"),
)


def business_instant(day: date) -> datetime:
    """The instant at which the business clock starts on `day`."""
    return datetime.combine(day, BUSINESS_TIME_OF_DAY)
