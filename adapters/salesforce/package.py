"""What the org's administrator has installed and allowed, as the describe of Contract tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.salesforce.client import AnswerLost, CallFailed, SalesforceClient
from adapters.salesforce.errors import read_error
from adapters.salesforce.record import drift
from dealthread.errors import VendorUnavailable

FORECAST_FIELD = "SBQQ__RenewalForecast__c"
"""Of the CPQ package. A user who may not see the field finds no CPQ, as if it were not there."""


@dataclass(frozen=True)
class Package:
    """What is asked once for each process."""

    has_cpq: bool
    can_write_end: bool
    """Whether the contract's standard end is entered, not worked out from start and term."""


def read_package(client: SalesforceClient) -> Package:
    """Blocking, one call. Raises transport errors and ContractDrift."""
    try:
        body = client.get("describe_contract", "sobjects/Contract/describe")
    except CallFailed as failure:
        raise read_error(failure.error) from None
    except AnswerLost as lost:
        raise VendorUnavailable(lost.code) from None
    fields = _fields(body)
    end = fields.get("EndDate", {})
    return Package(has_cpq=FORECAST_FIELD in fields, can_write_end=end.get("updateable") is True)


def _fields(body: Any) -> dict[str, dict[str, Any]]:
    rows = body.get("fields") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise drift("Contract.describe.fields")
    return {str(row.get("name")): row for row in rows}
