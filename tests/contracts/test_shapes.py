"""AG-04: a model that has crossed Temporal only ever gains fields with defaults, an enum values."""

from __future__ import annotations

import json
from pathlib import Path

from dealthread.domain.case import DecisionKind
from dealthread.errors import ErrorKind
from tests.contracts.shapes import Shapes, shapes

LOCK = Path(__file__).with_name("shapes.lock.json")


def _optional(shape: str) -> str:
    """A required field may become optional."""
    return shape.removesuffix(" required")


def broken(locked: Shapes, present: Shapes) -> list[str]:
    """What would make a stored history or a sleeping contract unreadable."""
    found = []
    for model, fields in locked.items():
        now = present.get(model)
        if now is None:
            found.append(f"{model} is gone")
            continue
        found += [f"{model}.{name} is gone" for name in fields if name not in now]
        found += [
            f"{model}.{name} was {fields[name]}, is {now[name]}"
            for name in fields
            if name in now
            and now[name] not in (fields[name], fields[name].removesuffix(" required"))
        ]
        found += [
            f"{model}.{name} is new and required"
            for name in now
            if name not in fields and now[name].endswith(" required")
        ]
    return found


def test_nothing_that_crossed_temporal_was_removed_or_retyped() -> None:
    """After an addition: `python -m tests.contracts.shapes > tests/contracts/shapes.lock.json`."""
    locked: Shapes = json.loads(LOCK.read_text())
    assert len(locked) > 30
    assert broken(locked, shapes()) == []


def test_the_lock_is_current() -> None:
    """A new model or field is locked in the same change."""
    assert json.loads(LOCK.read_text()) == shapes()


def test_the_check_bites() -> None:
    """Removal, retyping, a new required field and a removed value are each found."""
    present = shapes()
    model = "ChangeRequest"
    without = {**present, model: {k: v for k, v in present[model].items() if k != "org"}}
    assert broken(present, without) == ["ChangeRequest.org is gone"]
    assert broken(without, present) == ["ChangeRequest.org is new and required"]
    retyped = {**present, model: {**present[model], "org": '{"type": "integer"} required'}}
    assert len(broken(present, retyped)) == 1
    enum = "ChangeOutcome"
    fewer = {**present, enum: {k: v for k, v in present[enum].items() if k != "compensated"}}
    assert broken(present, fewer) == ["ChangeOutcome.compensated is gone"]
    assert broken(fewer, present) == [], "a new value breaks nothing that was stored"
    assert broken(present, {k: v for k, v in present.items() if k != enum}) == [f"{enum} is gone"]


def test_enums_are_locked_with_their_values() -> None:
    """Those that models hold, and the kinds of failures."""
    locked: Shapes = json.loads(LOCK.read_text())
    assert set(locked["DecisionKind"]) == {kind.value for kind in DecisionKind}
    assert set(locked["ErrorKind"]) == {kind.value for kind in ErrorKind}
    assert "effect_possible" in locked["ErrorDetails"]
    enums = [fields for fields in locked.values() if set(fields.values()) == {"value"}]
    assert len(enums) > 18
