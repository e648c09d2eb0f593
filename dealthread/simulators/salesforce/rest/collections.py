"""`/composite/sobjects`: up to 200 rows in one call, each with its own result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dealthread.simulators.kit.faults import FaultSwitch, RequestView
from dealthread.simulators.salesforce.dml import Dml
from dealthread.simulators.salesforce.errors import (
    MultipleChoices,
    SalesforceError,
    SalesforceVendorErrors,
    not_simulated,
    parser_error,
)
from dealthread.simulators.salesforce.ids import MalformedId, to_18
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.rest.rendering import whole_row
from dealthread.simulators.salesforce.rest.request import (
    RestAnswer,
    RestRequest,
    method_not_allowed,
)
from dealthread.simulators.salesforce.rest.rows import RowApi, request_options
from dealthread.simulators.salesforce.rules.rule_checks import DuplicateOptions
from dealthread.simulators.salesforce.schema.model import Field, Row, Schema, SObject
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import coerce

MAX_RECORDS = 200
"""REST guide, "sObject Collections"."""
MAX_RETRIEVED = 2000

Work = Callable[[], dict[str, Any]]


class _OneFailed(Exception):
    """Takes the results out of the transaction that is rolled back."""


class CollectionApi:
    """Create, update, upsert and delete of many rows."""

    def __init__(
        self, schema: Schema, store: Store, dml: Dml, rows: RowApi, faults: FaultSwitch
    ) -> None:
        self._schema = schema
        self._store = store
        self._dml = dml
        self._rows = rows
        self._faults = faults
        self._errors = SalesforceVendorErrors()

    def handle(self, request: RestRequest) -> RestAnswer:
        """One call."""
        rest = request.segments[2:]
        if request.method == "DELETE" and not rest:
            ids = [one for one in request.query.get("ids", "").split(",") if one]
            if not ids:
                raise SalesforceError("MISSING_ARGUMENT", "ids are needed")
            deletions: list[tuple[Any, Work]] = [(one, self._deletion(one)) for one in ids]
            return self._run(request, deletions, request.flag("allOrNone"))
        if len(rest) == 1:
            return self._retrieve(request, self._rows.sobject(rest[0]))
        records, all_or_none = _records(request.json())
        options = request_options(request)
        work: list[tuple[Any, Work]]
        if request.method == "POST" and not rest:
            work = [(one, self._creation(one, options)) for one in records]
            return self._run(request, work, all_or_none)
        if request.method == "PATCH" and not rest:
            work = [(one, self._change(one, options)) for one in records]
            return self._run(request, work, all_or_none)
        if request.method == "PATCH" and len(rest) == 2:
            sobject = self._rows.sobject(rest[0])
            key = self._rows.key_field(sobject, rest[1])
            if key.name == "Id":
                raise not_simulated("an upsert of several rows by Id")
            work = [(one, self._upsertion(sobject, key, one, options)) for one in records]
            return self._run(request, work, all_or_none)
        raise method_not_allowed(request, "DELETE", "PATCH", "POST")

    def _run(
        self, request: RestRequest, work: list[tuple[Any, Work]], all_or_none: bool
    ) -> RestAnswer:
        if len(work) > MAX_RECORDS:
            raise SalesforceError(
                "EXCEEDED_ID_LIMIT",
                f"record limit reached. cannot submit more than {MAX_RECORDS}"
                " records in this request",
            )
        must_all = all_or_none or request.must_be_all_or_none
        results: list[dict[str, Any]] = []
        try:
            with self._store.transaction():
                results = [self._result(request, record, one) for record, one in work]
                if must_all and any(not one["success"] for one in results):
                    raise _OneFailed
        except _OneFailed:
            results = [_rolled_back() if one["success"] else one for one in results]
        has_failed = any(not one["success"] for one in results)
        return RestAnswer(200, results, has_failed=has_failed)

    def _result(self, request: RestRequest, record: Any, work: Work) -> dict[str, Any]:
        try:
            if not self._faults.is_empty:
                path = f"{request.base}/{'/'.join(request.segments)}"
                view = RequestView(request.method, path, dumps(record))
                fault = self._faults.take(view, target="row")
                if fault is not None:
                    raise self._errors.as_error(fault)
            return work()
        except SalesforceError as exc:
            return exc.as_collection_item()

    def _retrieve(self, request: RestRequest, sobject: SObject) -> RestAnswer:
        """One row or null for each id, by GET or, for up to 2,000, by POST.

        REST guide, "Get Records Using sObject Collections" and "… With a Request Body".
        """
        if request.method == "GET":
            ids = [one for one in request.query.get("ids", "").split(",") if one]
            names = [one for one in request.query.get("fields", "").split(",") if one]
        elif request.method == "POST":
            ids, names = _ids_and_fields(request.json())
        else:
            raise method_not_allowed(request, "GET", "HEAD", "POST")
        if not ids or not names:
            raise SalesforceError("MISSING_ARGUMENT", "ids and fields are needed")
        if len(ids) > MAX_RETRIEVED:
            raise SalesforceError("EXCEEDED_ID_LIMIT", f"at most {MAX_RETRIEVED} ids")
        fields = self._rows.chosen_fields(sobject, names)
        found = [self._live(sobject, one) for one in ids]
        return RestAnswer(
            200,
            [
                None if row is None else whole_row(request.base, sobject, row, fields)
                for row in found
            ],
        )

    def _live(self, sobject: SObject, text: str) -> Row | None:
        try:
            record_id = to_18(text)
        except MalformedId:
            return None
        return self._store.live(sobject.name, record_id)

    def _creation(self, record: dict[str, Any], options: DuplicateOptions) -> Work:
        def work() -> dict[str, Any]:
            record_id = self._dml.insert(self._type_of(record), record, duplicates=options)
            return {"id": record_id, "success": True, "errors": []}

        return work

    def _change(self, record: dict[str, Any], options: DuplicateOptions) -> Work:
        def work() -> dict[str, Any]:
            record_id, rest = _without_id(record)
            self._dml.update(self._type_of(record), record_id, rest, duplicates=options)
            return {"id": record_id, "success": True, "errors": []}

        return work

    def _upsertion(
        self, sobject: SObject, key: Field, record: dict[str, Any], options: DuplicateOptions
    ) -> Work:
        def work() -> dict[str, Any]:
            if self._type_of(record).name != sobject.name:
                raise SalesforceError(
                    "INVALID_TYPE", "the record's type differs from the address's"
                )
            names = [name for name in record if name.lower() == key.name.lower()]
            value = coerce(key, record[names[0]]) if names else None
            if value is None:
                raise SalesforceError("MISSING_ARGUMENT", f"{key.name} not specified", fields=[])
            body = {name: item for name, item in record.items() if name not in names}
            try:
                record_id, is_created = self._dml.upsert(
                    sobject, key, value, body, duplicates=options
                )
            except MultipleChoices as exc:
                raise SalesforceError(
                    "DUPLICATE_EXTERNAL_ID",
                    f"{key.name}: more than one record found for external id field: {exc.urls}",
                    fields=[],
                ) from exc
            return {"id": record_id, "success": True, "errors": [], "created": is_created}

        return work

    def _deletion(self, text: str) -> Work:
        def work() -> dict[str, Any]:
            record_id = _good_id(text)
            sobject = self._schema.by_id(record_id)
            if sobject is None:
                raise SalesforceError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            self._dml.delete(sobject, record_id)
            return {"id": record_id, "success": True, "errors": []}

        return work

    def _type_of(self, record: dict[str, Any]) -> SObject:
        attributes = record.get("attributes")
        name = attributes.get("type") if isinstance(attributes, dict) else None
        found = self._schema.find(name) if isinstance(name, str) else None
        if found is None:
            raise SalesforceError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found


def _ids_and_fields(body: Any) -> tuple[list[str], list[str]]:
    if not isinstance(body, dict) or set(body) != {"ids", "fields"}:
        raise parser_error("the body must hold the lists ids and fields, and nothing else")
    ids, names = body["ids"], body["fields"]
    for one in (ids, names):
        if not isinstance(one, list) or not all(isinstance(text, str) for text in one):
            raise parser_error("ids and fields must be lists of texts")
    return ids, names


def _records(body: Any) -> tuple[list[dict[str, Any]], bool]:
    if not isinstance(body, dict) or not isinstance(body.get("records"), list):
        raise parser_error("the body must hold a list named records")
    unknown = set(body) - {"records", "allOrNone"}
    all_or_none = body.get("allOrNone", False)
    if unknown or not isinstance(all_or_none, bool):
        raise parser_error(f"Unrecognized field {sorted(unknown)}")
    records: list[dict[str, Any]] = body["records"]
    if not all(isinstance(one, dict) for one in records):
        raise parser_error("a record must be a JSON object")
    return records, all_or_none


def _rolled_back() -> dict[str, Any]:
    return SalesforceError(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using"
        " AllOrNone header",
    ).as_collection_item()


def _without_id(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    names = [name for name in record if name.lower() == "id"]
    if not names or not isinstance(record[names[0]], str):
        raise SalesforceError("MISSING_ARGUMENT", "Id not specified in an update call", fields=[])
    return _good_id(record[names[0]]), {
        name: item for name, item in record.items() if name not in names
    }


def _good_id(text: str) -> str:
    try:
        return to_18(text)
    except MalformedId as exc:
        raise SalesforceError("MALFORMED_ID", f"malformed id {text}", fields=["Id"]) from exc
