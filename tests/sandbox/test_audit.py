"""The audit of a load finds what is missing, what is twice and what should not be there (SN-2)."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from dealthread.naming import erp_document_key
from dealthread.sandbox.audit import Audit, Systems, audit, fate_of
from dealthread.sandbox.books import Agreement
from dealthread.sandbox.dataset import read_dataset, select
from dealthread.sandbox.expectation import expected
from dealthread.sandbox.load import show
from dealthread.sandbox.loading import LoadedRow
from dealthread.sandbox.process import Standing

CRM_FOLDER = Path(__file__).resolve().parents[1] / "data" / "crm"
LIMIT = 20
START = datetime(2026, 3, 15, 9, tzinfo=UTC)


@dataclass
class FakeSystems:
    """Every system's answers, right until a test spoils one."""

    contracts: list[dict[str, str]] = field(default_factory=list)
    agreements_held: list[Agreement] = field(default_factory=list)
    sales_held: list[dict[str, Any]] = field(default_factory=list)
    entitled: dict[str, str] = field(default_factory=dict)
    customers: dict[str, list[str]] = field(default_factory=dict)
    accounts: list[dict[str, str]] = field(default_factory=list)

    def query(self, soql: str) -> list[dict[str, str]]:
        return self.contracts if "FROM Contract" in soql else self.accounts

    def agreements(self) -> list[Agreement]:
        return self.agreements_held

    def customers_by_key(self) -> dict[str, list[str]]:
        return self.customers

    def sales(self, domain: object = ()) -> list[dict[str, Any]]:
        return self.sales_held

    def of(self, contract_key: str) -> dict[str, str] | None:
        state = self.entitled.get(contract_key)
        return {"id": f"ent_{contract_key}", "state": state} if state else None

    def as_systems(self) -> Systems:
        fake = cast("Any", self)
        return Systems(org=fake, billing=fake, tryton=fake, entitlements=fake)


@dataclass
class World:
    """A load in which everything came out."""

    loaded: list[LoadedRow]
    standings: dict[str, Standing]
    systems: FakeSystems

    def audit(self) -> Audit:
        expectation = expected(CRM_FOLDER, LIMIT)
        return audit(self.systems.as_systems(), self.loaded, self.standings, expectation)


def _standing(one: LoadedRow, **values: Any) -> Standing:
    plain = Standing(
        deal_id=one.deal_id,
        business_key=f"quote-to-cash:org:{one.deal_id}",
        contract_key=one.contract_key,
        stage="",
        outcome="",
        case_id="",
        case_kind="",
        created_at=START,
        ended_at=None,
    )
    return replace(plain, **values)


@pytest.fixture
def world() -> World:
    """Each completed row has one document everywhere; the others have none."""
    fates = expected(CRM_FOLDER, LIMIT).fate
    rows = select(read_dataset(CRM_FOLDER), LIMIT)
    loaded = [LoadedRow(row, f"006{at:03d}", f"C-{at:03d}", False) for at, row in enumerate(rows)]
    cases = {"unmapped": "catalogue.unmapped", "without account": "customer.data_missing"}
    standings: dict[str, Standing] = {}
    systems = FakeSystems(accounts=[{"Id": "1", "Name": "A"}], customers={"acct A-1": ["cus_1"]})
    for at, one in enumerate(loaded):
        kind = cases.get(fates[one.row.number])
        if kind:
            standings[one.deal_id] = _standing(one, case_id="CASE-1", case_kind=kind)
            continue
        ended = START + timedelta(seconds=at + 1)
        outcome = "scheduled" if at % 5 == 0 else "completed"
        standings[one.deal_id] = _standing(one, outcome=outcome, ended_at=ended)
        systems.contracts.append({"Id": f"800{at}", "Dealthread_Opportunity__c": one.deal_id})
        systems.agreements_held.append(
            Agreement(f"sub_{at}", "acct", one.contract_key, "active", f"sub_{at}")
        )
        systems.sales_held.append(
            {
                "reference": erp_document_key("default", "US01", "booking", one.deal_id, 1),
                "number": str(at),
                "untaxed_amount": one.row.value,
                "total_amount": one.row.value,
            }
        )
        systems.entitled[one.contract_key] = "active"
    return World(loaded, standings, systems)


def test_a_load_that_came_out_has_no_mismatch(world: World) -> None:
    report = world.audit()
    assert report.mismatches == []
    assert report.counts == [("completed", 17, 17), ("unmapped", 3, 3), ("without account", 1, 1)]
    assert [(row.found, row.duplicates) for row in report.systems[:4]] == [(17, 0)] * 4
    assert report.net_booked == report.net_expected == Decimal(48370)
    assert report.active + report.scheduled == 17


def test_a_document_that_is_missing_is_named(world: World) -> None:
    gone = world.systems.sales_held.pop()
    assert any("0 × Tryton order (none), expected 1" in line for line in world.audit().mismatches)
    assert world.audit().net_booked == Decimal(48370) - gone["untaxed_amount"]


def test_a_document_that_is_twice_is_named(world: World) -> None:
    world.systems.contracts.append({**world.systems.contracts[0], "Id": "800X"})
    report = world.audit()
    assert report.systems[0].duplicates == 1
    assert any("2 × Salesforce contract (8000, 800X)" in line for line in report.mismatches)


def test_a_duplicate_of_another_load_counts_as_well(world: World) -> None:
    """Zero duplicates in any system, not only among the rows of this load."""
    world.systems.agreements_held += [
        Agreement(name, "acct", "C-ELSEWHERE", "active", name) for name in ("sub_x", "sub_y")
    ]
    assert world.audit().mismatches == ["Stripe subscription: 1 duplicates in the system"]


def test_an_ended_agreement_is_no_second_one(world: World) -> None:
    first = world.systems.agreements_held[0]
    world.systems.agreements_held.append(replace(first, native_id="sub_old", status="canceled"))
    assert world.audit().mismatches == []


def test_a_stopped_deal_must_have_left_nothing(world: World) -> None:
    stopped = next(
        one for one in world.loaded if world.standings[one.deal_id].case_kind.startswith("cat")
    )
    world.systems.entitled[stopped.contract_key] = "active"
    (line,) = world.audit().mismatches
    assert "1 × entitlement" in line
    assert line.endswith("expected 0")


def test_a_deal_that_stands_elsewhere_than_expected_is_named(world: World) -> None:
    one = world.loaded[0]
    world.standings[one.deal_id] = _standing(
        one, stage="stuck: confirm", case_id="CASE-9", case_kind="erp.rejected"
    )
    report = world.audit()
    assert any("case CASE-9 erp.rejected, expected completed" in row for row in report.mismatches)
    assert report.counts[0] == ("completed", 17, 16)


def test_a_customer_that_is_twice_is_named(world: World) -> None:
    world.systems.customers["acct A-1"].append("cus_2")
    world.systems.accounts.append({"Id": "2", "Name": "A"})
    lines = world.audit().mismatches
    assert any("A-1: 2 records at the biller (cus_1, cus_2)" in line for line in lines)
    assert any("account A: 2 records in Salesforce" in line for line in lines)


def test_a_deal_without_run_is_told(world: World) -> None:
    assert fate_of(None) == "no run"
    del world.standings[world.loaded[0].deal_id]
    assert any("no run, expected completed" in line for line in world.audit().mismatches)


def test_percentiles_are_by_nearest_rank() -> None:
    report = Audit(seconds=[float(second) for second in range(1, 21)])
    assert (report.percentile(50), report.percentile(95), report.percentile(100)) == (10, 19, 20)
    assert Audit().percentile(95) == 0


def test_the_report_prints_counts_durations_and_every_mismatch(world: World) -> None:
    world.systems.contracts.pop()
    out = io.StringIO()
    report = world.audit()
    show(report, Console(file=out, width=120), len(world.loaded), len(world.loaded), 10.0)
    text = out.getvalue()
    assert "p50" in text
    assert "1 mismatches" in text
    assert all(line in text for line in report.mismatches)
