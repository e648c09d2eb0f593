"""What an administrator forbids in an org: validation rules and duplicate rules, as data.

A validation rule refuses a save when all its checks hold (help, "Validation Rules"). A duplicate
rule finds rows that agree in all its fields and blocks the save or lets the client insist
(help, "Duplicate Rules"; REST guide, "Duplicate Rule Header").
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

Scalar = str | int | bool | None
"""A value in a rule; decimal numbers are written as texts."""


class CheckKind(StrEnum):
    """How a check compares a field."""

    EQUALS = "equals"
    DIFFERS = "differs"
    BELOW = "below"
    ABOVE = "above"
    BLANK = "blank"
    FILLED = "filled"
    CHANGED = "changed"
    """Differs from what it was before; false on create."""
    DECREASED = "decreased"
    """Is lower than before, or has become blank."""


@dataclass(frozen=True)
class Check:
    """One condition on the row that is being saved."""

    field: str
    kind: CheckKind
    value: Scalar = None


@dataclass(frozen=True)
class ValidationRule:
    """Refuses with FIELD_CUSTOM_VALIDATION_EXCEPTION when all checks hold."""

    name: str
    message: str
    checks: tuple[Check, ...]
    object: str = "*"
    """`*`: every object that has all fields of the checks."""
    field: str | None = None
    """Where the message is shown; None is the top of the page."""


class DuplicateAction(StrEnum):
    """What happens when a duplicate is found."""

    BLOCK = "block"
    ALERT = "alert"
    """Refused, too, unless the client sends allowSave=true."""


@dataclass(frozen=True)
class DuplicateRule:
    """Rows that agree in all fields, in any case, are duplicates; a blank agrees with nothing."""

    name: str
    object: str
    fields: tuple[str, ...]
    action: DuplicateAction = DuplicateAction.BLOCK
    matching_rule: str = "Exact_Match"
    message: str = "Use one of these records?"
    on_create: bool = True
    on_edit: bool = True


SEQUENCE_RULE = ValidationRule(
    name="Dealthread_Sync_Sequence",
    message="The sync sequence must not decrease.",
    checks=(Check("Dealthread_Sync_Seq__c", CheckKind.DECREASED),),
    field="Dealthread_Sync_Seq__c",
)
"""Our package's own rule: a late write must not overwrite newer state."""


@dataclass(frozen=True)
class OrgRules:
    """All rules of an org; our package brings one."""

    validation: tuple[ValidationRule, ...] = (SEQUENCE_RULE,)
    duplicate: tuple[DuplicateRule, ...] = ()


def org_rules_of(text: str) -> OrgRules:
    """Rules from JSON, beside our package's own. Raises ValueError."""
    try:
        raw: Any = json.loads(text)
        given = TypeAdapter(OrgRules).validate_python(raw)
    except ValidationError as exc:
        raise ValueError(f"the org's rules cannot be read: {exc}") from exc
    if "validation" not in raw:
        return given
    return OrgRules((SEQUENCE_RULE, *given.validation), given.duplicate)
