"""The kinds of case that the adapters name are kinds that somebody owns."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import adapters
from dealthread.domain.case import KINDS

ROOT = Path(adapters.__file__).parent
FAMILIES = "|".join(sorted({kind.partition(".")[0] for kind in KINDS}))
KIND = re.compile(rf"(?:{FAMILIES})\.[a-z_]+")


def texts_of(tree: ast.AST) -> set[str]:
    """String literals but those given as `field=`: names of fields look like kinds."""
    fields = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "field"
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in fields
    }


def test_every_kind_that_an_adapter_names_is_in_the_table() -> None:
    """Another one would end up in the wrong queue, as an answer of unknown shape."""
    named = {
        (str(path.relative_to(ROOT)), text)
        for path in ROOT.rglob("*.py")
        for text in texts_of(ast.parse(path.read_text()))
        if KIND.fullmatch(text)
    }
    assert {"crm.rejected", "billing.rejected", "tax.identifier"} <= {kind for _, kind in named}
    assert {(path, kind) for path, kind in named if kind not in KINDS} == set()
