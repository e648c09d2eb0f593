"""`/sobjects/…`: one row by id or by external id."""

from __future__ import annotations

from dealthread.simulators.salesforce.dml import Dml
from dealthread.simulators.salesforce.errors import MultipleChoices, SalesforceError, not_found
from dealthread.simulators.salesforce.ids import MalformedId, to_18
from dealthread.simulators.salesforce.rest.conditional import check_row, etag_of, refuse_conditions
from dealthread.simulators.salesforce.rest.rendering import url_of, whole_row
from dealthread.simulators.salesforce.rest.request import (
    RestAnswer,
    RestRequest,
    method_not_allowed,
)
from dealthread.simulators.salesforce.rules.rule_checks import DuplicateOptions
from dealthread.simulators.salesforce.schema.model import Field, Row, Schema, SObject, Value
from dealthread.simulators.salesforce.values import coerce


class RowApi:
    """Create, read, update, upsert and delete."""

    def __init__(self, schema: Schema, dml: Dml) -> None:
        self._schema = schema
        self._dml = dml

    def sobject(self, name: str) -> SObject:
        """The object type in a path, or 404."""
        found = self._schema.find(name)
        if found is None:
            raise not_found()
        return found

    def create(self, request: RestRequest, sobject: SObject) -> RestAnswer:
        """POST /sobjects/{object}."""
        record_id = self._dml.insert(sobject, request.json(), duplicates=request_options(request))
        return _created(request, sobject, record_id, {})

    def by_id(self, request: RestRequest, sobject: SObject, text: str) -> RestAnswer:
        """GET, PATCH, DELETE /sobjects/{object}/{id}."""
        try:
            record_id = to_18(text)
        except MalformedId as exc:
            raise not_found(
                f"Provided external ID field does not exist or is not accessible: {text}"
            ) from exc
        if request.method in ("GET", "HEAD"):
            row = self._dml.existing(sobject, record_id)
            check_row(request, sobject, row)
            return self._read(request, sobject, row)
        if request.method == "PATCH":
            check_row(request, sobject, self._dml.existing(sobject, record_id))
            options = request_options(request)
            self._dml.update(sobject, record_id, request.json(), duplicates=options)
            return RestAnswer(204, headers=etag_of(sobject, self._dml.existing(sobject, record_id)))
        if request.method == "DELETE":
            refuse_conditions(request)
            self._dml.delete(sobject, record_id)
            return RestAnswer(204)
        raise method_not_allowed(request, "DELETE", "GET", "HEAD", "PATCH")

    def by_external_id(
        self, request: RestRequest, sobject: SObject, name: str, text: str
    ) -> RestAnswer:
        """GET, PATCH (upsert), DELETE /sobjects/{object}/{external id field}/{value}."""
        key = self.key_field(sobject, name)
        if key.name == "Id":
            return self.by_id(request, sobject, text)
        value = coerce(key, text)
        try:
            return self._by_key(request, sobject, key, value)
        except MultipleChoices as exc:
            # 300 lists the addresses of all rows that match (REST guide, "Upsert a Record").
            urls = [url_of(request.base, sobject.name, record_id) for record_id in exc.urls]
            return RestAnswer(300, urls)

    def key_field(self, sobject: SObject, name: str) -> Field:
        """An external id field (or Id), or 404."""
        key = sobject.find(name)
        if key is None or not (key.external_id or key.id_lookup or key.name == "Id"):
            raise not_found(
                f"Provided external ID field does not exist or is not accessible: {name}"
            )
        return key

    # ------------------------------------------------------------ inside

    def _by_key(
        self, request: RestRequest, sobject: SObject, key: Field, value: Value
    ) -> RestAnswer:
        if request.method == "PATCH":
            body = request.json()
            if isinstance(body, dict) and any(key.name.lower() == name.lower() for name in body):
                raise SalesforceError(
                    "INVALID_FIELD",
                    f"The {key.name} field should not be specified in the sobject data.",
                )
            record_id, is_created = self._dml.upsert(
                sobject,
                key,
                value,
                body,
                update_only=request.flag("updateOnly"),
                duplicates=request_options(request),
            )
            if is_created:
                return _created(request, sobject, record_id, {"created": True})
            shape = {"id": record_id, "success": True, "errors": [], "created": False}
            return RestAnswer(200, shape)
        matches = self._dml.matching(sobject, key, value)
        if not matches:
            raise not_found()
        if request.method in ("GET", "HEAD"):
            return self._read(request, sobject, matches[0])
        if request.method == "DELETE":
            self._dml.delete(sobject, str(matches[0]["Id"]))
            return RestAnswer(204)
        raise method_not_allowed(request, "DELETE", "GET", "HEAD", "PATCH")

    def _read(self, request: RestRequest, sobject: SObject, row: Row) -> RestAnswer:
        names = request.query.get("fields")
        if names is None:
            chosen = list(sobject.fields.values())
        else:
            chosen = self.chosen_fields(sobject, names.split(","))
        shown = whole_row(request.base, sobject, row, chosen)
        return RestAnswer(200, shown, etag_of(sobject, row))

    @staticmethod
    def chosen_fields(sobject: SObject, names: list[str]) -> list[Field]:
        """The fields named and the Id, which Salesforce always adds. Raises INVALID_FIELD."""
        chosen: dict[str, Field] = {}
        for name in names:
            one = sobject.find(name.strip())
            if one is None:
                raise SalesforceError(
                    "INVALID_FIELD",
                    f"No such column '{name.strip()}' on sobject of type {sobject.name}",
                )
            chosen[one.name] = one
        chosen.setdefault("Id", sobject.fields["id"])
        return list(chosen.values())


def request_options(request: RestRequest) -> DuplicateOptions:
    """What a request asks of duplicate rules."""
    return DuplicateOptions.of(request.headers, request.base)


def _created(
    request: RestRequest, sobject: SObject, record_id: str, more: dict[str, bool]
) -> RestAnswer:
    shape = {"id": record_id, "success": True, "errors": [], **more}
    location = url_of(request.base, sobject.name, record_id)
    return RestAnswer(201, shape, {"Location": location})
