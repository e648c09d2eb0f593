"""MT-09: months of the worked deals close on the real Tryton 8.2, whose trial balance balances;
what comes later is refused (facts/domain.md §9)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from activities.closing import ClosingActivities
from activities.closing_inputs import CheckClose, ClosePeriod, RevenueRun
from activities.recognition import RecognitionActivities
from activities.recognition_inputs import PlanRecognition, PostRecognition
from activities.recognition_posting import RecognitionPostingActivities
from adapters.erp.tryton.factory import create
from adapters.erp.tryton.settings import TrytonSettings
from dealthread.domain.ledger import LedgerPeriodState, balance_of
from dealthread.domain.recognition.due import last_day
from dealthread.domain.recognition.rows import month_after
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure
from dealthread.errors import OutcomeUnknown
from dealthread.naming import close_id, close_key, recognition_id, recognition_key
from dealthread.outcome import Rejected
from dealthread.ports.erp import ErpPort
from dealthread.stack import tryton
from dealthread.stack.tryton_setup.server import free_port
from dealthread.store.closing import PostgresClosing
from dealthread.store.engine import create_engine
from dealthread.store.journal import PostgresJournal
from dealthread.store.recognition import PostgresRecognition
from tests.support import postings as p
from tests.support.hledger import HLEDGER, judge
from tests.support.recognition_lab import COMPANIES
from tests.support.saga_lab import QUICK
from tests.support.tryton import Losing, set_rates
from tests.support.worked_year import DE, UK, US, WorkedYear
from tests.unit.versions.worked import config

if TYPE_CHECKING:  # a plugin must not be imported before pytest loads it
    from tests.adapters.tryton_fixture import RunningTryton

pytestmark = [pytest.mark.tryton, pytest.mark.postgres, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
RUNS = [(US, JANUARY), (US, FEBRUARY), (DE, MARCH), (UK, APRIL), (UK, MAY), (UK, JUNE)]
CLOSED = {(US, FEBRUARY): "USD", (DE, MARCH): "EUR", (UK, JUNE): "GBP"}
DONE = RevenueRun(outcome="completed")


class _Today:
    def now(self) -> datetime:
        return datetime(2026, 12, 31, 12, tzinfo=UTC)


class Desk:
    """The steps over one port, as a worker has them."""

    def __init__(self, erp: ErpPort, url: str) -> None:
        self.engine = create_engine(url)
        recognition = PostgresRecognition(self.engine)
        self.store = PostgresClosing(self.engine)
        erps = {"tryton": erp}
        ensure = Ensure(PostgresJournal(self.engine), QUICK)
        self._plans = RecognitionActivities(erps, recognition, config, _Today())
        self._posts = RecognitionPostingActivities(erps, ensure, recognition, _Today())
        self.closing = ClosingActivities(erps, ensure, self.store, recognition, config, _Today())

    async def recognise(self, seller: str, period: date) -> None:
        context = _context(recognition_id(seller, period), recognition_key(seller, period))
        order = PlanRecognition(context=context, seller=seller, period=period)
        for entry in (await self._plans.plan(order)).entries:
            await self._posts.post(
                PostRecognition(context=context, document_key=entry.document_key)
            )

    async def check(self, seller: str, period: date) -> str:
        """Fingerprint of what was looked at, with nothing in the way."""
        await self.store.begin(seller, period, 1, "anna")
        found = await self.closing.check(
            CheckClose(
                context=_context(close_id(seller, period), close_key(seller, period)),
                seller=seller,
                period=period,
                number=1,
                erp="tryton",
                company=COMPANIES[seller],
                revenue=DONE,
            )
        )
        assert found.in_the_way == ()
        return found.fingerprint


def _context(business_key: str, key: str) -> SagaContext:
    return SagaContext(
        business_key=business_key, generation=1, contract_key=key, org="", deal_id=""
    )


@pytest.fixture
def settings(tryton_server: RunningTryton) -> Iterator[TrytonSettings]:
    """Books of our own: other tests post under keys that no record of ours knows."""
    name, port = "tryton_close", free_port()
    installation = tryton_server.installation
    tryton.clone(installation, name, fresh=True)
    command, variables = tryton.serve_command(installation, name, port)
    url = f"http://127.0.0.1:{port}"
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(
        command, env={**os.environ, **variables}, stdout=nowhere, stderr=nowhere
    )
    try:
        tryton.wait_healthy(url, process=process)
        yield tryton_server.settings.model_copy(update={"database": name, "url": url})
    finally:
        process.terminate()
        process.wait(timeout=20)
    installation.programs.postgres.drop_database(name)


async def test_months_of_the_worked_deals_close_and_take_no_more(
    settings: TrytonSettings,
    tryton_server: RunningTryton,
    tryton_http: httpx.AsyncClient,
    database_url: str,
    tmp_path: Path,
) -> None:
    """The close itself loses its answer; it is found closed."""
    admin = tryton_server.installation.logins()["admin"]
    await set_rates(settings, admin, {"EUR": "1", "GBP": "0.85"}, "2026-06-01")
    erp = create(settings, tryton_http)
    desk = Desk(erp, database_url)
    year = WorkedYear(desk.engine, erp, with_bills=True).tell("d1", "d2", "d3", "d4", "d5")
    for seller, period in RUNS:
        await year.until(last_day(period))
        await desk.recognise(seller, period)
    for (seller, period), currency in CLOSED.items():
        company = COMPANIES[seller]
        fingerprint = await desk.check(seller, period)
        order = ClosePeriod(
            context=_context(close_id(seller, period), close_key(seller, period)),
            seller=seller,
            period=period,
            number=1,
            erp="tryton",
            company=company,
            fingerprint=fingerprint,
            revenue=DONE,
        )
        other = await desk.closing.close(order.model_copy(update={"fingerprint": "other"}))
        assert other.is_changed
        transport = Losing(
            httpx.AsyncHTTPTransport(), lambda name: name == "model.account.period.close"
        )
        async with httpx.AsyncClient(transport=transport) as http:
            failing = Desk(create(settings, http), database_url)
            with pytest.raises(OutcomeUnknown):
                await failing.closing.close(order)
            await failing.engine.dispose()
        assert (await desk.closing.close(order)).ref is not None
        assert (await erp.read_period(company, period)).state is LedgerPeriodState.CLOSED
        rows = await erp.trial_balance(company, month_after(period))
        assert rows
        assert not balance_of(rows, currency)
        late = p.journal(company, str(last_day(period)), currency, {"2300": "1"}, {"4000": "1"})
        refused = await erp.post_journal(late, idempotency_key="k")
        assert isinstance(refused, Rejected)
        assert refused.case_kind == "erp.period_closed"
        found = await desk.store.evidence(seller, period)
        assert found is not None
        assert found[1].closing == rows
        if HLEDGER:
            assert await judge(found[2], tmp_path) == ""
    await desk.engine.dispose()
