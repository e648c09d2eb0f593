"""Routes a REST call to its resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dealthread.simulators.salesforce.errors import not_found, not_simulated
from dealthread.simulators.salesforce.ids import is_record_id
from dealthread.simulators.salesforce.rest.batch import BatchApi
from dealthread.simulators.salesforce.rest.collections import CollectionApi
from dealthread.simulators.salesforce.rest.composite import CompositeApi
from dealthread.simulators.salesforce.rest.composite_parts import PartRunner
from dealthread.simulators.salesforce.rest.conditional import (
    NotModified,
    check_description,
    is_conditional,
    not_modified,
    refuse_conditions,
)
from dealthread.simulators.salesforce.rest.describe import (
    basic_describe,
    describe,
    global_describe,
)
from dealthread.simulators.salesforce.rest.graph import GraphApi
from dealthread.simulators.salesforce.rest.query import QueryApi
from dealthread.simulators.salesforce.rest.replication import ReplicationApi
from dealthread.simulators.salesforce.rest.request import (
    RestAnswer,
    RestRequest,
    method_not_allowed,
)
from dealthread.simulators.salesforce.rest.rows import RowApi
from dealthread.simulators.salesforce.rest.tree import TreeApi

if TYPE_CHECKING:
    from dealthread.simulators.salesforce.org import Org

_RESOURCES = ("composite", "limits", "query", "queryAll", "sobjects")


class RestApi:
    """Everything below `/services/data/vNN.0`."""

    def __init__(self, org: Org) -> None:
        self._org = org
        schema = org.store.schema
        self._schema = schema
        self._rows = RowApi(schema, org.dml)
        self._queries = QueryApi(org.store, org.clock, org.config.query_page_size)
        self._collections = CollectionApi(schema, org.store, org.dml, self._rows, org.faults)
        runner = PartRunner(org.faults, self.handle)
        self._composite = CompositeApi(org.store, runner)
        self._graphs = GraphApi(org.store, runner)
        self._batches = BatchApi(self.handle, org.count_request)
        self._trees = TreeApi(schema, org.store, org.dml, self._rows)
        self._replication = ReplicationApi(org.store, org.clock)
        self._schema_changed_at = org.clock.now()

    def clear(self) -> None:
        """Forget open cursors."""
        self._queries.clear()

    def is_read_only_composite(self, request: RestRequest) -> bool:
        """Whether the call is a composite request that only reads."""
        return request.segments == ("composite",) and self._composite.is_read_only(request)

    def handle(self, request: RestRequest) -> RestAnswer:
        """Answer one call. Raises SalesforceError."""
        if not is_conditional(request):
            return self._handle(request)
        try:
            return self._handle(request)
        except NotModified as exc:
            return not_modified(exc)

    def _handle(self, request: RestRequest) -> RestAnswer:
        segments = request.segments
        if segments[:1] != ("sobjects",):
            refuse_conditions(request)
        if not segments:
            return RestAnswer(200, {name: f"{request.base}/{name}" for name in _RESOURCES})
        resource = segments[0]
        if resource == "sobjects":
            return self._sobjects(request)
        if resource in ("query", "queryAll") and len(segments) <= 2:
            return self._queries.handle(request)
        if resource == "composite":
            return self._composites(request)
        if resource == "limits" and len(segments) == 1:
            if request.method != "GET":
                raise method_not_allowed(request, "GET", "HEAD")
            return RestAnswer(200, self._limits())
        raise not_simulated(f"the resource {resource}")

    def _sobjects(self, request: RestRequest) -> RestAnswer:
        rest = request.segments[1:]
        is_read = request.method in ("GET", "HEAD")
        if not rest:
            if not is_read:
                raise method_not_allowed(request, "GET", "HEAD")
            check_description(request, self._schema_changed_at)
            return RestAnswer(200, global_describe(self._schema, request.base))
        sobject = self._rows.sobject(rest[0])
        if len(rest) == 1:
            refuse_conditions(request)
            if request.method == "POST":
                return self._rows.create(request, sobject)
            if not is_read:
                raise method_not_allowed(request, "GET", "HEAD", "POST")
            return RestAnswer(200, basic_describe(sobject, request.base))
        if len(rest) == 2 and rest[1] == "describe":
            if not is_read:
                raise method_not_allowed(request, "GET", "HEAD")
            check_description(request, self._schema_changed_at)
            return RestAnswer(200, describe(self._schema, sobject, request.base))
        if len(rest) == 2 and rest[1] in ("updated", "deleted"):
            refuse_conditions(request)
            return self._replication.handle(request, sobject, rest[1])
        if len(rest) == 2 and rest[1] in ("listviews", "quickActions"):
            raise not_simulated(f"the resource {rest[1]}")
        if len(rest) == 2:
            return self._rows.by_id(request, sobject, rest[1])
        if len(rest) == 3:
            refuse_conditions(request)
            if is_record_id(rest[1]):
                raise not_simulated("rows by their relationships; use a query")
            return self._rows.by_external_id(request, sobject, rest[1], rest[2])
        raise not_found()

    def _composites(self, request: RestRequest) -> RestAnswer:
        rest = request.segments[1:]
        if not rest:
            if request.method != "POST":
                raise method_not_allowed(request, "POST")
            return self._composite.handle(request)
        if rest[0] == "sobjects":
            return self._collections.handle(request)
        if rest[0] == "tree":
            return self._trees.handle(request)
        if rest in (("graph",), ("batch",)):
            if request.method != "POST":
                raise method_not_allowed(request, "POST")
            one = self._graphs if rest == ("graph",) else self._batches
            return one.handle(request)
        raise not_simulated(f"the resource composite/{rest[0]}")

    def _limits(self) -> dict[str, Any]:
        limit = self._org.config.daily_request_limit
        return {"DailyApiRequests": {"Max": limit, "Remaining": limit - self._org.requests_used}}
