"""From files to models: YAML without its traps, and each error with its path.

YAML's traps are refused instead of guessed at: binary floats, numbers where an exact amount is
meant (`0100` is octal, `1:30` is ninety), a bare NO that becomes false, a key given twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.catalog import ConfigSet

# File → the fields of ConfigSet that it holds.
FILES: dict[str, tuple[str, ...]] = {
    "accounts.yaml": ("accounts",),
    "billing_accounts.yaml": ("billing_accounts",),
    "collections.yaml": ("collections",),
    "legal_entities.yaml": ("legal_entities", "closed_until"),
    "payment_terms.yaml": ("payment_terms",),
    "policy.yaml": ("policy",),
    "products.yaml": ("products",),
    "service_levels.yaml": ("service_levels",),
    "tax.yaml": ("tax_codes", "tax_rules"),
}
_FILE_OF = {field: file for file, fields in FILES.items() for field in fields}

# Fields that hold an exact decimal: the number is quoted in the file.
_DECIMALS = {
    "amount",
    "applied_rate",
    "statutory_rate",
    "taxable_share",
    "min_quantity",
    "max_quantity",
    "max_unapproved_discount_percent",
}
_DECIMAL_MAPS = {"credit_limit_default", "approval_amount"}

_ACTIONS = {
    "missing": "add this field",
    "extra_forbidden": "no such field: correct its name or remove it",
    "enum": "use one of {expected}",
    "string_type": "a text is needed: put it in quotes (a bare NO or 12 is not text in YAML)",
    "date_type": "a date is needed: 2026-01-31, without quotes",
    "date_from_datetime_parsing": "a date is needed: 2026-01-31",
    "int_type": "a whole number is needed",
    "int_parsing": "a whole number is needed",
    "bool_type": "true or false is needed",
    "tuple_type": "a list is needed: [..]",
    "dict_type": "a mapping is needed: key: value",
    "model_type": "a mapping of fields is needed",
}


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice (YAML's own answer is: the last one wins).

    Aliases are refused too: one may point into itself, and no file here needs them.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Raises ComposerError at an alias."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "aliases are not used here: repeat the value", event.start_mark
            )
        return super().compose_node(parent, index)


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[object] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        wrong = ""
        if not isinstance(key, Hashable):
            wrong = "a list or a mapping cannot be a key"
        elif key in seen:
            wrong = f"the key {key!r} is given twice"
        if wrong:
            raise yaml.constructor.ConstructorError(None, None, wrong, key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_bytes(directory: Path) -> tuple[dict[str, bytes], list[ConfigProblem]]:
    """The content of each expected file, and what could not be read."""
    found: dict[str, bytes] = {}
    problems: list[ConfigProblem] = []
    for name in sorted(FILES):
        try:
            found[name] = (directory / name).read_bytes()
        except FileNotFoundError:
            problems.append(ConfigProblem(name, "", "", "the file is missing: restore it"))
        except OSError as error:
            reason = error.strerror or "unreadable"
            problems.append(ConfigProblem(name, "", "", f"cannot be read ({reason})"))
    for other in sorted(directory.glob("*.y*ml")):
        if other.name not in FILES:
            problems.append(
                ConfigProblem(
                    other.name, "", "", f"no such file is known: use {', '.join(sorted(FILES))}"
                )
            )
    return found, problems


def version_of(contents: dict[str, bytes]) -> str:
    """First 12 hex digits of SHA-256 over names and contents, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(name.encode() + b"\0" + contents[name] + b"\0")
    return digest.hexdigest()[:12]


def parse(contents: dict[str, bytes]) -> tuple[ConfigSet | None, list[ConfigProblem]]:
    """Build the set; None when any file cannot be understood."""
    problems: list[ConfigProblem] = []
    fields: dict[str, object] = {"version": version_of(contents)}
    for name, raw in contents.items():
        tree, failure = _load(name, raw)
        if failure is not None:
            problems.append(failure)
            continue
        for key, value in (tree or {}).items():
            if key not in FILES[name]:
                action = f"not a part of this file: use {', '.join(FILES[name])}"
                problems.append(ConfigProblem(name, str(key), "", action))
                continue
            fields[key] = value
            problems.extend(_number_problems(name, value, key))
    if problems:
        return None, problems
    try:
        return ConfigSet.model_validate(fields), []
    except ValidationError as error:
        return None, list(_translated(error))


def _load(name: str, raw: bytes) -> tuple[dict[str, object] | None, ConfigProblem | None]:
    try:
        tree = yaml.load(raw, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader subclass
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        return None, ConfigProblem(name, place, "", f"not valid YAML ({what}): correct the text")
    if not isinstance(tree, dict):
        keys = ", ".join(f"{key}:" for key in FILES[name])
        return None, ConfigProblem(name, "", "", f"must begin with {keys}")
    return tree, None


def _number_problems(file: str, value: object, path: str) -> Iterator[ConfigProblem]:
    """Floats anywhere, and unquoted numbers where an exact decimal is meant."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _number_problems(file, inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _number_problems(file, inner, f"{path}[{index}]")
    elif isinstance(value, float):
        yield ConfigProblem(file, path, str(value), f'write it in quotes: "{value}"')
    elif isinstance(value, int) and not isinstance(value, bool):
        parent, _, leaf = path.rpartition(".")
        if leaf in _DECIMALS or parent.rpartition(".")[2] in _DECIMAL_MAPS:
            yield ConfigProblem(file, path, str(value), f'write it in quotes: "{value}"')


def _translated(error: ValidationError) -> Iterator[ConfigProblem]:
    for detail in error.errors(include_url=False):
        location = detail["loc"]
        path = ""
        for part in location:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        field = str(location[0])
        kind = detail["type"]
        message = detail["msg"].removeprefix("Value error, ")
        template = _ACTIONS.get(kind, message)
        action = template.format(expected=detail.get("ctx", {}).get("expected", ""))
        value = "" if kind == "missing" else repr(detail["input"])
        if isinstance(detail["input"], dict | list) or len(value) > 60:
            value = ""
        yield ConfigProblem(_FILE_OF.get(field, "config"), path, value, action)
