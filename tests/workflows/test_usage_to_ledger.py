"""EV-08, SN-1: a month of use from its events to the ledger: the bill's lines, and nothing more
(facts/domain.md §9.6 D3, journals of §9.8)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.usage_taking import take_in
from dealthread.domain.money import Money
from dealthread.domain.recognition.due import last_day
from dealthread.store.usage import PostgresUsage
from tests.support.change_lab import on, sold
from tests.support.deal_builder import d3
from tests.support.invoice_lab import balances, bill_of, mirrored, news, standing, until
from tests.support.recognition_lab import begun
from tests.support.saga_lab import fresh, lab
from tests.support.worked_year import UK, usage_event
from tests.unit.versions import worked as w

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
# A line for each tier, as the biller has them.
TIERS = [("0.00", "0.00"), ("1600.00", "320.00"), ("337.04", "67.41")]


async def test_ten_thousand_events_reach_the_ledger_as_the_lines_of_their_bill(
    dev_server: Client, engine: AsyncEngine
) -> None:
    """1150 against 4100 in April, 1,937.04; May's invoice has four lines and clears 1150."""
    async with lab(dev_server, engine, APRIL) as it:
        contract = await sold(it, fresh(d3()))
        platform, calls = contract.lines
        noon = datetime(2026, 4, 15, 12, tzinfo=UTC)
        events = [usage_event(contract, f"{n:05}", noon, 61 if n else 2_406) for n in range(10_000)]
        for start in range(0, len(events), 2_000):
            await take_in(
                PostgresUsage(engine), events[start : start + 2_000], noon, w.config().policy
            )
        on(it, last_day(APRIL))
        assert (await (await begun(it, UK, APRIL)).result()).outcome == "completed"
        company = contract.erp_company
        assert balances(it, company) == {
            "1150": Decimal("1937.04"),
            "4100": Decimal("-1937.04"),
            # The platform's month is billed by the first invoice, which is not here.
            "2300": Decimal("400.00"),
            "4000": Decimal("-400.00"),
        }
        assert str((await standing(it, contract, last_day(APRIL))).position.unbilled_usage) == (
            "1,937.04 GBP"
        )

        on(it, MAY)
        bill = bill_of(contract, f"in_{contract.key}", MAY)
        (fixed,) = [one for one in bill.lines if one.line_key == platform.line_key]
        used = [
            fixed.model_copy(
                update={
                    "line_key": calls.line_key,
                    "net": Money.of(net, "GBP"),
                    "tax": Money.of(tax, "GBP"),
                    "period_start": APRIL,
                    "period_end": MAY,
                }
            )
            for net, tax in TIERS
        ]
        lines = (fixed, *used)
        net = Money.total((one.net for one in lines), "GBP")
        tax = Money.total((one.tax for one in lines), "GBP")
        assert str(net + tax) == "2,804.45 GBP"
        it.billing.bills[bill.ref.native_id] = bill = bill.model_copy(
            update={
                "lines": lines,
                "net": net,
                "tax": tax,
                "gross": net + tax,
                "remaining": net + tax,
            }
        )
        entries = len(it.erp.ledger.entries)
        await news(dev_server, bill)
        await until(lambda: bill.ref.native_id in mirrored(it))
        assert len(it.erp.ledger.entries) == entries + 1
        assert balances(it, company)["1100"] == Decimal("2804.45")
        assert "1150" not in balances(it, company)
        assert (await standing(it, contract, MAY)).position.unbilled_usage == Money.zero("GBP")
