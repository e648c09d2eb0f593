"""docs/settings.md from the settings classes: the core's, and each adapter's own.

Adapters are found, not listed: a new one brings its settings module and nothing here changes.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from dealthread.settings import Settings

_HEAD = """\
# Settings

Generated from the code by `python -m dealthread.cli.reference settings > docs/settings.md`; a test
compares. All settings are environment variables, read once when a process starts. `dealthread up`
sets them for the local stack; `python -m dealthread.stack.run COMMAND …` runs any command with
them. Variables marked *secret* are never logged and never enter a workflow.

The Temporal connection may also come from a profile (`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`),
which then wins over `DEALTHREAD_TEMPORAL_ADDRESS`. The command line reads one more variable,
`DEALTHREAD_TOKEN`: the bearer token it shows to the process API. Signing secrets of subscribers
are `DEALTHREAD_WEBHOOK_SECRET_<NAME>`, where the name is the subscriber's `secret_name`; bearer
tokens of their look-ups are `DEALTHREAD_READ_TOKEN_<NAME>`, by its `token_name`.
"""


def settings_page() -> str:
    """docs/settings.md."""
    parts = [_HEAD, _section("Core", Settings)]
    parts += [_section(name, kind) for name, kind in adapter_settings()]
    return "\n".join(parts)


def adapter_settings() -> Iterator[tuple[str, type[BaseSettings]]]:
    """Each adapter's name and settings class, by name."""
    root = importlib.import_module("adapters")
    for module in sorted(pkgutil.walk_packages(root.__path__, "adapters."), key=lambda m: m.name):
        if not module.name.endswith(".settings"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, BaseSettings) and kind.__module__ == module.name:
                yield f"Adapter {module.name.split('.')[-2]}", kind


def _section(title: str, kind: type[BaseSettings]) -> str:
    about = inspect.getdoc(kind) or ""
    notes = _notes(kind)
    prefix = str(kind.model_config.get("env_prefix", ""))
    lines = [f"## {title}", "", _one_line(about.split("\n\n")[0]), ""]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        lines.append(f"| `{prefix}{name.upper()}` | {_default(field)} | {notes.get(name, '')} |")
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required, secret*" if _is_secret(field.annotation) else "*required*"
    if _is_secret(field.annotation):
        return "none, *secret*"
    value = field.get_default(call_default_factory=True, validated_data={})
    return f"`{value}`" if value not in ("", (), None) else "none"


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


def _notes(kind: type[BaseSettings]) -> dict[str, str]:
    """The text under each field: a string on the line after it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    if not isinstance(body, ast.ClassDef):
        return {}
    found: dict[str, str] = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[field.target.id] = _one_line(str(after.value.value))
    return found


def _one_line(text: str) -> str:
    """One line of a table: outside code, angle brackets would be taken for tags."""
    pieces = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(
        piece if place % 2 else piece.replace("<", "&lt;") for place, piece in enumerate(pieces)
    )
