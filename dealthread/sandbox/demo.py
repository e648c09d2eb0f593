"""`dealthread demo`: the main job on the running stack, told as it happens, figures compared."""

from __future__ import annotations

import re
import sys
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from rich.console import Console

from dealthread.sandbox import scenes, worked_deals
from dealthread.sandbox.books import BillingBooks, CustomerSuccess, Entitlements
from dealthread.sandbox.errors import EXPECTED, SandboxError, told
from dealthread.sandbox.figures import compare_figures
from dealthread.sandbox.first_invoices import compare_systems, finalise_drafts
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.narration import Narrator
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.records import Customer
from dealthread.sandbox.salesforce import SalesforceOrg, quoted
from dealthread.sandbox.selling import open_shop
from dealthread.sandbox.stage import PATIENCE_SECONDS, Stage
from dealthread.sandbox.tryton import TrytonReader
from dealthread.sandbox.worked_deals import K1, K2, K4, NOT_SALABLE, UNMAPPED
from dealthread.stack.defaults import BUSINESS_DATE
from dealthread.stack.info import StackInfo

FIRST_DAY, LAST_DAY = BUSINESS_DATE, date(2026, 12, 31)
"""Before, the deals start in the future and are only scheduled; after, the first year is over."""
_RUN = re.compile(r"DEMO-(\d+)-\d+P?")
_UNMAPPED_SLOT, _REFUSED_SLOT, _BLOCKED_SLOT = 4, 5, 6


def run(stack: StackInfo, console: Console, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """All scenes. 0 when everything came out as published, 1 otherwise.

    The first run uses the worked customers, every later one invents new ones. `patience_seconds`
    is how long one wait may take.
    """
    say = Narrator(console)
    started = time.monotonic()
    try:
        failures = _run(stack, say, patience_seconds)
    except EXPECTED as error:
        problem = told(error)
        say.bad(problem.what)
        if problem.mend:
            say.seen(f"to look: {problem.mend}")
        return 1
    say.chapter("Where to look")
    _where_to_look(stack, say)
    say.seen(f"The demonstration took {time.monotonic() - started:.0f} s.")
    for failure in failures:
        say.bad(failure)
    return 1 if failures else 0


def _run(stack: StackInfo, say: Narrator, patience_seconds: float) -> list[str]:
    today = stack.business_now.date()
    if not FIRST_DAY <= today <= LAST_DAY:
        raise SandboxError(
            f"the deals are dated around {FIRST_DAY}, the stack's business date is {today}",
            f"make clean, then dealthread up --detach --business-date {FIRST_DAY}",
        )
    scenes.open_the_revenue_account(stack.urls.tryton)
    with ExitStack() as held:
        say.does("Products, prices and tax rates in Salesforce and at the biller")
        shop = held.enter_context(open_shop(stack))
        number = next_run(shop.org)
        say.seen(
            f"{shop.prices} prices in Salesforce; {shop.new_at_biller} objects new at the biller"
        )
        say.chapter(f"Demonstration, run {number}, business date {today}")
        stage = Stage(
            say=say,
            desk=shop.desk,
            operator=held.enter_context(ProcessApi(stack, stack.credentials.operator_token)),
            approver=held.enter_context(ProcessApi(stack, stack.credentials.approver_token)),
            billing=BillingBooks(shop.billing),
            tryton=held.enter_context(TrytonReader(stack)),
            entitlements=held.enter_context(Entitlements(stack)),
            customer_success=held.enter_context(CustomerSuccess(stack)),
            org=shop.org,
            tryton_proxy=stack.urls.tryton,
            label=f" run {number}",
            patience_seconds=patience_seconds,
        )
        return _scenes(stage, number, today)


def _scenes(stage: Stage, number: int, today: date) -> list[str]:
    invented = InventedCustomers(number)
    k1, k2, k4 = customers_of(number)
    completed = scenes.straight_and_approved(
        stage, (worked_deals.d2(k2), worked_deals.d1(k1), worked_deals.d4(k4))
    )
    corrected = scenes.unmapped_product(
        stage,
        worked_deals.seats("S1", UNMAPPED, 10, invented.oregonian(_UNMAPPED_SLOT), today),
    )
    scenes.refused_before_the_pivot(
        stage,
        worked_deals.seats("S-BLK", NOT_SALABLE, 5, invented.oregonian(_REFUSED_SLOT), today),
    )
    late = scenes.refused_after_the_pivot(
        stage,
        worked_deals.seats(
            "S9", "SEAT-STD", 20, invented.oregonian(_BLOCKED_SLOT), today, card=True
        ),
    )
    stage.say.chapter("What was billed and booked, read back from Stripe and Tryton")
    billed = [*completed, corrected, late]
    finalise_drafts(stage, billed)
    compare_figures(stage, completed)
    stage.say.chapter("Each first invoice from the biller to the ledger, the CRM, customer success")
    compare_systems(stage, billed)
    return stage.failures


def customers_of(number: int) -> tuple[Customer, Customer, Customer]:
    """For D1, D2 and D4 of a run: the worked ones first, invented ones afterwards."""
    if number == 1:
        return K1, K2, K4
    invented = InventedCustomers(number)
    return invented.texan(1), invented.german(2), invented.new_yorker(3)


def next_run(org: SalesforceOrg) -> int:
    """1 while the worked customers have bought nothing; else one more than the highest so far."""
    rows = org.query("SELECT AccountNumber FROM Account WHERE AccountNumber LIKE 'DEMO-%'")
    runs = [int(found[1]) for row in rows if (found := _RUN.match(str(row["AccountNumber"])))]
    won = org.query(
        "SELECT Id FROM Opportunity WHERE IsWon = true "  # noqa: S608
        f"AND Account.Name = {quoted(K1.name)}"
    )
    return max(runs, default=1 if won else 0) + 1


def _where_to_look(stack: StackInfo, say: Narrator) -> None:
    say.seen(f"Temporal UI      {stack.urls.temporal_ui}")
    say.seen(f"Process API      {stack.urls.bridge}/docs")
    say.seen(f"Everything else  {stack.layout.stack_file}")
    say.seen(f"dealthread is     {Path(sys.executable).with_name('dealthread')}")
    for command, what in (
        ("dealthread list", "all deals"),
        ("dealthread cases list", "what waits for a person"),
        ("dealthread trace <any id>", "deal, subscription, booking, entitlement of one deal"),
        ("make sandbox N=20", "load won deals from CSV files"),
        ("dealthread down", "stop the stack; its data stays"),
    ):
        say.seen(f"{command:<28} {what}")
