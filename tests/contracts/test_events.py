"""EV-01, AG-04: every event has a published schema that only ever gains fields, and an example."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from dealthread.domain.event_data.catalogue import CATALOGUE
from dealthread.domain.events import EventType
from tests.contracts.events import DIALECT, FOLDER, LOCK, Shapes, index, shapes, text_of
from tests.contracts.json_schema import breaches

ROOT = Path(__file__).resolve().parents[2]
KINDS = pytest.mark.parametrize("kind", list(EventType), ids=lambda kind: kind.value)


def committed(kind: EventType) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FOLDER / f"{kind.value}.json").read_text("utf-8"))
    return schema


def broken(locked: Shapes, present: Shapes) -> list[str]:
    """What would break a consumer: a type or field gone, retyped, or no longer always given."""
    found = []
    for kind, fields in locked.items():
        now = present.get(kind)
        if now is None:
            found.append(f"{kind} is gone")
            continue
        for name, shape in fields.items():
            if name not in now:
                found.append(f"{kind} {name} is gone")
            elif now[name].removesuffix(" required") != shape.removesuffix(" required"):
                found.append(f"{kind} {name} was {shape}, is {now[name]}")
            elif shape.endswith(" required") and not now[name].endswith(" required"):
                found.append(f"{kind} {name} may be missing now")
    return found


def test_every_type_has_data_an_owner_and_a_file_and_no_file_is_left_over() -> None:
    assert set(CATALOGUE) == set(EventType)
    assert all(told.owner and told.when and told.data.__doc__ for told in CATALOGUE.values())
    assert {path.stem for path in FOLDER.glob("*.json")} == {kind.value for kind in EventType}


@KINDS
def test_the_committed_schema_is_the_models(kind: EventType) -> None:
    """After a change: `python -m tests.contracts.events`."""
    assert (FOLDER / f"{kind.value}.json").read_text("utf-8") == text_of(kind)
    assert committed(kind)["$schema"] == DIALECT


def test_the_index_is_the_catalogue() -> None:
    assert (FOLDER / "README.md").read_text("utf-8") == index()


@KINDS
def test_each_example_is_valid(kind: EventType) -> None:
    schema = committed(kind)
    (example,) = schema["examples"]
    assert breaches(example, schema, schema) == []
    assert CATALOGUE[kind].data.model_validate_json(json.dumps(example["data"]))


@KINDS
def test_an_event_without_its_keys_is_not_valid(kind: EventType) -> None:
    schema = committed(kind)
    example = copy.deepcopy(schema["examples"][0])
    for name in list(example["data"]):
        del example["data"][name]
        found = breaches(example, schema, schema)
        optional = name not in schema["properties"]["data"]["required"]
        assert optional or f".data.{name}: missing" in found


def test_a_consumer_takes_a_field_that_a_later_version_adds() -> None:
    schema = committed(EventType.CASE_OPENED)
    example = copy.deepcopy(schema["examples"][0])
    example["data"]["new"] = example["extension"] = 1
    assert breaches(example, schema, schema) == []


def test_no_type_lost_or_changed_a_field_since_the_lock() -> None:
    locked: Shapes = json.loads(LOCK.read_text("utf-8"))
    assert broken(locked, shapes()) == []
    assert locked == shapes(), "a new field is locked in the same change"


def test_the_lock_bites() -> None:
    present = shapes()
    kind = EventType.ENTITLEMENT_GRANT.value

    def without(name: str) -> Shapes:
        return {**present, kind: {k: v for k, v in present[kind].items() if k != name}}

    assert broken(present, without("grants.quantity")) == [f"{kind} grants.quantity is gone"]
    assert broken(without("grants.quantity"), present) == []
    retyped = {**present, kind: {**present[kind], "customer_key": '{"type": "integer"} required'}}
    assert len(broken(present, retyped)) == 1
    loose = {**present, kind: {**present[kind], "customer_key": '{"type": "string"}'}}
    assert broken(present, loose) == [f"{kind} customer_key may be missing now"]
    assert broken(present, {k: v for k, v in present.items() if k != kind}) == [f"{kind} is gone"]


def test_every_type_is_told_somewhere_or_listed_as_not_told_yet() -> None:
    """A producer is code of ours that names the type; docs/interfaces.md lists the others."""
    producers = "\n".join(
        path.read_text("utf-8")
        for folder in ("activities", "adapters", "dealthread", "workflows")
        for path in (ROOT / folder).rglob("*.py")
        if path.name not in ("events.py", "catalogue.py") and "simulators" not in path.parts
    )
    silent = {kind.value for kind in EventType if f"EventType.{kind.name}" not in producers}
    page = (ROOT / "docs" / "interfaces.md").read_text("utf-8")
    _, _, told = page.partition("and not told yet:")
    listed = re.findall(r"`(dealthread\.[a-z_.0-9]+)`", told.partition("\n\n")[0])
    assert set(listed) == silent
