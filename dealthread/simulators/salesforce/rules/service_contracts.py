"""Rules of the Contract object (Object reference, "Contract", usage)."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.rules.save import Rules, Save, refuse_other_changes
from dealthread.simulators.salesforce.schema.model import Value

STATUS_CODES = {"Draft": "Draft", "In Approval Process": "InApproval", "Activated": "Activated"}


class ContractRules(Rules):
    """EndDate is the last day of the term; the status starts as Draft and does not go back."""

    def __init__(self, *, calculates_end: bool) -> None:
        self._calculates_end = calculates_end
        """The org's setting "Auto-calculate Contract End Date"."""

    def before_save(self, save: Save) -> None:
        """Derive and check."""
        row, old = save.row, save.old
        if self._calculates_end:
            row["EndDate"] = end_of_term(row.get("StartDate"), row.get("ContractTerm"))
        row["StatusCode"] = STATUS_CODES.get(str(row.get("Status")))
        if old is None:
            if row.get("Status") not in (None, "Draft"):
                raise SalesforceError(
                    "FAILED_ACTIVATION",
                    "Choose a valid contract status and save your changes.",
                    fields=["Status"],
                )
            return
        if old["Status"] == "Activated" and row["Status"] != "Activated":
            raise SalesforceError(
                "INVALID_STATUS",
                "An activated contract cannot return to an earlier status.",
                fields=["Status"],
            )
        if row["StatusCode"] == "Activated" and old["Status"] != "Activated":
            refuse_other_changes(save)
            row["ActivatedDate"], row["ActivatedById"] = save.now, old["LastModifiedById"]

    def before_delete(self, save: Save) -> None:
        """Activated contracts stay."""
        if save.row["Status"] == "Activated":
            raise SalesforceError(
                "DELETE_FAILED", "An activated contract cannot be deleted.", fields=[]
            )


def end_of_term(start: Value, months: Value) -> str | None:
    """The last day of a term: the day before the anniversary, in the last month's own length."""
    if not isinstance(start, str) or not isinstance(months, Decimal):
        return None
    first = date.fromisoformat(start)
    index = first.month - 1 + int(months)
    year, month = first.year + index // 12, index % 12 + 1
    if not 1 <= year <= 9999:
        raise SalesforceError(
            "NUMBER_OUTSIDE_VALID_RANGE", "the term is too long", fields=["ContractTerm"]
        )
    last = calendar.monthrange(year, month)[1]
    if first.day > last:
        return date(year, month, last).isoformat()
    return (date(year, month, first.day) - timedelta(days=1)).isoformat()
