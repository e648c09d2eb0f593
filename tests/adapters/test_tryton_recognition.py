"""PF-17: a company's months of revenue on the real Tryton 8.2, through lost answers (D3 and D5 of
facts/domain.md §9.7: pounds, and euros at the rate of their invoice)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import httpx
import pytest

from activities.recognition import RecognitionActivities
from activities.recognition_inputs import (
    PlannedEntry,
    PlanRecognition,
    PostRecognition,
    RollForwardInput,
)
from activities.recognition_posting import RecognitionPostingActivities
from adapters.erp.tryton.factory import create
from dealthread.domain.recognition.due import last_day
from dealthread.domain.recognition.rows import month_after
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure
from dealthread.errors import AttemptInFlight, OutcomeUnknown, TransportError
from dealthread.naming import recognition_id, recognition_key
from dealthread.ports.erp import ErpPort
from dealthread.store.engine import create_engine
from dealthread.store.journal import PostgresJournal
from dealthread.store.recognition import PostgresRecognition
from tests.support.saga_lab import QUICK
from tests.support.tryton import Losing, set_rates
from tests.support.worked_year import UK, WorkedYear
from tests.unit.versions.worked import config

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.postgres, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)

T = TypeVar("T")
COMPANY = "3"
APRIL = date(2026, 4, 1)
WRITES = ("model.account.move.create", "model.account.move.post")
# facts/domain.md §9.7: D3 platform and calls, D5 seats in the ledger's pounds, D5's onboarding.
REVENUE = {
    APRIL: {"4000": "400.00", "4100": "1937.04"},
    date(2026, 6, 1): {"4000": "334.88"},
    date(2026, 7, 1): {"4000": "346.04", "4200": "2040.00"},
}


class _Today:
    def now(self) -> datetime:
        return datetime(2026, 12, 31, 12, tzinfo=UTC)


class Desk:
    """The run's steps over one port, as a worker has them."""

    def __init__(self, erp: ErpPort, url: str) -> None:
        self._engine = create_engine(url)
        store = PostgresRecognition(self._engine)
        erps = {"tryton": erp}
        ensure = Ensure(PostgresJournal(self._engine), QUICK)
        self.steps = RecognitionActivities(erps, store, config, _Today())
        self.posting = RecognitionPostingActivities(erps, ensure, store, _Today())

    async def plan(self, period: date) -> tuple[PlannedEntry, ...]:
        order = PlanRecognition(context=context(period), seller=UK, period=period)
        found = await self.steps.plan(order)
        assert not found.refused, found
        return found.entries

    async def aclose(self) -> None:
        await self._engine.dispose()


def context(period: date) -> SagaContext:
    return SagaContext(
        business_key=recognition_id(UK, period),
        generation=1,
        contract_key=recognition_key(UK, period),
        org="",
        deal_id="",
    )


async def insisted(act: Callable[[], Awaitable[T]]) -> T:
    """As Temporal repeats a step whose outcome is not known."""
    for _ in range(100):
        try:
            return await act()
        except (OutcomeUnknown, AttemptInFlight, TransportError):
            await asyncio.sleep(0.05)
    raise AssertionError("never answered")


async def entries_of(erp: ErpPort, period: date, keys: set[str]) -> dict[str, list[Decimal]]:
    found: dict[str, list[Decimal]] = {}
    for one in await erp.journals(COMPANY, period, month_after(period)):
        if one.document_key in keys:
            for line in one.lines:
                if line.account.startswith("4"):
                    found.setdefault(line.account, []).append(-line.signed.amount)
    return found


async def test_months_are_posted_once_through_any_lost_answer_and_tie_to_the_ledger(
    tryton_erp: ErpPort, tryton_server: RunningTryton, database_url: str
) -> None:
    """Whichever write of an entry, or of its reversal, loses its answer: there is one of each."""
    await set_rates(
        tryton_server.settings,
        tryton_server.installation.logins()["admin"],
        {"EUR": "1", "GBP": "0.85"},
        "2026-06-01",
    )
    healthy = Desk(tryton_erp, database_url)
    engine = create_engine(database_url)
    year = WorkedYear(engine, tryton_erp).tell("d3", "d5")
    await year.until(last_day(APRIL))
    for number, method in enumerate(WRITES, start=1):
        (entry,) = await healthy.plan(APRIL)
        assert entry.number == number
        asked = PostRecognition(context=context(APRIL), document_key=entry.document_key)
        for what in ("post", "reverse"):
            transport = Losing(httpx.AsyncHTTPTransport(), lambda name, lost=method: name == lost)
            async with httpx.AsyncClient(transport=transport) as http:
                failing = Desk(create(tryton_server.settings, http), database_url)
                with pytest.raises(OutcomeUnknown):
                    await getattr(failing.posting, what)(asked)
                await failing.aclose()
            act = getattr(healthy.posting, what)
            await insisted(lambda act=act, asked=asked: act(asked))
            posted = await entries_of(tryton_erp, APRIL, {entry.document_key})
            assert posted == {"4000": [Decimal("400.00")], "4100": [Decimal("1937.04")]}
        document = await tryton_erp.read_document(COMPANY, entry.document_key)
        assert document.reversal is not None
    keys: set[str] = set()
    for period, expected in REVENUE.items():
        await year.until(last_day(period))
        for entry in await healthy.plan(period):
            keys.add(entry.document_key)
            asked = PostRecognition(context=context(period), document_key=entry.document_key)
            for _ in range(2):
                await healthy.posting.post(asked)
        assert await healthy.plan(period) == ()
        found = await entries_of(tryton_erp, period, keys)
        assert {account: str(sum(parts)) for account, parts in found.items()} == expected
        rolled = await healthy.steps.roll_forward(
            RollForwardInput(seller=UK, period=period, erp="tryton", company=COMPANY)
        )
        assert rolled.found is not None
        assert rolled.found.is_tied, rolled.found
        assert str(rolled.found.recognised.amount) == str(
            sum(Decimal(amount) for amount in expected.values())
        )
    await healthy.aclose()
    await engine.dispose()
