"""PF-17: a month of revenue by process API: run, shown, reversed, rolled forward, refused."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.cli import recognition
from dealthread.domain.events import EventType
from tests.support.bridge_over_lab import bridge_over
from tests.support.invoice_lab import told as told_of
from tests.support.saga_lab import lab
from tests.support.worked_year import WorkedYear

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
JANUARY = "/v1/recognition/US01/2026-01"
FEBRUARY = "/v1/recognition/US01/2026-02"


@pytest.mark.tells(EventType.ONBOARDING_MILESTONE_REACHED)
async def test_a_month_is_previewed_run_shown_reversed_and_rolled_forward(
    dev_server: Client, engine: AsyncEngine, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """D1's first two months; the service counts once it is accepted."""
    async with lab(dev_server, engine, date(2026, 2, 28)) as it:
        year = WorkedYear(engine, it.erp).tell("d1")
        await year.until(date(2026, 2, 1))
        key = year.contracts["d1"].key
        async with bridge_over(it, database_url, dev_server) as asks:
            told = await asks(f"{JANUARY}/runs/preview", {})
            assert [one["accounts"]["4000"]["amount"] for one in told["entries"]] == ["1061.64"]
            assert (await asks(JANUARY))["entries"] == []
            assert (await asks(f"{JANUARY}/runs", {}))["outcome"] == "completed"
            accepted = {"obligation": "L2", "accepted_on": "2026-02-13", "evidence": "form 17"}
            assert (await asks(f"/v1/contracts/{key}/acceptances", accepted))["is_new"] is True
            assert (await asks(f"/v1/contracts/{key}/acceptances", accepted))["is_new"] is False
            (reached,) = await told_of(it, key, "onboarding_milestone.reached")
            assert (reached["milestone"], reached["reached_on"]) == (
                "service_accepted:L2",
                "2026-02-13",
            )
            ran = await asks(f"{FEBRUARY}/runs", {})
            assert [one["posting_date"] for one in ran["entries"]] == ["2026-02-13", "2026-02-28"]
            assert (await asks(f"{FEBRUARY}/runs", {}))["entries"] == []
            (service, seats) = (await asks(f"{FEBRUARY}?lines=true"))["entries"]
            assert [line["contract_key"] for line in service["lines"]] == [key]
            assert seats["lines"][0]["amount"]["amount"] == "958.90"
            rolled = await asks(f"{FEBRUARY}/roll-forward")
            assert [rolled[name]["amount"] for name in ("opening", "recognised", "closing")] == [
                "13938.36",
                "3458.90",
                "10479.46",
            ]
            assert rolled["is_tied"] is True
            body = {"reason": "accepted in error", "documents": [service["entry"]["document_key"]]}
            assert (await asks(f"{FEBRUARY}/reversals", body))["outcome"] == "reversed"
            after = (await asks(FEBRUARY))["entries"]
            assert [one["state"] for one in after] == ["reversed", "posted"]
        recognition._entries(ran["entries"], "posted")
        recognition._show_roll_forward(rolled)
        said = " ".join(capsys.readouterr().out.split())
        assert "2026-02-13 2,500.00 USD 4200 2,500.00 USD 1" in said
        assert "= closing 10,479.46 USD closing 10,479.46 USD trial balance it ties" in said


async def test_what_cannot_be_done_is_refused_with_its_field(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with lab(dev_server, engine, date(2026, 1, 31)) as it:
        year = WorkedYear(engine, it.erp).tell("d1")
        await year.until(date(2026, 1, 31))
        key = year.contracts["d1"].key
        it.erp.ledger.closed.add(date(2026, 1, 1))
        service = {"obligation": "L2", "accepted_on": "2026-01-13", "evidence": "form 17"}
        acceptances = f"/v1/contracts/{key}/acceptances"
        async with bridge_over(it, database_url, dev_server) as asks:
            refusals = [
                (await asks(path, body, expect=status))["code"]
                for path, body, status in (
                    ("/v1/recognition/XX01/2026-01/runs", {}, 400),
                    ("/v1/recognition/US01/2026-13/runs", {}, 400),
                    ("/v1/recognition/US01/9999-12/runs", {}, 400),
                    ("/v1/recognition/US01/2026-02/runs", {}, 400),
                    (f"{JANUARY}/runs", {}, 409),
                    (f"{JANUARY}/reversals", {"reason": "x"}, 400),
                    (acceptances, service | {"obligation": "L1"}, 400),
                    (acceptances, service | {"accepted_on": "2026-02-01"}, 400),
                    (acceptances, service | {"accepted_on": "2025-12-31"}, 400),
                )
            ]
            assert refusals == [
                "entity_not_known",
                "month_wrong",
                "month_wrong",
                "period_not_over",
                "period_closed",
                "nothing_to_reverse",
                "not_an_accepted_service",
                "day_to_come",
                "before_the_contract",
            ]
            await asks(f"{JANUARY}/reversals", {"reason": "  "}, expect=422)
        async with bridge_over(it, database_url, dev_server, role="viewer") as asks:
            for path in (f"{JANUARY}/runs", f"{JANUARY}/runs/preview"):
                await asks(path, {}, expect=403)
            await asks(acceptances, service, expect=403)
            await asks(JANUARY)
        assert not any(method == "erp.post_journal" for method, _ in it.world.effects)
