"""Applies an org's validation and duplicate rules to a row that is being saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated
from dealthread.simulators.salesforce.rest.rendering import whole_row
from dealthread.simulators.salesforce.rules.org_rules import (
    Check,
    CheckKind,
    DuplicateAction,
    DuplicateRule,
    OrgRules,
    ValidationRule,
)
from dealthread.simulators.salesforce.schema.model import Field, Row, Schema, SObject, Value
from dealthread.simulators.salesforce.store import Store

HEADER = "sforce-duplicate-rule-header"
_SETTING = re.compile(r"\s*(allowSave|includeRecordDetails|runAsCurrentUser)\s*=\s*(true|false)\s*")
_BASE = "/services/data/v66.0"


@dataclass(frozen=True)
class DuplicateOptions:
    """What a client asks of duplicate rules (REST guide, "Duplicate Rule Header")."""

    allow_save: bool = False
    include_record_details: bool = False
    base: str = _BASE
    """Of the call's API version, for the addresses of the rows found."""

    @classmethod
    def of(cls, headers: Mapping[str, str], base: str) -> DuplicateOptions:
        """The options of a request. There are no sharing rules that `runAsCurrentUser` changes."""
        text = headers.get(HEADER)
        if text is None:
            return cls(base=base)
        found: dict[str, bool] = {}
        for part in text.split(";"):
            match = _SETTING.fullmatch(part)
            if match is None:
                raise not_simulated(f"the duplicate rule header {text!r}")
            found[match.group(1)] = match.group(2) == "true"
        return cls(
            found.get("allowSave", False), found.get("includeRecordDetails", False), base=base
        )


class RuleChecks:
    """The rules of one org, with their fields found in the schema."""

    def __init__(self, rules: OrgRules, schema: Schema, store: Store) -> None:
        self._store = store
        self._validation: dict[str, list[ValidationRule]] = {}
        self._duplicate: dict[str, list[DuplicateRule]] = {}
        for rule in rules.validation:
            for sobject in _objects_of(rule, schema):
                self._validation.setdefault(sobject.name, []).append(rule)
        for one in rules.duplicate:
            sobject = _object(schema, one.object)
            for name in one.fields:
                _field(sobject, name)
            self._duplicate.setdefault(sobject.name, []).append(one)

    def validate(self, sobject: SObject, row: Row, old: Row | None) -> None:
        """Raise FIELD_CUSTOM_VALIDATION_EXCEPTION for the first rule that strikes."""
        for rule in self._validation.get(sobject.name, ()):
            if all(_holds(check, _field(sobject, check.field), row, old) for check in rule.checks):
                raise SalesforceError(
                    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                    rule.message,
                    fields=[] if rule.field is None else [_field(sobject, rule.field).name],
                )

    def find_duplicates(
        self, sobject: SObject, row: Row, old: Row | None, options: DuplicateOptions
    ) -> None:
        """Raise DUPLICATES_DETECTED unless nothing is found or the client may insist and does."""
        for rule in self._duplicate.get(sobject.name, ()):
            if not (rule.on_create if old is None else rule.on_edit):
                continue
            if rule.action is DuplicateAction.ALERT and options.allow_save:
                continue
            fields = [_field(sobject, name) for name in rule.fields]
            wanted = [_key(row.get(one.name)) for one in fields]
            is_same = old is not None and wanted == [_key(old.get(one.name)) for one in fields]
            if None in wanted or is_same:
                continue
            found = [
                other
                for other in self._candidates(sobject, fields[0], row)
                if other["Id"] != row["Id"]
                and not other["IsDeleted"]
                and [_key(other.get(one.name)) for one in fields] == wanted
            ]
            if found:
                raise _duplicates(rule, sobject, found, options)

    def _candidates(self, sobject: SObject, field: Field, row: Row) -> list[Row]:
        if field.is_indexed:
            return self._store.lookup(sobject.name, field.name, row[field.name])
        return list(self._store.rows(sobject.name))


def _holds(check: Check, field: Field, row: Row, old: Row | None) -> bool:
    value = row.get(field.name)
    before = None if old is None else old.get(field.name)
    kind = check.kind
    if kind in (CheckKind.BLANK, CheckKind.FILLED):
        return (value is None) is (kind is CheckKind.BLANK)
    if kind is CheckKind.CHANGED:
        return old is not None and value != before
    if kind is CheckKind.DECREASED:
        return before is not None and (value is None or _is_below(value, before))
    wanted = _literal(field, check.value)
    if kind in (CheckKind.EQUALS, CheckKind.DIFFERS):
        return (value == wanted) is (kind is CheckKind.EQUALS)
    if value is None or wanted is None:
        return False
    return _is_below(value, wanted) if kind is CheckKind.BELOW else _is_below(wanted, value)


def _literal(field: Field, value: Any) -> Value:
    if field.type.is_number and value is not None:
        return Decimal(str(value))
    kept: Value = value
    return kept


def _is_below(low: Any, high: Any) -> bool:
    """Of two values of one field's type."""
    return bool(low < high)


def _key(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value


def _duplicates(
    rule: DuplicateRule, sobject: SObject, found: list[Row], options: DuplicateOptions
) -> SalesforceError:
    """The error as recorded from orgs of API versions 54 and 56, with its misspelt key."""
    fields = (
        list(sobject.fields.values()) if options.include_record_details else [sobject.fields["id"]]
    )
    matches = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": Decimal("100.0"),
            "record": whole_row(options.base, sobject, row, fields),
        }
        for row in found
    ]
    result = {
        "allowSave": rule.action is DuplicateAction.ALERT,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": sobject.name,
        "errorMessage": rule.message,
        "matchResults": [
            {
                "entityType": sobject.name,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": matches,
                "rule": rule.matching_rule,
                "size": len(matches),
                "success": True,
            }
        ],
    }
    return SalesforceError("DUPLICATES_DETECTED", rule.message, before={"duplicateResut": result})


def _objects_of(rule: ValidationRule, schema: Schema) -> list[SObject]:
    names = {check.field for check in rule.checks} | ({rule.field} if rule.field else set())
    if rule.object == "*":
        return [one for one in schema.objects.values() if all(one.find(name) for name in names)]
    sobject = _object(schema, rule.object)
    for name in names:
        _field(sobject, name)
    return [sobject]


def _object(schema: Schema, name: str) -> SObject:
    found = schema.find(name)
    if found is None:
        raise ValueError(f"a rule names the object {name}, which the org does not have")
    return found


def _field(sobject: SObject, name: str) -> Field:
    found = sobject.find(name)
    if found is None:
        raise ValueError(f"a rule names the field {sobject.name}.{name}, which does not exist")
    return found
