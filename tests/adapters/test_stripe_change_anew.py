"""Seats that come back after a reduction within one period: charged anew, the old state credited.

Stripe gives back what an item billed and knows nothing of credit notes on it
(docs.stripe.com/billing/subscriptions/billing-mode/compare, flexible).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from activities.billing_change import difference
from adapters.stripe.billing import StripeBilling
from dealthread.domain.documents import Agreement
from dealthread.outcome import Unknown
from dealthread.ports.billing import ChangeAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_changes import change, credit, done, figures, from_day
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import d2, started
from tests.support import deals

SEATS, ACCOUNT = "L-D2-SEATS", "acct_de01"
CUT, BACK, END = date(2026, 9, 15), date(2026, 12, 15), date(2027, 3, 15)
AGAIN = "amendment:C:2#1/billing/do"


@dataclass(frozen=True)
class Reduced:
    """D2 after its reduction to 30 seats, on the day on which five come back."""

    command: ChangeAgreement
    agreement: Agreement
    client: Any

    def quantities(self) -> list[int]:
        rows = self.client.v1.subscription_items.list(
            {"subscription": self.agreement.ref.native_id}
        )
        return [row.quantity for row in rows.data]

    def documents(self) -> tuple[int, int]:
        """How many invoices and credit notes there are."""
        many = {"limit": 9}
        return (
            len(self.client.v1.invoices.list(many).data),
            len(self.client.v1.credit_notes.list(many).data),
        )


@pytest.fixture
async def reduced(dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator) -> Reduced:
    days.go(date(2026, 3, 15))
    agreement, _ = await started(dated_billing, d2(), deals.NORDWERK)
    days.go(CUT)
    agreement = await dated_billing.read_agreement(agreement, ACCOUNT)
    before = from_day(d2(), SEATS, CUT, quantity=Decimal(30))
    given = credit(d2(), SEATS, "2201.75", CUT, END)
    made = await done(dated_billing, change(d2(), before, agreement, CUT, credits=(given,)))
    days.go(BACK)
    after = from_day(before, SEATS, BACK, quantity=Decimal(35))
    # Of the 6,605.26 for 181 days, 90 are given back: 3,284.383.
    old = credit(d2(), SEATS, "3284.38", BACK, END)
    command = change(before, after, made.agreement, BACK, charge=(SEATS,), credits=(old,))
    return Reduced(command, made.agreement, native(stripe_simulator, ACCOUNT))


async def test_seats_that_come_back_are_charged_anew_and_the_old_ones_credited(
    dated_billing: StripeBilling, reduced: Reduced
) -> None:
    """35 × 444.00 × 90 ÷ 365 = 3,831.781, VAT 728.04; the note goes on from the first one's tax:
    3,374.40 × 5,486.13 ÷ 17,760.00 = 1,042.36, less 418.33."""
    preview = await dated_billing.preview_change(reduced.command)
    made = await done(dated_billing, reduced.command, AGAIN)
    assert figures(made.invoice) == ("3831.78", "728.04", "4559.82")
    assert [line.line_key for line in made.invoice.lines] == [SEATS]  # type: ignore[union-attr]
    (memo,) = made.credit_memos
    assert figures(memo) == ("3284.38", "624.03", "3908.41")
    assert memo.corrects != made.invoice.ref  # type: ignore[union-attr]
    assert difference(preview, made) == ""
    assert reduced.quantities() == [35]
    assert await done(dated_billing, reduced.command, AGAIN) == made
    assert reduced.documents() == (2, 2)


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_it_goes_on_where_it_stopped(
    dated_billing: StripeBilling,
    days: Days,
    stripe_simulator: Simulator,
    reduced: Reduced,
    lost: int,
) -> None:
    """The answer is lost of the new item, of the old one's end, of the credit note."""
    path = "/v1/credit_notes$" if lost == 3 else "/v1/subscriptions/[^/]+$"
    stripe_simulator.fault("lose_answer", method="POST", path=path, after=1 if lost == 2 else 0)
    outcome = await dated_billing.change_agreement(reduced.command, idempotency_key=AGAIN)
    assert isinstance(outcome, Unknown), outcome
    days.go(date(2026, 12, 17))
    made = await done(dated_billing, reduced.command, AGAIN)
    assert figures(made.invoice) == ("3831.78", "728.04", "4559.82")
    assert [figures(memo) for memo in made.credit_memos] == [("3284.38", "624.03", "3908.41")]
    assert await dated_billing.find_change(reduced.command, idempotency_key=AGAIN) == made
    assert reduced.quantities() == [35]
    assert reduced.documents() == (2, 2)
