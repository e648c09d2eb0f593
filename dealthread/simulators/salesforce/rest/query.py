"""`/query`, `/queryAll` and the pages that follow."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated
from dealthread.simulators.salesforce.ids import make_id
from dealthread.simulators.salesforce.rest.request import (
    RestAnswer,
    RestRequest,
    method_not_allowed,
)
from dealthread.simulators.salesforce.soql.runner import SoqlRunner
from dealthread.simulators.salesforce.store import INSTANCE, Store

MAX_CURSORS = 10
"""Open cursors of a user; the oldest is given up."""
SMALLEST_BATCH = 200
_OPTION = re.compile(r"\s*batchSize\s*=\s*(\d+)\s*", re.IGNORECASE)


class QueryApi:
    """Runs queries and keeps the rest of long answers, as of the moment of the query."""

    def __init__(self, store: Store, clock: SimClock, page_size: int) -> None:
        self._store = store
        self._clock = clock
        self._page_size = page_size
        self._cursors: OrderedDict[str, tuple[int, list[dict[str, Any]]]] = OrderedDict()
        self._numbers = 0

    def clear(self) -> None:
        """Forget the open cursors."""
        self._cursors.clear()

    def handle(self, request: RestRequest) -> RestAnswer:
        """GET /query?q=…, /queryAll?q=…, /query/{locator}."""
        if request.method != "GET":
            raise method_not_allowed(request, "GET", "HEAD")
        if len(request.segments) == 2:
            return self._more(request, request.segments[1])
        if "explain" in request.query:
            raise not_simulated("the plan of a query")
        text = request.query.get("q", "").strip()
        if not text:
            raise SalesforceError("MALFORMED_QUERY", "the query is empty")
        runner = SoqlRunner(
            self._store,
            base=request.base,
            today=self._clock.today(),
            with_deleted=request.segments[0] == "queryAll",
        )
        found = runner.run(text)
        records, size = found.records, self._batch_size(request)
        if found.is_whole or len(records) <= size:
            return RestAnswer(200, {"totalSize": found.total, "done": True, "records": records})
        self._numbers += 1
        cursor = make_id("01g", INSTANCE, self._numbers)
        self._cursors[cursor] = (size, records)
        while len(self._cursors) > MAX_CURSORS:
            self._cursors.popitem(last=False)
        return self._page(request, cursor, 0)

    def _more(self, request: RestRequest, locator: str) -> RestAnswer:
        cursor, _, start = locator.partition("-")
        if cursor not in self._cursors or not start.isdigit():
            raise SalesforceError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, cursor, int(start))

    def _page(self, request: RestRequest, cursor: str, start: int) -> RestAnswer:
        size, records = self._cursors[cursor]
        end = start + size
        body: dict[str, Any] = {"totalSize": len(records), "done": end >= len(records)}
        if end < len(records):
            body["nextRecordsUrl"] = f"{request.base}/query/{cursor}-{end}"
        body["records"] = records[start:end]
        return RestAnswer(200, body)

    def _batch_size(self, request: RestRequest) -> int:
        """`Sforce-Query-Options: batchSize=n` is a wish between 200 and 2,000."""
        match = _OPTION.fullmatch(request.headers.get("sforce-query-options", ""))
        if match is None:
            return self._page_size
        return min(max(int(match.group(1)), SMALLEST_BATCH), self._page_size)
