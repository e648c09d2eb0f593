"""After a load: what every system holds of it, compared with what the files say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from dealthread.naming import erp_document_key
from dealthread.sandbox.books import (
    BillingBooks,
    Entitlements,
    contracts_in_crm,
    grouped,
    live_sales,
)
from dealthread.sandbox.dataset import SELLER
from dealthread.sandbox.expectation import COMPLETED, UNMAPPED, WITHOUT_ACCOUNT, Expectation
from dealthread.sandbox.loading import LoadedRow
from dealthread.sandbox.process import Standing
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.tryton import TrytonReader

FATES = (COMPLETED, UNMAPPED, WITHOUT_ACCOUNT)
_DONE = ("completed", "scheduled")
_CASES = {"catalogue.unmapped": UNMAPPED, "customer.data_missing": WITHOUT_ACCOUNT}
_TENANT = "default"
_ENDED_ENTITLEMENTS = ("revoked", "ended")


@dataclass
class SystemCount:
    """Documents of the load in one system."""

    system: str
    expected: int | None
    found: int = 0
    duplicates: int = 0
    """Beyond the first of a deal, in the whole system and not only in this load."""


@dataclass
class Audit:
    """The report as data."""

    counts: list[tuple[str, int, int]] = field(default_factory=list)
    """(fate, expected, observed)."""
    active: int = 0
    scheduled: int = 0
    systems: list[SystemCount] = field(default_factory=list)
    net_expected: Decimal = Decimal(0)
    net_booked: Decimal = Decimal(0)
    seconds: list[float] = field(default_factory=list)
    """Of each completed run, from its message to its end; sorted."""
    mismatches: list[str] = field(default_factory=list)

    def percentile(self, share: int) -> float:
        """Nearest rank; 0 when nothing completed."""
        if not self.seconds:
            return 0.0
        rank = max(1, -(-len(self.seconds) * share // 100))
        return self.seconds[rank - 1]


@dataclass
class Systems:
    """Where the audit looks."""

    org: SalesforceOrg
    billing: BillingBooks
    tryton: TrytonReader
    entitlements: Entitlements


def audit(
    systems: Systems,
    loaded: Sequence[LoadedRow],
    standings: dict[str, Standing],
    expectation: Expectation,
) -> Audit:
    """Compare row by row, then system by system."""
    report = Audit()
    observed = _outcomes(report, loaded, standings, expectation)
    completed = {one.deal_id for one in loaded if observed[one.row.number] == COMPLETED}
    wanted = expectation.count(COMPLETED)
    _per_system(report, systems, loaded, completed, wanted)
    report.net_expected = expectation.completed_net
    if report.net_booked != report.net_expected:
        report.mismatches.append(
            f"net booked in Tryton {report.net_booked}, the files say {report.net_expected}"
        )
    return report


def fate_of(seen: Standing | None) -> str:
    """What came of a deal, in the words of the expectation where there is one."""
    if seen is None:
        return "no run"
    if seen.outcome in _DONE:
        return COMPLETED
    return _CASES.get(seen.case_kind) or seen.in_words


def _outcomes(
    report: Audit,
    loaded: Sequence[LoadedRow],
    standings: dict[str, Standing],
    expectation: Expectation,
) -> dict[str, str]:
    observed: dict[str, str] = {}
    for one in loaded:
        seen = standings.get(one.deal_id)
        fate = observed[one.row.number] = fate_of(seen)
        wanted = expectation.fate.get(one.row.number, "not to be loaded")
        if fate != wanted:
            report.mismatches.append(f"{one.row.name} ({one.deal_id}): {fate}, expected {wanted}")
        if seen is not None and seen.outcome in _DONE:
            report.active += seen.outcome == "completed"
            report.scheduled += seen.outcome == "scheduled"
            if seen.ended_at is not None:
                report.seconds.append((seen.ended_at - seen.created_at).total_seconds())
    report.seconds.sort()
    report.mismatches += [
        f"{number}: expected {fate}, not loaded"
        for number, fate in expectation.fate.items()
        if number not in observed
    ]
    found = list(observed.values())
    report.counts = [(fate, expectation.count(fate), found.count(fate)) for fate in FATES]
    return observed


def _per_system(
    report: Audit,
    systems: Systems,
    loaded: Sequence[LoadedRow],
    completed: set[str],
    wanted: int,
) -> None:
    agreements = [row for row in systems.billing.agreements() if row.is_live]
    sales = live_sales(systems.tryton)
    net = {row["reference"]: row["untaxed_amount"] for row in sales}
    document = {
        one.deal_id: erp_document_key(_TENANT, SELLER, "booking", one.deal_id, 1) for one in loaded
    }
    by_deal = {one.deal_id: one.deal_id for one in loaded}
    by_contract = {one.deal_id: one.contract_key for one in loaded}
    books: tuple[tuple[str, dict[str, list[str]], dict[str, str]], ...] = (
        # System, its documents by key, and the key of a deal there.
        ("Salesforce contract", contracts_in_crm(systems.org), by_deal),
        (
            "Stripe subscription",
            grouped((row.contract_key, row.native_id) for row in agreements),
            by_contract,
        ),
        (
            "Tryton order",
            grouped((str(row["reference"]), str(row["number"])) for row in sales),
            document,
        ),
        ("entitlement", _entitlements(systems.entitlements, loaded), by_contract),
    )
    for name, held, key_of in books:
        count = SystemCount(name, wanted)
        count.duplicates = sum(len(rows) - 1 for key, rows in held.items() if key)
        for one in loaded:
            rows = held.get(key_of[one.deal_id], [])
            count.found += bool(rows)
            right = 1 if one.deal_id in completed else 0
            if len(rows) != right:
                report.mismatches.append(
                    f"{one.row.name} ({one.deal_id}): {len(rows)} × {name} "
                    f"({', '.join(rows) or 'none'}), expected {right}"
                )
        report.systems.append(count)
        if count.duplicates:
            report.mismatches.append(f"{name}: {count.duplicates} duplicates in the system")
    _customers(report, systems)
    report.net_booked = sum(
        (net[document[deal]] for deal in completed if document[deal] in net), Decimal(0)
    )


def _entitlements(service: Entitlements, loaded: Sequence[LoadedRow]) -> dict[str, list[str]]:
    found = ((one.contract_key, service.of(one.contract_key)) for one in loaded)
    return {
        key: [str(row["id"])]
        for key, row in found
        if row is not None and row["state"] not in _ENDED_ENTITLEMENTS
    }


def _customers(report: Audit, systems: Systems) -> None:
    """One customer at the biller for each account of the CRM, whatever the number of deals."""
    held = systems.billing.customers_by_key()
    twice = {key: ids for key, ids in held.items() if len(ids) > 1}
    count = SystemCount("Stripe customer, all", None, len(held))
    count.duplicates = sum(len(ids) - 1 for ids in twice.values())
    report.systems.append(count)
    report.mismatches += [
        f"customer {key}: {len(ids)} records at the biller ({', '.join(ids)})"
        for key, ids in twice.items()
    ]
    rows = systems.org.query("SELECT Id, Name FROM Account")
    accounts = grouped((str(row["Name"]), str(row["Id"])) for row in rows)
    report.mismatches += [
        f"account {name}: {len(ids)} records in Salesforce ({', '.join(ids)})"
        for name, ids in accounts.items()
        if len(ids) > 1
    ]
