"""What the fake ledger holds beside documents: periods, and the rates that people entered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from dealthread.domain.base import Ref, System
from dealthread.domain.ledger import LedgerPeriod, LedgerPeriodState, UnpostedDocument
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.domain.recognition.rows import month_after
from dealthread.errors import StepRejected
from dealthread.ports.ledger import RATE_MISSING

CURRENCIES = {"1": "USD", "2": "EUR", "3": "GBP"}
_TAXES = {"US-TX-SAAS": "6.6", "US-NY-SAAS": "8.875", "DE-19": "19", "GB-20": "20"}
_HUNDRED = Decimal(100)
_OLDEST_RATE = timedelta(days=7)


@dataclass
class PeriodsAndRates:
    """Of all companies."""

    closed_until: date = date(2026, 1, 1)
    """First open day."""
    rates: dict[tuple[str, str], dict[date, str]] = field(
        default_factory=lambda: {
            ("EUR", "GBP"): {date(2026, 6, 1): "0.85", date(2026, 6, 29): "0.842"},
            ("GBP", "EUR"): {
                date(2026, 6, 1): "1.176470588235",
                date(2026, 6, 29): "1.187648456057",
            },
        }
    )
    """What treasury entered: document's and ledger's currency → day → rate. D5's days."""
    tax_rates: dict[str, str] = field(default_factory=lambda: dict(_TAXES))
    """In percent by code; tax keeps them in the ERP."""
    closed: set[date] = field(default_factory=set)
    """First days of months that were closed since."""

    closed_at: dict[str, set[date]] = field(default_factory=dict)
    """The same of one company, closed by itself."""
    drafts: list[UnpostedDocument] = field(default_factory=list)
    """What somebody began and did not post."""

    def open_from(self, day: date, company: str = "") -> date:
        """First open day on or after a day."""
        day = max(day, self.closed_until)
        while day.replace(day=1) in self.closed | self.closed_at.get(company, set()):
            day = month_after(day)
        return day

    def period(self, company: str, month: date) -> LedgerPeriod:
        is_open = self.open_from(month, company) == month
        return LedgerPeriod(
            ref=Ref(
                system=System.ERP,
                account=f"fake.{company}",
                kind="period",
                native_id=f"{month:%Y-%m}",
            ),
            company=company,
            start=month,
            end=month_after(month),
            state=LedgerPeriodState.OPEN if is_open else LedgerPeriodState.CLOSED,
        )

    def unposted(self, company: str, month: date) -> tuple[UnpostedDocument, ...]:
        return tuple(
            one
            for one in self.drafts
            if one.ref.account == f"fake.{company}" and month <= one.day < month_after(month)
        )

    def close(self, company: str, month: date) -> LedgerPeriod:
        if waiting := self.unposted(company, month):
            raise StepRejected(
                "period_has_unposted",
                case_kind="erp.rejected",
                field="period",
                documents=", ".join(one.number or str(one.ref) for one in waiting),
            )
        self.closed_at.setdefault(company, set()).add(month)
        return self.period(company, month)

    def currency(self, company: str) -> str:
        return CURRENCIES.get(company, "USD")

    def check_tax(self, code: str, net: Money, tax: Money, sums: int) -> None:
        """Refuse a tax that the code's rate does not make, as Tryton's adapter does."""
        rate = Decimal(self.tax_rates.get(code, "0"))
        own = Money.rounded(net.amount * rate / _HUNDRED, net.currency)
        if abs((own - tax).to_minor()) > sums:
            raise StepRejected("tax_differs", case_kind="tax.difference", field="tax")

    def check_rate(
        self,
        command: LedgerInvoice | LedgerCreditMemo,
        given: LedgerRate,
        corrected: LedgerRate | None,
    ) -> None:
        """It is that of the document which is `corrected`, else the table's of the issue date,
        however old."""
        day = command.dates.issue_date
        wanted = corrected
        if wanted is None:
            wanted = self.exchange_rate(command.company, command.currency, day, timedelta.max)
        if wanted is None or wanted.rate != given.rate:
            raise StepRejected("rate_differs", case_kind="erp.rejected", field="rate")

    def exchange_rate(
        self, company: str, currency: str, on: date, oldest: timedelta = _OLDEST_RATE
    ) -> LedgerRate | None:
        own = self.currency(company)
        if currency == own:
            return None
        entered = self.rates.get((currency, own), {})
        day = max((one for one in entered if one <= on), default=None)
        if day is None or on - day > oldest:
            raise StepRejected(
                RATE_MISSING,
                case_kind="erp.rejected",
                field="rate",
                currency=currency,
                day=on.isoformat(),
            )
        rate = Decimal(entered[day])
        return LedgerRate(currency=own, rate=rate, rate_date=day, source="fake")
