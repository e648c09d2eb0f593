"""A tax rate that changes while contracts run (PF-18): from finance's table, through the relay and
the contract's own workflow, to the biller; a bill at another rate is the tax owner's.

D1 of facts/domain.md §9.6 is taxed as US-TX-SAAS, 8.25 % of 80 %: 6.6 %. From 2026-06-01 it is
8.75 % of 80 %: 7 %.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from dealthread.bridge.tax_rate_duty import TaxRateDuty
from dealthread.config import load_config
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.naming import tax_rate_id
from tests.fakes.world import Fault
from tests.support.contract_life import START, Life, life
from tests.support.saga_lab import CONFIG_DIR, settings_for

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

JUNE = date(2026, 6, 1)
CODE = "US-TX-SAAS"
_ROW = """    applied_rate: "6.6"
    statutory_rate: "8.25"
    taxable_share: "80"
    valid_from: 2020-01-01
"""
_NEXT = """    valid_until: {day}
    wording: Texas sales tax, data processing, 20 % exempt
  - code: US-TX-SAAS
    seller: US01
    jurisdiction: US-TX
    applied_rate: "7"
    statutory_rate: "8.75"
    taxable_share: "80"
    valid_from: {day}
"""


SEPTEMBER = date(2026, 9, 1)
_THIRD = """    valid_until: 2026-09-01
    wording: Texas sales tax, data processing, for a summer
  - code: US-TX-SAAS
    seller: US01
    jurisdiction: US-TX
    applied_rate: "{applied}"
    statutory_rate: "{statutory}"
    taxable_share: "80"
    valid_from: 2026-09-01
"""
LAW = {"6.6": "8.25", "8": "10"}
"""Statutory rate of each third rate: the first one again, or another."""


def entered(at: Path, day: date, third: str = "") -> Path:
    """The configuration into which finance has entered the new row, and with `third` the one that
    takes its place in September."""
    shutil.copytree(CONFIG_DIR, at / "config")
    table = at / "config" / "tax.yaml"
    text = table.read_text()
    assert text.count(_ROW) == 1
    rows = _ROW + _NEXT.format(day=day)
    if third:
        rows += _THIRD.format(applied=third, statutory=LAW[third])
    table.write_text(text.replace(_ROW, rows))
    return at / "config"


@dataclass
class At:
    """A clock that stands."""

    instant: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant


@dataclass
class Told:
    """A contract that runs, and the relay's duty to it."""

    one: Life
    duty: TaxRateDuty
    clock: At
    day: date

    @property
    def change_id(self) -> str:
        return self.of(self.day)

    def of(self, day: date) -> str:
        """Of the change on a day."""
        return tax_rate_id(self.one.contract.key, CODE, day)

    async def asked(self) -> int:
        """What the relay asks for now, and hands to its contract."""
        self.clock.instant = await self.one.it.business_now()
        found = await self.duty.ask()
        await self.one.office.relayed()
        return found

    def billed_at(self) -> set[tuple[str, Decimal]]:
        """Code and rate of each line that the biller bills."""
        held: Contract = self.one.it.billing._held[self.one.contract.key]
        return {(line.tax.code, line.tax.applied_rate) for line in held.lines}

    async def hours(self, number: int) -> None:
        await self.one.server.sleep(timedelta(hours=number))


@asynccontextmanager
async def told(
    server: WorkflowEnvironment,
    engine: AsyncEngine,
    url: str,
    at: Path,
    day: date = JUNE,
    sold_on: date = START,
    third: str = "",
) -> AsyncIterator[Told]:
    """Finance enters the rows once the contract is made."""
    directory = entered(at, day, third)
    known = [load_config(CONFIG_DIR)]
    async with life(
        server,
        engine,
        url,
        sold_on=sold_on,
        exchange=lambda ports: replace(ports, config=lambda: known[-1]),
    ) as one:
        known.append(load_config(directory))
        settings = settings_for(url, "{}").model_copy(update={"config_dir": directory})
        clock = At()
        yield Told(one, TaxRateDuty(settings, engine, clock), clock, day)


OLD, NEW = (CODE, Decimal("6.6")), (CODE, Decimal(7))
SERVICE = ("US-TX-SVC0", Decimal(0))


async def test_what_runs_is_told_once_a_little_before_the_rates_first_day(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    """Not at nine in the morning before, but in the evening; the contract itself stays as it is."""
    async with told(skipping_server, engine, database_url, tmp_path) as at:
        await at.one.go_to(date(2026, 5, 31))
        assert await at.asked() == 0
        assert at.billed_at() == {OLD, SERVICE}
        await at.hours(10)
        at.one.it.world.plan("billing.change_agreement", Fault.LOST)
        assert await at.asked() == 1
        await at.one.done(at.change_id)
        assert NEW in at.billed_at()
        assert at.one.it.world.did(at.one.contract.key).count("billing.change_agreement") == 1
        assert await at.asked() == 0
        assert (await at.one.present()).version == 1
        assert (await at.one.it.reading.find(at.change_id)).outcome == "completed"


async def test_a_contract_that_has_not_begun_is_told_before_its_first_bill(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    """Sold in December for January; the rate that ends with the year was the one known then."""
    sold = date(2025, 12, 15)
    async with told(skipping_server, engine, database_url, tmp_path, START, sold) as at:
        assert at.billed_at() == {OLD, SERVICE}
        await at.one.go_to(date(2025, 12, 31))
        assert await at.asked() == 0
        await at.hours(10)
        assert await at.asked() == 1
        await at.one.done(at.change_id)
        assert (await at.one.status())["state"] == "scheduled"
        assert at.billed_at() == {NEW, SERVICE}


async def test_a_rate_that_the_biller_lacks_is_the_tax_owners_case(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    """It names what is refused; once tax has set it up, the decision carries it through."""
    async with told(skipping_server, engine, database_url, tmp_path) as at:
        await at.one.go_to(JUNE)
        at.one.it.world.plan("billing.change_agreement", Fault.REJECTED, case_kind="tax.rejected")
        await at.asked()
        case = await at.one.it.case_of(at.one.contract.key)
        assert (case.kind, case.queue, case.step) == ("tax.rejected", "tax", "billing")
        assert at.billed_at() == {OLD, SERVICE}
        await at.one.it.decide(case, DecisionKind.RETRY)
        await at.one.done(at.change_id)
        assert NEW in at.billed_at()


@pytest.mark.parametrize("third", LAW)
async def test_a_second_change_of_the_rate_reaches_what_the_first_one_reached(
    skipping_server: WorkflowEnvironment,
    engine: AsyncEngine,
    database_url: str,
    tmp_path: Path,
    third: str,
) -> None:
    """The version that stands bears the first rate all the time, also where that one comes back."""
    async with told(skipping_server, engine, database_url, tmp_path, third=third) as at:
        await at.one.go_to(date(2026, 6, 2))
        assert await at.asked() == 1
        await at.one.done(at.change_id)
        assert at.billed_at() == {NEW, SERVICE}
        await at.one.go_to(date(2026, 9, 2))
        assert await at.asked() == 1
        await at.one.done(at.of(SEPTEMBER))
        assert at.billed_at() == {(CODE, Decimal(third)), SERVICE}
        assert (await at.one.it.reading.find(at.of(SEPTEMBER))).outcome == "completed"
        assert await at.asked() == 0


async def test_two_changes_that_come_late_together_are_billed_at_the_last_rate(
    skipping_server: WorkflowEnvironment, engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    """The rows were entered in September: June's rate is over before anybody was told of it."""
    async with told(skipping_server, engine, database_url, tmp_path, third="8") as at:
        await at.one.go_to(date(2026, 9, 2))
        assert await at.asked() == 2
        for day in (JUNE, SEPTEMBER):
            await at.one.done(at.of(day))
        assert at.billed_at() == {(CODE, Decimal(8)), SERVICE}
        assert await at.asked() == 0
