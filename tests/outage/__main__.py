"""`make outage`: a minute without the ERP under load, on the whole local stack.

The real Tryton behind its fault proxy, which refuses every call for SECONDS while DEALS deals are
won, half of them in each of two companies; two worker processes, of which one is killed meanwhile.
Prints what happened; exit code 1 where something was late, lost, twice, or asked for a person. The
profile differs from what is shipped in this: a deal waits for no known outage
(`erp_unavailable_minutes: 0`), three failures open the circuit, and the first probe comes after
two seconds.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from dealthread.sandbox import worked_deals
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi, Standing
from dealthread.sandbox.records import Sale
from dealthread.sandbox.selling import Entered, open_shop
from dealthread.sandbox.tryton import TrytonReader
from dealthread.stack.info import StackInfo
from tests.outage.house import Programs, house

ROOT = Path(__file__).resolve().parents[2]
DRAIN_SECONDS = 420.0
PROBE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 15.0
UNTIL_ALL_KNOW = timedelta(seconds=5)
"""A run of three calls, each of many requests, then a second until the other process looks."""
SLOTS = 8
"""Customers that one run of the sandbox invents."""


@dataclass
class Findings:
    """What is printed, and what of it is wrong."""

    wrong: list[str] = field(default_factory=list)

    def say(self, what: str, value: object) -> None:
        """A line of the report."""
        print(f"  {what:<58} {value}", flush=True)

    def hold(self, what: str, found: object, wanted: object) -> None:
        """A line that must say this."""
        self.say(what, found)
        if found != wanted:
            self.wrong.append(f"{what}: {found}, wanted {wanted}")


def sales(count: int, today: date) -> list[Sale]:
    """US deals by card, German ones by bank transfer with a reviewed first invoice, by turns."""
    run = int(time.time()) // 10 % 100_000
    made = []
    for number in range(count):
        new = InventedCustomers(run + number // SLOTS)
        if number % 2:
            german = worked_deals.d2(new.german(number % SLOTS))
            year = timedelta(days=364)
            made.append(replace(german, closed_on=today, start=today, last_day=today + year))
        else:
            customer = new.oregonian(number % SLOTS)
            made.append(worked_deals.seats("L", "SEAT-STD", 10, customer, today, card=True))
    return made


class Profile:
    """One run."""

    def __init__(self, stack: StackInfo, programs: Programs, held: ExitStack) -> None:
        self.stack = stack
        self.probes = 0
        self.programs = programs
        self.shop = held.enter_context(open_shop(stack))
        self.api = held.enter_context(ProcessApi(stack, stack.credentials.operator_token))
        self.tryton = held.enter_context(TrytonReader(stack))
        self.proxy = held.enter_context(httpx.Client(base_url=stack.urls.tryton, trust_env=False))
        self.bridge = held.enter_context(
            httpx.Client(
                base_url=stack.urls.bridge,
                headers={"Authorization": f"Bearer {stack.credentials.operator_token}"},
                trust_env=False,
            )
        )

    def read(self, path: str, **query: str) -> Any:
        """The process API's answer."""
        return self.bridge.get(f"/v1/{path}", params=query).raise_for_status().json()

    def run(self, deals: int, seconds: float) -> list[str]:
        """Print the report; what is wrong."""
        found = Findings()
        self._wait_for_rest_of_an_earlier_run()
        wanted = sales(deals, self.stack.business_now.date())
        entered = [
            self.shop.desk.enter(one, f" outage {number}") for number, one in enumerate(wanted)
        ]
        cases_before = len(self.read("cases", any_state="true", limit="1000"))
        outages_before = len(self.read("circuits/outages"))

        print(f"\nTryton refuses every call for {seconds:.0f} s; {deals} deals are won meanwhile")
        self.proxy.delete("/_sim/ledger").raise_for_status()
        self.probes = probes_in(seconds)
        down = time.monotonic()
        self._fault()
        for number, one in enumerate(entered):
            self.shop.desk.win(one)
            if number == deals // 2:
                self.programs.kill_one("workers")
            # Over the first two thirds; the last third is for what is under way.
            time.sleep(max(0.0, down + (number + 1) * seconds * 2 / 3 / deals - time.monotonic()))
        time.sleep(max(0.0, down + seconds - time.monotonic()))
        self._meanwhile(found, entered, cases_before, outages_before)

        print("\nTryton answers again")
        self.proxy.delete("/_sim/faults").raise_for_status()
        back = time.monotonic()
        rested = self.api.wait_for_rest(
            [one.deal_id for one in entered], DRAIN_SECONDS, lambda _: None
        )
        found.say("seconds until every deal is booked", f"{time.monotonic() - back:.1f}")
        self._invoices(found, entered, back)
        self._afterwards(found, entered, rested, cases_before, outages_before)
        return found.wrong

    def _wait_for_rest_of_an_earlier_run(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            (one,) = self.read("circuits")
            if one["circuit"]["state"] == "closed" and one["waiting"] == 0:
                return
            time.sleep(1.0)
        raise SystemExit("an earlier run's work does not end: dealthread circuits list")

    def _fault(self) -> None:
        fault = {"kind": "server_error", "times": 0}
        self.proxy.post("/_sim/faults", json=fault).raise_for_status()

    def _meanwhile(self, found: Findings, entered: list[Entered], cases: int, outages: int) -> None:
        waits = [self._granted_after(one) for one in entered]
        known = [one for one in waits if one is not None]
        found.hold("deals accepted and entitled during the outage", len(known), len(entered))
        if known:
            found.say(
                "seconds from accepted to entitled, median and longest",
                f"{statistics.median(known):.1f}, {max(known):.1f}",
            )
        struck = [
            datetime.fromisoformat(one["at"])
            for one in self.proxy.get("/_sim/ledger").json()["entries"]
            if one["fault"]
        ]
        first = sum(1 for at in struck if at <= struck[0] + UNTIL_ALL_KNOW)
        found.say("calls at its door until both processes knew", first)
        found.say("calls at its door after that: probes", len(struck) - first)
        found.hold("… more of them than probes are due", len(struck) - first > self.probes, False)
        (circuit,) = self.read("circuits")
        found.hold("circuit", circuit["circuit"]["state"], "open")
        found.say("steps that wait in its queues", circuit["waiting"])
        found.hold("outages", len(self.read("circuits/outages")) - outages, 1)
        found.hold("cases", len(self.read("cases", any_state="true", limit="1000")) - cases, 0)

    def _granted_after(self, one: Entered) -> float | None:
        seen = self.api.standing(one.deal_id)
        if seen is None:
            return None
        times = [
            datetime.fromisoformat(row["at"])
            for row in self.api.trace(one.deal_id)
            if row["what"].startswith("write.done") and "/entitlement/" in row["detail"]
        ]
        return (times[0] - seen.created_at).total_seconds() if times else None

    def _invoices(self, found: Findings, entered: list[Entered], back: float) -> None:
        """Cards are charged at once: each US deal has its invoice, which the ledger must have."""
        cards = [one for one in entered if one.sale.collection == "card"]
        deadline = back + DRAIN_SECONDS
        while True:
            posted = Counter(
                row["party."]["code"]
                for one in cards
                for row in self._rows("account.invoice", one, ("party.code", "state"))
                if row["state"] in ("posted", "paid")
            )
            if len(posted) == len(cards) or time.monotonic() > deadline:
                break
            time.sleep(1.0)
        found.say("seconds until every invoice is in the ledger", f"{time.monotonic() - back:.1f}")
        found.hold("invoices of card deals in the ledger", sum(posted.values()), len(cards))
        found.hold("… of them twice", sum(1 for count in posted.values() if count > 1), 0)

    def _afterwards(
        self,
        found: Findings,
        entered: list[Entered],
        rested: dict[str, Standing],
        cases: int,
        outages: int,
    ) -> None:
        ends = Counter(one.outcome for one in rested.values())
        found.hold("deals by outcome", dict(ends), {"completed": len(entered)})
        orders = Counter(
            row["party.code"]
            for one in entered
            for row in self.tryton.sales([["party.code", "=", one.customer_key]])
            if row["state"] not in ("cancelled", "draft", "quotation")
        )
        found.hold("confirmed orders", sum(orders.values()), len(entered))
        found.hold("… of them twice", sum(1 for count in orders.values() if count > 1), 0)
        last = self.read("circuits/outages")[0]
        found.hold("outages", len(self.read("circuits/outages")) - outages, 1)
        found.hold("… it is over, closed by", last["closed_by"], "breaker")
        found.hold("cases", len(self.read("cases", any_state="true", limit="1000")) - cases, 0)

    def _rows(self, model: str, one: Entered, fields: tuple[str, ...]) -> list[dict[str, Any]]:
        # Whichever company is asked, the product's user may see those of the others.
        seen = {
            row["id"]: row
            for company in (1, 2, 3)
            for row in self.tryton.search_read(
                model, [["party.code", "=", one.customer_key]], fields, company
            )
        }
        return list(seen.values())


def probes_in(seconds: float) -> int:
    """How often the ERP is asked in so long an outage."""
    passed, pause, count = 0.0, PROBE_SECONDS, 0
    while passed + pause < seconds:
        passed, count = passed + pause, count + 1
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    return count


def profile_of(stack: StackInfo) -> dict[str, str]:
    """Settings of the programs: the profile's configuration, and everything switched on."""
    folder = stack.layout.state / "outage-config"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stack.config_dir, folder)
    policy = folder / "policy.yaml"
    text, count = re.subn(
        r"erp_unavailable_minutes: \d+", "erp_unavailable_minutes: 0", policy.read_text("utf-8")
    )
    assert count == 1, "config/policy.yaml names the ERP's patience"
    policy.write_text(text, "utf-8")
    return {
        "DEALTHREAD_CONFIG_DIR": str(folder),
        "DEALTHREAD_INVOICE_TO_CASH": "true",
        "DEALTHREAD_CIRCUIT_FAILURES": "3",
        "DEALTHREAD_CIRCUIT_PROBE_SECONDS": str(PROBE_SECONDS),
        "DEALTHREAD_CIRCUIT_LONGEST_PAUSE_SECONDS": str(LONGEST_PAUSE_SECONDS),
    }


def main() -> int:
    """Exit code 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.outage")
    parser.add_argument("--deals", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--root", type=Path, default=ROOT / ".dealthread" / "outage")
    given = parser.parse_args()
    with ExitStack() as held:
        stack = held.enter_context(house(given.root, print))
        programs = held.enter_context(Programs(stack, profile_of(stack)).running())
        for module in ("workers", "workers", "dealthread.bridge.relay"):
            programs.start_ready(module)
        wrong = Profile(stack, programs, held).run(given.deals, given.seconds)
    for one in wrong:
        print(f"WRONG: {one}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
