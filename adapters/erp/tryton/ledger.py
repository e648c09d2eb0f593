"""What every posting looks up first: period, accounts, currencies, journal, customer.

Read anew for each posting, because the ERP owns them: an account may have been closed since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.party import by_key
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.money import Money
from dealthread.errors import ContractDrift, StepRejected
from dealthread.ports.ledger import CUSTOMER_UNKNOWN

PERIOD_CLOSED = "erp.period_closed"
# Types of journals that Tryton's own data files bring.
REVENUE, CASH, GENERAL = "revenue", "cash", "general"


@dataclass(frozen=True)
class Books:
    """One company's books on one day."""

    company: int
    currency: str
    currencies: dict[str, int]
    accounts: dict[str, Row]
    journal: int
    period: int
    day: date

    def account(self, code: str) -> int:
        """Tryton's id of an account; known to exist since the books were opened."""
        return int(self.accounts[code]["id"])

    def is_kept_by_party(self, code: str) -> bool:
        """Whether a line on the account names the customer."""
        return bool(self.accounts[code]["party_required"])

    def is_revenue(self, code: str) -> bool:
        """Whether a line of a customer's invoice may name the account."""
        kind = self.accounts[code]["type."]
        return bool(kind and kind["revenue"])

    def is_own(self, amount: Money) -> bool:
        """Whether the ledger is kept in the amount's currency."""
        return amount.currency == self.currency


async def open_books(
    operation: Operation, day: date, codes: Iterable[str], currencies: Iterable[str], journal: str
) -> Books:
    """Look up everything, or refuse naming what is missing. A closed period is a case of its
    own: the caller decides the posting date, never the adapter."""
    wanted = tuple(dict.fromkeys(codes))
    period, accounts, own, rows, journals = await asyncio.gather(
        _period(operation, day),
        operation.rows(
            "account.account",
            [["code", "in", list(wanted)], ["company", "=", operation.context["company"]]],
            ["code", "closed", "party_required", "type.revenue"],
        ),
        ledger_currency(operation),
        operation.rows("currency.currency", [["code", "in", sorted(set(currencies))]], ["code"]),
        operation.rows(
            "account.journal", [["type", "=", journal]], ["type"], order=[["id", "DESC"]]
        ),
    )
    found = {row["code"]: row for row in accounts}
    for code in wanted:
        if code not in found:
            raise _refused("account_unknown", "account", code)
        if found[code]["closed"]:
            raise _refused("account_closed", "account", code)
    known = {row["code"]: int(row["id"]) for row in rows}
    for code in currencies:
        if code not in known:
            raise _refused("currency_unknown", "currency", code)
    if not journals:
        raise _refused("journal_missing", "journal", journal)
    return Books(
        company=operation.context["company"],
        currency=own,
        currencies=known,
        accounts=found,
        # Of the two general journals the younger one is "Miscellaneous", the older one stock's.
        journal=int(journals[0]["id"]),
        period=period,
        day=day,
    )


async def ledger_currency(operation: Operation) -> str:
    """Currency in which the company's ledger is kept."""
    domain = [["id", "=", operation.context["company"]]]
    rows = await operation.rows("company.company", domain, ["currency.code"])
    if not rows:
        raise ContractDrift("company_not_readable")
    return str(rows[0]["currency."]["code"])


async def _period(operation: Operation, day: date) -> int:
    rows = await operation.rows(
        "account.period",
        [
            ["company", "=", operation.context["company"]],
            ["start_date", "<=", day],
            ["end_date", ">=", day],
            ["type", "=", "standard"],
        ],
        ["name", "state", "fiscalyear.state"],
    )
    for row in rows:
        if row["state"] == "open" and row["fiscalyear."]["state"] == "open":
            return int(row["id"])
    raise StepRejected(
        "period_closed" if rows else "period_missing",
        case_kind=PERIOD_CLOSED,
        field="posting_date",
        posting_date=day.isoformat(),
    )


async def customer(operation: Operation, customer_key: str) -> Row:
    """The party with its first address, by our key."""
    rows = await operation.rows(
        "party.party", by_key(customer_key), ["code", "addresses"], active_test=False
    )
    if not rows:
        raise StepRejected(
            CUSTOMER_UNKNOWN,
            case_kind="customer.sync_failed",
            field="customer_key",
            customer_key=customer_key,
        )
    return rows[0]


def _refused(code: str, field: str, value: str) -> StepRejected:
    return StepRejected(code, case_kind=ERP_REJECTED, field=field, value=value)
