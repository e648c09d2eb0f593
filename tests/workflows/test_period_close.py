"""MT-09, SC-04: a month is looked at, signed by a second person and closed, whatever fails on the
way (facts/domain.md §6, §9.7 to §9.9)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.base import Ref, System
from dealthread.domain.case import DecisionKind
from dealthread.domain.closing.checklist import Evidence
from dealthread.domain.events import EventType
from dealthread.domain.ledger import LedgerPeriodState, UnpostedDocument
from dealthread.domain.recognition.due import last_day
from dealthread.errors import BadInput
from dealthread.hub_closing import CloseState
from dealthread.outcome import Rejected
from dealthread.store.closing import PostgresClosing
from tests.fakes.world import Fault
from tests.support import postings as p
from tests.support.change_lab import on
from tests.support.closing_lab import begin_close, closed, waiting
from tests.support.hledger import HLEDGER, judge
from tests.support.invoice_lab import told as events_of
from tests.support.recognition_lab import COMPANIES, begun
from tests.support.saga_ends import TRANSIENT
from tests.support.saga_lab import Lab, lab
from tests.support.worked_year import DE, UK, US, WorkedYear

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
MARCH, JULY, SEPTEMBER = date(2026, 3, 1), date(2026, 7, 1), date(2026, 9, 1)
MONTHS = [
    *((US, one) for one in (JANUARY, FEBRUARY)),
    (DE, MARCH),
    *((UK, one) for one in (APRIL, MAY, JUNE)),
    (US, JULY),
    (DE, SEPTEMBER),
]
"""In order of time."""


async def _evidence(engine: AsyncEngine, seller: str, period: date) -> Evidence:
    found = await PostgresClosing(engine).evidence(seller, period)
    assert found is not None
    return found[1]


def _of(evidence: Evidence, identity: str, currency: str = "") -> Decimal:
    (answer,) = [
        one
        for one in evidence.answers
        if one.identity.value == identity and currency in ("", one.currency)
    ]
    assert answer.is_tied
    return answer.found


def _state(it: Lab, seller: str, period: date) -> LedgerPeriodState:
    return it.erp.ledger.period(COMPANIES[seller], period).state


@pytest.mark.tells(EventType.PERIOD_CLOSED)
async def test_months_of_the_worked_deals_close_to_the_cent(
    dev_server: Client, engine: AsyncEngine, tmp_path: Path
) -> None:
    """Recognised, tied, signed, closed; what comes later is refused by the ledger."""
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        year = WorkedYear(engine, it.erp, with_bills=True).tell("d1", "d2", "d3", "d4", "d5")
        told: dict[tuple[str, date], Evidence] = {}
        for seller, period in MONTHS:
            on(it, last_day(period))
            await year.until(last_day(period))
            if (seller, period) == (DE, SEPTEMBER):
                for month in range(4, 9):
                    await (await begun(it, DE, date(2026, month, 1))).result()
            result = await closed(it, seller, period)
            assert (result.outcome, result.signed_by) == ("closed", "vera")
            assert _state(it, seller, period) is LedgerPeriodState.CLOSED
            told[seller, period] = await _evidence(engine, seller, period)
        # §9.6, §9.7: billed, recognised, deferred.
        assert _of(told[US, JANUARY], "T12") == Decimal("15891.00")
        assert _of(told[US, FEBRUARY], "T12") == Decimal("47034.00")
        assert _of(told[DE, SEPTEMBER], "T3") == Decimal("6021.37")
        assert _of(told[DE, SEPTEMBER], "T12") == Decimal("-2620.08")
        # April's use is accrued and stands as a receivable until May's bill takes it.
        (use,) = told[UK, APRIL].unbilled
        assert str(use.amount) == "1,937.04 GBP"
        assert told[UK, MAY].unbilled == ()
        assert {one.jurisdiction: str(one.ledger) for one in told[UK, MAY].taxes} == {
            "GB": "467.41 GBP"
        }
        assert _of(told[UK, JUNE], "T12", "EUR") == Decimal("12000.00")
        # Of D4 two years are to be billed: 194,400.00 less 43,200.00.
        assert _of(told[US, JULY], "T1") == Decimal("212122.19")
        # SC-04: subscribers hear of each month once, with the fingerprint that was signed.
        for seller, period in MONTHS:
            (closing,) = await events_of(it, f"{seller}:{period:%Y-%m}", "period.closed")
            assert closing["evidence"] == told[seller, period].fingerprint
        late = p.journal("1", "2026-01-31", "USD", {"2300": "1.00"}, {"4000": "1.00"})
        refused = await it.erp.post_journal(late, idempotency_key="k")
        assert isinstance(refused, Rejected)
        assert refused.case_kind == "erp.period_closed"
        found = await PostgresClosing(engine).evidence(UK, JUNE)
        assert found is not None
        if HLEDGER:
            assert await judge(found[2], tmp_path) == ""
        again = await (await begin_close(it, US, JANUARY, 2)).result()
        assert (again.outcome, again.refused) == ("refused", "period_closed")


async def test_what_comes_after_the_closing_goes_the_way_of_closed_months(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """D1's onboarding was accepted in January and is told in February: the next open month takes
    it, once the controller has let it in."""
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        year = WorkedYear(engine, it.erp, with_bills=True).tell("d1")
        await year.until(last_day(JANUARY))
        assert (await closed(it, US, JANUARY)).outcome == "closed"
        on(it, last_day(FEBRUARY))
        await year.accept("d1", "L2", "2500.00", date(2026, 1, 20))
        handle = await begun(it, US, FEBRUARY)
        case = await it.case_of("R-US01-2026-02", kind="revenue.late")
        assert str(case.money_at_risk) == "2,500.00 USD"
        await it.decide(case, DecisionKind.APPROVE)
        posted = (await handle.result()).entries
        assert {one.posting_date for one in posted} == {FEBRUARY, last_day(FEBRUARY)}


async def test_who_began_it_may_not_sign_and_a_refusal_leaves_the_month_open(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        await WorkedYear(engine, it.erp, with_bills=True).tell("d1").until(last_day(JANUARY))
        handle = await begin_close(it, US, JANUARY)
        case = await waiting(it, US, JANUARY, "close.sign_off")
        with pytest.raises(BadInput, match="same_person"):
            await it.decide(case, DecisionKind.APPROVE, actor="anna")
        await it.decide(case, DecisionKind.REJECT, actor="vera")
        assert (await handle.result()).outcome == "stopped"
        assert _state(it, US, JANUARY) is LedgerPeriodState.OPEN
        found = await PostgresClosing(engine).latest(US, JANUARY)
        assert found is not None
        assert (found.state, found.signed_by) == (CloseState.STOPPED, "")
        assert (await closed(it, US, JANUARY, 2)).outcome == "closed"


async def test_what_stands_in_the_way_is_put_right_and_looked_at_anew(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """A draft in the ledger, and a bill that nobody posted."""
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        await WorkedYear(engine, it.erp, with_bills=True).tell("d1").until(last_day(JANUARY))
        it.erp.ledger.drafts.append(
            UnpostedDocument(
                ref=Ref(system=System.ERP, account="fake.1", kind="journal", native_id="7"),
                day=date(2026, 1, 15),
                description="by hand",
            )
        )
        handle = await begin_close(it, US, JANUARY)
        case = await waiting(it, US, JANUARY, "close.not_ready")
        assert set(case.evidence) == {"drafts"}
        it.erp.ledger.drafts.clear()
        await it.decide(case, DecisionKind.RETRY)
        sign = await waiting(it, US, JANUARY, "close.sign_off")
        await it.decide(sign, DecisionKind.APPROVE, actor="vera")
        assert (await handle.result()).outcome == "closed"


async def test_a_look_reads_the_ledger_once(dev_server: Client, engine: AsyncEngine) -> None:
    """Entries once, balances before the month and after it: for all identities together. What is
    closed is looked at a second time."""
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        await WorkedYear(engine, it.erp, with_bills=True).tell("d1").until(last_day(JANUARY))
        handle = await begin_close(it, US, JANUARY)
        case = await waiting(it, US, JANUARY, "close.sign_off")
        looks = {"erp.journals": 1, "erp.trial_balance": 2}
        assert {name: it.world.calls[name] for name in looks} == looks
        await it.decide(case, DecisionKind.APPROVE, actor="vera")
        assert (await handle.result()).outcome == "closed"
        assert {name: it.world.calls[name] for name in looks} == {
            n: 2 * c for n, c in looks.items()
        }


async def test_books_that_change_after_the_signature_are_signed_anew(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """What was signed is what is closed."""
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        await WorkedYear(engine, it.erp, with_bills=True).tell("d1").until(last_day(JANUARY))
        handle = await begin_close(it, US, JANUARY)
        case = await waiting(it, US, JANUARY, "close.sign_off")
        by_hand = p.journal("1", "2026-01-31", "USD", {"6600": "9.00"}, {"1000": "9.00"})
        await it.erp.post_journal(by_hand, idempotency_key="k")
        await it.decide(case, DecisionKind.APPROVE, actor="vera")
        second = await waiting(it, US, JANUARY, "close.sign_off", version=2)
        assert second.evidence["fingerprint"] != case.evidence["fingerprint"]
        assert _state(it, US, JANUARY) is LedgerPeriodState.OPEN
        await it.decide(second, DecisionKind.APPROVE, actor="vera")
        result = await handle.result()
        assert (result.outcome, result.fingerprint) == (
            "closed",
            second.evidence["fingerprint"],
        )


@pytest.mark.parametrize("fault", TRANSIENT)
async def test_a_month_is_closed_once_however_often_the_answer_is_lost(
    client: Client, engine: AsyncEngine, fault: Fault
) -> None:
    async with lab(client, engine, last_day(JANUARY)) as it:
        await WorkedYear(engine, it.erp, with_bills=True).tell("d1").until(last_day(JANUARY))
        it.world.retry_after = it.world.retry_after / 100
        it.world.plan("erp.close_period", fault)
        assert (await closed(it, US, JANUARY)).outcome == "closed"
        assert _state(it, US, JANUARY) is LedgerPeriodState.CLOSED


async def test_an_attempt_that_is_cancelled_while_it_waits_leaves_the_month_open(
    dev_server: Client, engine: AsyncEngine
) -> None:
    async with lab(dev_server, engine, last_day(JANUARY)) as it:
        await WorkedYear(engine, it.erp, with_bills=True).tell("d1").until(last_day(JANUARY))
        handle = await begin_close(it, US, JANUARY)
        await waiting(it, US, JANUARY, "close.sign_off")
        await handle.cancel()
        assert (await handle.result()).outcome == "stopped"
        assert _state(it, US, JANUARY) is LedgerPeriodState.OPEN
