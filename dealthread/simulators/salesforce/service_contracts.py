"""Rules of the Contract object."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema import Row


def complete_contract(row: Row, old: Row | None) -> None:
    """EndDate is the last day of the term; the status starts as Draft and does not go back."""
    start, term = row.get("StartDate"), row.get("ContractTerm")
    row["EndDate"] = None
    if isinstance(start, str) and isinstance(term, Decimal):
        row["EndDate"] = _last_day(date.fromisoformat(start), int(term)).isoformat()
    if old is None:
        if row.get("Status") not in (None, "Draft"):
            raise SalesforceError(
                "FAILED_ACTIVATION",
                "Choose a valid contract status and save your changes.",
                fields=["Status"],
            )
    elif old["Status"] == "Activated" and row["Status"] != "Activated":
        raise SalesforceError(
            "INVALID_STATUS",
            "An activated contract cannot return to an earlier status.",
            fields=["Status"],
        )


def refuse_deletion_of_active(row: Row) -> None:
    """Activated contracts stay."""
    if row["Status"] == "Activated":
        raise SalesforceError(
            "DELETE_FAILED", "An activated contract cannot be deleted.", fields=[]
        )


def _last_day(start: date, months: int) -> date:
    """The day before the anniversary, in the last month's own length."""
    index = start.month - 1 + months
    year, month = start.year + index // 12, index % 12 + 1
    if not 1 <= year <= 9999:
        raise SalesforceError(
            "NUMBER_OUTSIDE_VALID_RANGE", "the term is too long", fields=["ContractTerm"]
        )
    last = calendar.monthrange(year, month)[1]
    if start.day > last:
        return date(year, month, last)
    return date(year, month, start.day) - timedelta(days=1)
