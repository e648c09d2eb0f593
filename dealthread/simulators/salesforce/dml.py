"""Creates, changes and deletes rows under the schema's rules; each call is all or nothing."""

from __future__ import annotations

from typing import Any

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.salesforce.errors import (
    MultipleChoices,
    SalesforceError,
    entity_is_deleted,
    not_found,
    parser_error,
)
from dealthread.simulators.salesforce.rules.automation import Automation
from dealthread.simulators.salesforce.rules.rule_checks import DuplicateOptions, RuleChecks
from dealthread.simulators.salesforce.schema.model import Field, FieldType, Row, SObject, Value
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import coerce, instant_text

STRICT = DuplicateOptions()
"""A client that says nothing does not insist on saving duplicates."""


class Dml:
    """Data manipulation on behalf of the one integration user."""

    def __init__(
        self,
        store: Store,
        clock: SimClock,
        ledger: Ledger,
        automation: Automation,
        rules: RuleChecks,
        user_id: str,
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._ledger = ledger
        self._automation = automation
        self._user_id = user_id
        automation.attach(self)

    def insert(
        self,
        sobject: SObject,
        body: Any,
        *,
        given: Row | None = None,
        duplicates: DuplicateOptions = STRICT,
    ) -> str:
        """Create a row; returns its id. `given` are values not subject to field permissions."""
        if not sobject.createable:
            raise _not_allowed("create", sobject)
        with self._store.transaction():
            values = {**self._parse(sobject, body, is_insert=True), **(given or {})}
            row: Row = {one.name: one.default for one in _stored(sobject)}
            row.update({name: value for name, value in values.items() if value is not None})
            row["Id"] = self._store.new_id(sobject)
            if "OwnerId" in row and row["OwnerId"] is None:
                row["OwnerId"] = self._user_id
            for one in sobject.fields.values():
                if one.auto_number:
                    number = self._store.next_number(f"{sobject.name}.{one.name}")
                    row[one.name] = one.auto_number.format(number)
            now = instant_text(self._clock.now())
            row.update(IsDeleted=False, CreatedDate=now, CreatedById=self._user_id)
            self._save(sobject, row, None, now, duplicates)
        return str(row["Id"])

    def update(
        self,
        sobject: SObject,
        record_id: str,
        body: Any,
        *,
        duplicates: DuplicateOptions = STRICT,
    ) -> None:
        """Change a row."""
        if not sobject.updateable:
            raise _not_allowed("update", sobject)
        with self._store.transaction():
            old = self.existing(sobject, record_id)
            changes = self._parse(sobject, body, is_insert=False)
            now = instant_text(self._clock.now())
            self._save(sobject, {**old, **changes}, old, now, duplicates)

    def upsert(
        self,
        sobject: SObject,
        key: Field,
        value: Value,
        body: Any,
        *,
        update_only: bool = False,
        duplicates: DuplicateOptions = STRICT,
    ) -> tuple[str, bool]:
        """Update the one row with this external id, or create it; returns (id, created)."""
        matches = self.matching(sobject, key, value)
        if len(matches) == 1:
            record_id = str(matches[0]["Id"])
            self.update(sobject, record_id, body, duplicates=duplicates)
            return record_id, False
        if update_only:
            raise not_found()
        with self._store.transaction():
            given: Row = {key.name: value}
            return self.insert(sobject, body, given=given, duplicates=duplicates), True

    def matching(self, sobject: SObject, key: Field, value: Value) -> list[Row]:
        """The row with an external id, if any. Raises MultipleChoices for several."""
        matches = self._store.live_lookup(sobject.name, key.name, value)
        if len(matches) > 1:
            raise MultipleChoices([str(row["Id"]) for row in matches])
        return matches

    def delete(self, sobject: SObject, record_id: str) -> None:
        """Put a row into the recycle bin, and what hangs from it as its references say."""
        if not sobject.deletable:
            raise _not_allowed("delete", sobject)
        with self._store.transaction():
            row = self.existing(sobject, record_id)
            self._automation.before_delete(sobject, row)
            self._let_go(sobject, row)
            now = instant_text(self._clock.now())
            gone: Row = {**row, "IsDeleted": True}
            self._stamp(gone, now)
            self._store.put(sobject.name, gone)
            self._automation.after_delete(sobject, gone, now)
            self._record(f"{sobject.name}.deleted", str(row["Id"]), {})

    def existing(self, sobject: SObject, record_id: str) -> Row:
        """The row, or 404."""
        row = self._store.get(sobject.name, record_id)
        if row is None:
            raise not_found()
        if row["IsDeleted"]:
            raise entity_is_deleted()
        return row

    # ------------------------------------------------------------ inside

    def _save(
        self,
        sobject: SObject,
        row: Row,
        old: Row | None,
        now: str,
        duplicates: DuplicateOptions,
    ) -> None:
        self._automation.before_save(sobject, row, old, now)
        _require(sobject, row)
        changed = {name for name, value in row.items() if old is None or old.get(name) != value}
        self._check_references(sobject, row, changed)
        self._rules.validate(sobject, row, old)
        self._rules.find_duplicates(sobject, row, old, duplicates)
        self._check_unique(sobject, row, changed)
        self._stamp(row, now)
        self._store.put(sobject.name, row)
        self._automation.after_save(sobject, row, old, now)
        kind = f"{sobject.name}.{'created' if old is None else 'updated'}"
        self._record(kind, str(row["Id"]), {"fields": sorted(changed)})

    def _stamp(self, row: Row, now: str) -> None:
        row.update(LastModifiedDate=now, LastModifiedById=self._user_id, SystemModstamp=now)

    def _record(self, kind: str, record_id: str, details: dict[str, Any]) -> None:
        self._store.after_commit(
            lambda: _discard(self._ledger.effect(kind, record_id, details=details))
        )

    def _parse(self, sobject: SObject, body: Any, *, is_insert: bool) -> Row:
        if not isinstance(body, dict):
            raise parser_error("the body must be a JSON object")
        values: Row = {}
        refused: list[str] = []
        for name, raw in body.items():
            if name == "attributes":
                continue
            one = sobject.find(name)
            if one is None:
                relation, value = self._by_external_id(sobject, name, raw)
                values[relation.name] = value
                continue
            if one.type is FieldType.ID:
                raise SalesforceError(
                    "INVALID_FIELD", "The Id field should not be specified in the sobject data."
                )
            if not (one.createable if is_insert else one.updateable):
                refused.append(one.name)
                continue
            values[one.name] = coerce(one, raw)
        if refused:
            raise SalesforceError(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(refused)}. Please check the security"
                " settings of this field and verify that it is read/write for your profile or"
                " permission set.",
                fields=refused,
            )
        return values

    def _by_external_id(self, sobject: SObject, name: str, raw: Any) -> tuple[Field, Value]:
        """`"Account": {"Key__c": "x"}`: a reference by the parent's external id."""
        relation = self._store.schema.parent_by_relationship(sobject, name)
        if relation is None:
            raise SalesforceError(
                "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}"
            )
        parent = self._store.schema.find(relation.reference_to)
        keys = {key: item for key, item in raw.items() if key != "attributes"} if raw else {}
        if parent is None or not isinstance(raw, dict) or len(keys) != 1:
            raise parser_error(f"{name} must name one external id of {relation.reference_to}")
        [(key_name, key_raw)] = keys.items()
        key = parent.find(key_name)
        if key is None or not (key.external_id or key.id_lookup):
            raise SalesforceError(
                "INVALID_FIELD", f"{key_name} is not an external id of {parent.name}"
            )
        matches = self._store.live_lookup(parent.name, key.name, coerce(key, key_raw))
        if len(matches) != 1:
            raise SalesforceError(
                "INVALID_FIELD",
                f"Foreign key external ID: {key_raw} not found for field {key.name} in entity"
                f" {parent.name}",
                fields=[],
            )
        return relation, matches[0]["Id"]

    def _check_references(self, sobject: SObject, row: Row, changed: set[str]) -> None:
        for one in sobject.fields.values():
            target = row.get(one.name)
            if one.type is not FieldType.REFERENCE or target is None or one.name not in changed:
                continue
            parent = self._store.schema.find(one.reference_to)
            if parent is None or not str(target).startswith(parent.prefix):
                raise SalesforceError(
                    "MALFORMED_ID",
                    f"{one.name}: id value of incorrect type: {target}",
                    fields=[one.name],
                )
            found = self._store.get(parent.name, str(target))
            if found is None:
                raise SalesforceError(
                    "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[]
                )
            if found["IsDeleted"]:
                raise SalesforceError("ENTITY_IS_DELETED", "entity is deleted", fields=[])

    def _check_unique(self, sobject: SObject, row: Row, changed: set[str]) -> None:
        for one in sobject.fields.values():
            value = row.get(one.name)
            if not one.unique or value is None or one.name not in changed:
                continue
            for other in self._store.live_lookup(sobject.name, one.name, value):
                if other["Id"] != row["Id"]:
                    raise SalesforceError(
                        "DUPLICATE_VALUE",
                        f"duplicate value found: {one.name} duplicates value on record with id:"
                        f" {other['Id']}",
                        fields=[],
                    )

    def _let_go(self, sobject: SObject, row: Row) -> None:
        schema = self._store.schema
        for child in schema.children.get(sobject.name, ()):
            owner = schema.find(child.object)
            if owner is None:
                continue
            for referring in self._store.live_lookup(child.object, child.field, row["Id"]):
                if child.on_delete == "restrict":
                    raise SalesforceError(
                        "DELETE_FAILED",
                        f"Your attempt to delete {row.get('Name') or row['Id']} could not be"
                        f" completed because it is associated with {child.object}"
                        f" {referring['Id']}",
                        fields=[],
                    )
                if child.on_delete in ("cascade", "guarded"):
                    self.delete(owner, str(referring["Id"]))
                else:
                    self._store.put(child.object, {**referring, child.field: None})


def _stored(sobject: SObject) -> list[Field]:
    return [one for one in sobject.fields.values() if one.type is not FieldType.ADDRESS]


def _require(sobject: SObject, row: Row) -> None:
    missing = [
        one.name for one in sobject.fields.values() if one.required and row.get(one.name) is None
    ]
    if missing:
        raise SalesforceError(
            "REQUIRED_FIELD_MISSING",
            f"Required fields are missing: [{', '.join(missing)}]",
            fields=missing,
        )


def _not_allowed(verb: str, sobject: SObject) -> SalesforceError:
    return SalesforceError(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        f"entity type {sobject.name} does not support {verb}",
        fields=[],
    )


def _discard(value: object) -> None:
    del value
