"""The simulator's standard objects against the standard schema that jsforce publishes as types."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.rest.describe_fields import field_description
from dealthread.simulators.salesforce.schema.model import FieldType, Schema, SObject
from dealthread.simulators.salesforce.schema.objects import org_schema
from tests.judges.schema_differences import DIFFERENCES

pytestmark = pytest.mark.judges

Types = dict[str, dict[str, str]]
_BLOCK = re.compile(r"^type (Fields|ChildRelationships)\$(\w+) = \{\n(.*?)^\};", re.M | re.S)
_MEMBER = re.compile(r"^\s+(\w+): (.+);$", re.M)
_TYPES = {
    "number": {FieldType.INT, FieldType.DOUBLE, FieldType.CURRENCY, FieldType.PERCENT},
    "boolean": {FieldType.BOOLEAN},
    "DateString": {FieldType.DATE, FieldType.DATETIME},
    "Address": {FieldType.ADDRESS},
}


@pytest.fixture
def published(judges_folder: Path) -> tuple[Types, Types]:
    """(fields, child relationships) of each object."""
    path = judges_folder / "node_modules" / "jsforce" / "lib" / "types" / "standard-schema.d.ts"
    found: dict[str, Types] = {"Fields": {}, "ChildRelationships": {}}
    for part, name, body in _BLOCK.findall(path.read_text("utf-8")):
        found[part][name] = dict(_MEMBER.findall(body))
    return found["Fields"], found["ChildRelationships"]


def test_standard_fields_and_relationships_are_those_published(
    published: tuple[Types, Types], capsys: Any
) -> None:
    """Each that is missing there, or is of another kind, is on the list with its reason."""
    fields, children = published
    config = SalesforceConfig(org_id="00D5i0000000001EAA", client_id="c", client_secret="s")
    schema = org_schema(config)
    compared, found = 0, []
    for sobject in schema.objects.values():
        if sobject.is_custom:
            continue
        if sobject.name not in fields:
            found.append((sobject.name, "no such object"))
            continue
        compared += len(sobject.fields)
        found += _differing_fields(sobject, fields[sobject.name])
        found += _differing_children(schema, sobject, children.get(sobject.name, {}))
    met = {pattern for place, _ in found for pattern in DIFFERENCES if fnmatchcase(place, pattern)}
    with capsys.disabled():
        print(f"\nschema: {compared} fields compared, {len(found)} differences, {len(met)} reasons")
    unexplained = [
        one for one in found if not any(fnmatchcase(one[0], pattern) for pattern in DIFFERENCES)
    ]
    assert unexplained == []
    assert set(DIFFERENCES) - met == set()


def _differing_fields(sobject: SObject, theirs: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for one in sobject.fields.values():
        if one.is_custom:
            continue
        place = f"{sobject.name}.{one.name}"
        if one.name not in theirs:
            found.append((place, "no such field"))
            continue
        kind, _, null = theirs[one.name].partition(" | ")
        if one.type not in _TYPES.get(kind, set(FieldType) - set().union(*_TYPES.values())):
            found.append((f"{place}.type", f"{one.type}, there {kind}"))
        is_nillable = field_description(sobject, one)["nillable"]
        if is_nillable is not (null == "null"):
            found.append((f"{place}.nillable", f"{is_nillable}, there {theirs[one.name]}"))
    return found


def _differing_children(
    schema: Schema, sobject: SObject, theirs: dict[str, str]
) -> list[tuple[str, str]]:
    ours = {
        one.relationship: one.object
        for one in schema.children.get(sobject.name, ())
        if one.relationship and not one.relationship.endswith("__r")
    }
    found = [
        (f"{sobject.name}.children.{name}", f"of {child}, there {theirs.get(name)}")
        for name, child in ours.items()
        if theirs.get(name) != f"SObjectDefinition${child}"
    ]
    known = {one.name for one in schema.objects.values()}
    found += [
        (f"{sobject.name}.children.{name}", "only there")
        for name, child in theirs.items()
        if name not in ours and child.removeprefix("SObjectDefinition$") in known
    ]
    return found
