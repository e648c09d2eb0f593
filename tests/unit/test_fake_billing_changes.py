"""The fake biller keeps the port's rules for changes, and the worked deals' amounts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import AgreementStatus, BillingCustomer, CreditForm
from dealthread.domain.money import Money
from dealthread.errors import RateLimited, StepRejected
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.billing import ChangeAgreement, CreditLine, StartAgreement
from tests.adapters.stripe_changes import change, credit, ended, figures, from_day, renewed
from tests.fakes.billing import FakeBilling
from tests.fakes.world import Fault, World
from tests.support import deals

KEY = "amendment:C:1#1/billing/do"
JULY, END = date(2026, 7, 1), date(2027, 1, 1)
SEATS = "L-D1-SEATS"


@pytest.fixture
def world() -> World:
    return World(today=datetime(2026, 7, 1, 9, tzinfo=UTC))


@pytest.fixture
def billing(world: World) -> FakeBilling:
    return FakeBilling(world)


async def command(billing: FakeBilling, after: Contract, *credits: CreditLine) -> ChangeAgreement:
    """D1, begun, to another version."""
    before = deals.d1()
    customer = BillingCustomer(
        ref=Ref(system=System.BILLING, account="acct_us01", kind="customer", native_id="cus_1"),
        customer_key=before.customer_key,
    )
    made = await billing.start_agreement(
        StartAgreement(contract=before, customer=customer, hold_first_invoice=False),
        idempotency_key="start",
    )
    assert isinstance(made, Done)
    charged = () if credits else (SEATS,)
    return change(before, after, made.value, JULY, charged, credits)


def seventy() -> Contract:
    """D1 with 70 seats from July on."""
    return from_day(deals.d1(), SEATS, JULY, quantity=Decimal(70))


def done(outcome: Any) -> Any:
    assert isinstance(outcome, Done), outcome
    return outcome.value


async def test_it_counts_the_amendment_of_d1_by_whole_days(billing: FakeBilling) -> None:
    """2,722.19, tax 179.67, 2,901.86 (domain.md 9.6); the preview says the same."""
    wanted = await command(billing, seventy())
    preview = await billing.preview_change(wanted)
    made = done(await billing.change_agreement(wanted, idempotency_key=KEY))
    assert figures(made.invoice) == figures(preview.invoice) == ("2722.19", "179.67", "2901.86")
    assert preview.invoice is not None
    assert preview.invoice.ref is None


async def test_a_repeat_under_any_revision_gives_the_same_change(
    billing: FakeBilling, world: World
) -> None:
    wanted = await command(billing, seventy())
    made = done(await billing.change_agreement(wanted, idempotency_key=f"{KEY}~1"))
    assert done(await billing.change_agreement(wanted, idempotency_key=KEY)) == made
    assert await billing.find_change(wanted, idempotency_key=KEY) == made
    assert world.did("C-D1").count("billing.change_agreement") == 1


async def test_a_lost_answer_is_found(billing: FakeBilling, world: World) -> None:
    wanted = await command(billing, seventy())
    world.plan("billing.change_agreement", Fault.LOST)
    assert isinstance(await billing.change_agreement(wanted, idempotency_key=KEY), Unknown)
    assert await billing.find_change(wanted, idempotency_key=KEY) is not None


async def test_a_limit_and_a_refusal_have_no_effect(billing: FakeBilling, world: World) -> None:
    wanted = await command(billing, seventy())
    world.plan("billing.change_agreement", Fault.RATE_LIMITED)
    world.plan("billing.change_agreement", Fault.REJECTED, occurrence=2)
    with pytest.raises(RateLimited):
        await billing.change_agreement(wanted, idempotency_key=KEY)
    assert isinstance(await billing.change_agreement(wanted, idempotency_key=KEY), Rejected)
    assert await billing.find_change(wanted, idempotency_key=KEY) is None


async def test_a_credit_names_the_invoice_and_ends_the_agreement(billing: FakeBilling) -> None:
    """50 x 270.00 x 184 / 365, and 6.6 %."""
    given = credit(deals.d1(), SEATS, "6805.48", JULY, END)
    wanted = await command(billing, ended(deals.d1(), JULY), given)
    billing.paid.add("C-D1")
    made = done(await billing.change_agreement(wanted, idempotency_key=KEY))
    (memo,) = made.credit_memos
    assert figures(memo) == ("6805.48", "449.16", "7254.64")
    assert memo.corrects == wanted.agreement.first_invoice.ref  # type: ignore[union-attr]
    assert memo.forms == {CreditForm.BALANCE: Money.of("7254.64", "USD")}
    assert made.agreement.status is AgreementStatus.CANCELLED
    assert billing.live("C-D1") == []


async def test_more_than_was_billed_is_refused(billing: FakeBilling) -> None:
    given = credit(deals.d1(), SEATS, "13500.01", JULY, END)
    wanted = await command(billing, ended(deals.d1(), JULY), given)
    assert isinstance(await billing.change_agreement(wanted, idempotency_key=KEY), Rejected)
    with pytest.raises(StepRejected):
        await billing.preview_change(wanted)


async def test_a_term_after_the_end_is_a_new_agreement(billing: FakeBilling, world: World) -> None:
    """50 x 283.50 = 14,175.00, and 6.6 %."""
    wanted = await command(billing, renewed(deals.d1(), date(2028, 1, 1), "283.50"))
    world.today = datetime(2027, 1, 9, 9, tzinfo=UTC)
    made = done(await billing.change_agreement(wanted, idempotency_key=KEY))
    assert made.agreement.ref != wanted.agreement.ref
    assert figures(made.invoice) == ("14175.00", "935.55", "15110.55")
