"""kill -9 of worker, relay and Temporal server: all deals finish, nothing twice (RS-01, RS-12)."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import httpx
import pytest

from dealthread.sandbox.books import BillingBooks, Entitlements, contracts_in_crm
from dealthread.sandbox.invented import InventedCustomers
from dealthread.sandbox.process import ProcessApi
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.selling import Entered, SalesDesk
from dealthread.sandbox.stripe_catalogue import billing_clients
from dealthread.sandbox.tryton import TrytonReader
from dealthread.sandbox.worked_deals import d2
from dealthread.stack.info import StackInfo
from dealthread.stack.status import status
from tests.e2e.conftest import Programs, until
from tests.e2e.crash_points import PHASES

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.stack,
    pytest.mark.tryton,
    pytest.mark.temporal,
    pytest.mark.slow,
    # The first of these also prepares the whole stack.
    pytest.mark.timeout(1800),
]

STEPS = (
    "erp.erp-customer",
    "erp.booking",
    "billing.billing-customer",
    "billing.subscription",
    "billing.release",
    "entitlement.grant",
    "erp.confirm",
    "crm.write_back",
)

UPSERTS = ("erp.erp-customer", "billing.billing-customer")
"""Writes that look inside the act and bring what exists up to date."""


def _deal(sales: SalesDesk, number: int) -> Entered:
    """A German deal under the review policy: it takes every step there is."""
    return sales.enter(d2(InventedCustomers(1000 + number // 8).german(number % 8)))


def _exactly_one_of_each(stack: StackInfo, deals: list[Entered]) -> None:
    """One of everything a deal leaves, in each system, as the system itself tells."""
    keys = {deal.contract_key for deal in deals}
    with billing_clients(stack) as clients:
        books = BillingBooks(clients)
        agreements = [a for a in books.agreements() if a.contract_key in keys]
        invoices = {a.contract_key: books.invoice_ids(a) for a in agreements}
        payers = books.customers_by_key()
    assert sorted(a.contract_key for a in agreements if a.is_live) == sorted(keys)
    assert len(agreements) == len(deals), "an agreement was made twice"
    assert {key: len(ids) for key, ids in invoices.items()} == dict.fromkeys(keys, 1)
    billed = {key.partition(" ")[2]: ids for key, ids in payers.items()}
    assert {key: len(billed[key]) for key in _customers(deals)} == dict.fromkeys(
        _customers(deals), 1
    )
    with TrytonReader(stack) as erp:
        orders = [row for row in erp.sales() if str(row["party.code"]) in _customers(deals)]
        parties = {key: erp.parties(key) for key in _customers(deals)}
    live = [row for row in orders if row["state"] != "cancelled"]
    assert sorted(str(row["party.code"]) for row in live) == sorted(_customers(deals))
    assert {row["state"] for row in live} <= {"confirmed", "processing", "done"}
    assert [len(rows) for rows in parties.values()] == [1] * len(deals)
    assert all(row["active"] for rows in parties.values() for row in rows)
    org = SalesforceOrg(stack)
    contracts = contracts_in_crm(org)
    org.close()
    assert [len(contracts[deal.deal_id]) for deal in deals] == [1] * len(deals)
    with Entitlements(stack) as entitlements:
        for key in keys:
            held = entitlements.of(key)
            assert held is not None
            assert held["state"] == "active"
            assert _grants(stack, str(held["id"])) == 1, "an entitlement was granted twice"


def _grants(stack: StackInfo, entitlement_id: str) -> int:
    """How often the entitlement service took a grant into effect."""
    page = httpx.get(
        f"{stack.urls.entitlement_direct}/_sim/ledger",
        params={
            "kind": "effects",
            "effect": "^entitlement.granted$",
            "object_id": entitlement_id,
        },
        trust_env=False,
    ).json()
    assert page["dropped"] == 0
    return int(page["matched"])


def _customers(deals: list[Entered]) -> list[str]:
    return [deal.customer_key for deal in deals]


def _all_completed(operator: ProcessApi, deals: list[Entered], seconds: float) -> None:
    rested = operator.wait_for_rest([d.deal_id for d in deals], seconds, lambda _: None)
    words = {
        deal.deal_id: rested[deal.deal_id].in_words for deal in deals if deal.deal_id in rested
    }
    assert [words.get(deal.deal_id) for deal in deals] == ["completed"] * len(deals), words


def test_a_worker_killed_at_every_phase_of_every_write_leaves_exactly_one_of_each(
    stack: StackInfo,
    sales: SalesDesk,
    operator: ProcessApi,
    programs: Programs,
    tmp_path: Path,
) -> None:
    """Before the intent, after it, after the effect, after the result: 4 phases of 8 writes, one
    deal for each point; the journal explains every one."""
    points = [(step, phase) for step in STEPS for phase in PHASES]
    deals = [_deal(sales, number) for number in range(len(points))]
    plan = [
        f"{deal.deal_id}|{step}|{phase}" for deal, (step, phase) in zip(deals, points, strict=True)
    ]
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    used = tmp_path / "used"
    used.mkdir()
    programs.start_ready("dealthread.bridge.relay")
    programs.start(
        "tests.e2e.crash_points",
        str(tmp_path / "plan.json"),
        str(used),
        DEALTHREAD_LEASE_SECONDS="3",
        DEALTHREAD_LATE_EFFECT_SECONDS="1",
    )
    for deal in deals:
        sales.win(deal)
    _all_completed(operator, deals, 300)
    assert len(list(used.iterdir())) == len(points), "a crash point was never reached"
    _exactly_one_of_each(stack, deals)
    for deal, (step, phase) in zip(deals, points, strict=True):
        rows = operator.writes(f"quote-to-cash:{stack.salesforce_org_id}:{deal.deal_id}")
        row = next(r for r in rows if r["step"] == step)
        assert {r["state"] for r in rows} == {"done"}
        if phase == "after_intent":
            # Died between "sent" and the call: looked for, not found, sent a second time.
            assert row["attempts"] >= 2, (step, phase)
        if phase == "after_effect" and step in UPSERTS:
            # The answer died with the process: sent again, and by then it was an update.
            assert row["attempts"] >= 2, (step, phase)
        elif phase == "after_effect":
            # The answer died with the process: the effect was looked for, not made again.
            assert row["how"] == "found", (step, phase)


def test_a_relay_killed_again_and_again_loses_no_message(
    stack: StackInfo, sales: SalesDesk, operator: ProcessApi, programs: Programs
) -> None:
    """EV-10: what the bridge accepted is started once, whenever the relay dies."""
    seed = 20261120
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - instants of kills, not secrets
    deals = [_deal(sales, 100 + number) for number in range(8)]
    programs.start_ready("workers")
    for deal in deals:
        sales.win(deal)
    for round_ in range(4):
        relay = programs.start_ready("dealthread.bridge.relay")
        time.sleep(chance.uniform(0.0, 0.4))
        relay.send_signal(signal.SIGKILL)
        relay.wait(10)
        if round_ == 0:
            _assert_under_way(operator, deals)
    programs.start_ready("dealthread.bridge.relay")
    _all_completed(operator, deals, 120)
    _exactly_one_of_each(stack, deals)


@pytest.mark.usefixtures("office")
def test_a_temporal_server_killed_on_its_files_goes_on_where_it_was(
    stack: StackInfo, sales: SalesDesk, operator: ProcessApi
) -> None:
    """The supervisor starts it again on the same files; worker and relay reconnect."""
    deals = [_deal(sales, 200 + number) for number in range(6)]
    for deal in deals:
        sales.win(deal)
    for round_ in range(2):
        before = _temporal_pid(stack)
        os.kill(before, signal.SIGKILL)
        if round_ == 0:
            _assert_under_way(operator, deals)
        until(lambda was=before: _temporal_pid(stack) not in (0, was), 60, "Temporal is back")
    _all_completed(operator, deals, 180)
    _exactly_one_of_each(stack, deals)


def _assert_under_way(operator: ProcessApi, deals: list[Entered]) -> None:
    """The kill struck while there was something to lose."""
    seen = [operator.standing(deal.deal_id) for deal in deals]
    assert not all(standing is not None and standing.is_resting for standing in seen)


def _temporal_pid(stack: StackInfo) -> int:
    part = next(part for part in status(stack.root) if part.name == "temporal")
    return part.pid if part.state == "healthy" and part.pid else 0
