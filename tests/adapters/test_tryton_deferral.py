"""PF-17: what Tryton's own module for deferrals makes of an invoice, by the day, against our
schedule and the months of facts/domain.md §9.7. A cross-check only: what is posted is ours."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest

from dealthread.domain.money import Money
from dealthread.domain.revenue.method import Method
from dealthread.domain.revenue.schedule import schedule
from dealthread.ports.erp import ErpPort
from tests.adapters.posting_ledger import US, Ledger
from tests.support import postings as p
from tests.support.tryton_accountant import Accountant

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)

DAY = timedelta(days=1)
# D4's second and third year: net and tax; the service, with its first day not served.
YEARS = (
    ("64800.00", "4276.80", date(2027, 2, 1), date(2028, 2, 1)),
    ("86400.00", "5702.40", date(2028, 2, 1), date(2029, 2, 1)),
)
PUBLISHED = {
    date(2027, 2, 1): "4970.96",
    date(2027, 3, 1): "5503.56",
    date(2027, 4, 1): "5326.03",
    date(2028, 1, 1): "5503.56",
    date(2028, 2, 1): "6845.90",
    date(2028, 3, 1): "7318.03",
    date(2028, 4, 1): "7081.97",
    date(2028, 10, 1): "7318.03",
}


async def test_trytons_own_deferral_gives_the_months_of_our_schedule_by_day(
    tryton_erp: ErpPort, tryton_server: RunningTryton, tryton_http: httpx.AsyncClient
) -> None:
    """A year of 365 days and one of 366, each month to the cent but the last, which has the rest.

    86,400.00 by the day and month are 86,399.99. We add the cent to the last month; Tryton 8.2
    takes it off there once more (`account_invoice_defer`, `create_moves`): its revenue lacks two.
    """
    await p.onboard(tryton_erp, US, p.LIFFEY)
    lines = [
        p.line("4000", net, "US-TX-SAAS", tax, "USD", item="SEAT-STD", key=f"L-{number}")
        for number, (net, tax, _, _) in enumerate(YEARS)
    ]
    bill = p.invoice(US, p.LIFFEY, "2027-02-01", *lines)
    posted = await Ledger(tryton_erp).do(bill)
    login = tryton_server.installation.logins()["admin"]
    person = Accountant(tryton_server.settings, login, US, tryton_http)
    spans = [(start, end - DAY) for _, _, start, end in YEARS]
    theirs = await person.defers(int(posted.ref.native_id), "2300", spans)
    ours = [
        schedule("seats", Money.of(net, "USD"), start, end, Method.BY_DAY).by_month()
        for net, _, start, end in YEARS
    ]
    assert [sum(year.values()) for year in theirs] == [Decimal("64800.00"), Decimal("86399.98")]
    for year, own, (net, *_) in zip(theirs, ours, YEARS, strict=True):
        assert sum(one.amount for one in own.values()) == Decimal(net)
        last = max(own)
        assert set(year) == set(own)
        assert {month: year[month] for month in year if month != last} == {
            month: one.amount for month, one in own.items() if month != last
        }
    both = {month: str(amount) for year in theirs for month, amount in year.items()}
    assert {month: both[month] for month in PUBLISHED} == PUBLISHED
