"""`make year`: the lives of eight contracts, each on a time-skipping Temporal server of its own.

Real adapters against the real Tryton, the Stripe and Salesforce simulators and the receivers.
Tryton stands on the machine's clock. It has nothing to warn of: each order of a contract, those of
its changes too, is dated on the contract's first day. Prints a timeline and the accounts; exit code
1 where the systems do not agree to the cent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from dealthread import logs
from dealthread.config import load_config
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.selling import open_shop
from dealthread.sandbox.worked_deals import worked_price_book
from dealthread.stack.info import StackInfo
from tests.year import (
    group,
    harborline,
    monthly_changes,
    nordwerk,
    pennine,
    two_regions,
    unpaid_seats,
    yearly_changes,
)
from tests.year.accounts import Accounts
from tests.year.house import house
from tests.year.life import Life
from tests.year.office import office
from tests.year.sheet import Sheet

Story = Callable[[Life], Awaitable[None]]


async def live(stack: StackInfo, sheet: Sheet, begins: date, story: Story) -> None:
    """One life on a server of its own."""
    async with office(stack, begins) as work:
        with open_shop(stack) as shop, Accounts(stack, shop.billing) as accounts:
            config = load_config(stack.config_dir)
            book = worked_price_book(shop.org, config)
            await story(Life(work, config, book, accounts, sheet))


def quiet() -> None:
    """The timeline alone: what the programs log is not part of it."""
    logs.configure("ERROR")
    filtered = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=filtered))))


def stories(stack: StackInfo) -> list[tuple[str, date, Story]]:
    """Title, first day, life; of customers that nobody has, whatever a kept stack knows."""
    run = int(time.time()) // 10 % 100_000
    new, more = InventedCustomers(run), InventedCustomers(run + 100_000)
    return [
        (
            "A: a year of seats, upgraded while the ERP is down, renewed, cancelled (US01, USD)",
            harborline.BEGINS,
            lambda life: harborline.lived(life, new.texan(1), stack.urls.tryton),
        ),
        (
            "B: seats by bank transfer, reduced, renewed with the credit used (DE01, EUR)",
            nordwerk.BEGINS,
            lambda life: nordwerk.lived(life, new.german(2)),
        ),
        (
            "C: a regional entity joins, its ledger refuses the tax; then reduced (US01 and DE01)",
            group.BEGINS,
            lambda life: group.lived(life, stack, new.texan(3), new.german(4)),
        ),
        (
            "D: every kind of change of a contract that is billed by the year (US01, USD)",
            yearly_changes.BEGINS,
            lambda life: yearly_changes.lived(life, new.texan(5)),
        ),
        (
            "E: ahead, backwards and taken back, in a contract billed by the month (US01, USD)",
            monthly_changes.BEGINS,
            lambda life: monthly_changes.lived(life, new.texan(6)),
        ),
        (
            "F: a platform with usage, whose second bill is not paid and given up (UK01, GBP)",
            pennine.BEGINS,
            lambda life: pennine.lived(life, new.briton(7)),
        ),
        (
            "G: more seats within the term, whose charge fails; pursued, then paid (US01, USD)",
            unpaid_seats.BEGINS,
            lambda life: unpaid_seats.lived(life, new.texan(0)),
        ),
        (
            "H: platform and usage in two regions, over-used while the ERP is down; renewed",
            two_regions.BEGINS,
            lambda life: two_regions.lived(life, more.texan(1), more.german(2), stack.urls.tryton),
        ),
    ]


def run(root: Path, wanted: str) -> int:
    """The lives whose letters are wanted; the exit code."""
    began = time.monotonic()
    sheet = Sheet()
    with house(root, lambda line: print(line, flush=True)) as stack:
        up = time.monotonic()
        quiet()
        for title, begins, story in stories(stack):
            if title[0] not in wanted:
                continue
            sheet.life(title)
            asyncio.run(live(stack, sheet, begins, story))
        ended = time.monotonic()
    print(f"\n{sheet.checks} facts compared; {ended - up:.0f} s, and {up - began:.0f} s to start")
    for difference in sheet.differences:
        print(f"differs: {difference}", file=sys.stderr)
    return 1 if sheet.differences else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.year", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(".dealthread/year"))
    parser.add_argument("--lives", default="ABCDEFGH", help="letters of the lives, e.g. B")
    given = parser.parse_args()
    sys.exit(run(given.root, given.lives))
