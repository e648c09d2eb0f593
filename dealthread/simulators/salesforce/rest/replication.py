"""`/sobjects/{object}/updated` and `/deleted`: ids of what changed in a span of time.

REST guide, "sObject Get Updated" and "sObject Get Deleted": spans ignore seconds; updates are told
for 30 days back, deletions for 15. SOAP guide, "getUpdated()": a span that does not begin before it
ends, or begins too early, is INVALID_REPLICATION_DATE.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.rest.request import (
    RestAnswer,
    RestRequest,
    method_not_allowed,
)
from dealthread.simulators.salesforce.schema.model import Row, SObject
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import instant_text, parse_instant

REACH = {"updated": timedelta(days=30), "deleted": timedelta(days=15)}


class ReplicationApi:
    """Answers which rows were changed or deleted."""

    def __init__(self, store: Store, clock: SimClock) -> None:
        self._store = store
        self._clock = clock

    def handle(self, request: RestRequest, sobject: SObject, resource: str) -> RestAnswer:
        """GET with `start` and `end`; the span holds its start and not its end."""
        if request.method != "GET":
            raise method_not_allowed(request, "GET", "HEAD")
        now = self._clock.now()
        start, end = _minute(request, "start"), _minute(request, "end")
        if start >= end:
            raise _bad_date("start must lie before end")
        if start < now - REACH[resource]:
            raise _bad_date(f"start lies more than {REACH[resource].days} days back")
        covered = min(end, now.replace(second=0, microsecond=0))
        low, high = instant_text(start), instant_text(end)
        rows = [
            row
            for row in self._store.rows(sobject.name)
            if low <= str(row["SystemModstamp"]) < high
            and bool(row["IsDeleted"]) is (resource == "deleted")
        ]
        latest = instant_text(covered)
        if resource == "updated":
            return RestAnswer(
                200, {"ids": [str(row["Id"]) for row in rows], "latestDateCovered": latest}
            )
        return RestAnswer(
            200,
            {
                "deletedRecords": [_deletion(row) for row in rows],
                # Nothing is ever purged here: what the reach allows is there.
                "earliestDateAvailable": instant_text(now - REACH["deleted"]),
                "latestDateCovered": latest,
            },
        )


def _deletion(row: Row) -> dict[str, str]:
    return {"id": str(row["Id"]), "deletedDate": str(row["SystemModstamp"])}


def _minute(request: RestRequest, name: str) -> datetime:
    text = request.query.get(name, "")
    if not text:
        raise SalesforceError("MISSING_ARGUMENT", f"{name} is needed")
    return parse_instant(text).replace(second=0, microsecond=0)


def _bad_date(message: str) -> SalesforceError:
    return SalesforceError("INVALID_REPLICATION_DATE", message)
