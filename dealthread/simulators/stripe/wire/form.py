"""Decode Stripe's form bodies and query strings: nested brackets become a tree.

`items[0][price]=p&expand[]=x` becomes `{"items": {"0": {"price": "p"}}, "expand": {"0": "x"}}`.
Lists stay dictionaries keyed by position here: only the schema of an operation knows whether `[0]`
is a list index or a metadata key called "0".
"""

from __future__ import annotations

import hashlib
import json
from urllib.parse import parse_qsl

from dealthread.simulators.stripe.wire.errors import StripeError

_BAD_NAME = "Invalid parameter name: {name}"
Tree = dict[str, "str | Tree"]

# Deeper nesting than any parameter of the operations served here has.
MAX_DEPTH = 12


def split_name(name: str) -> list[str]:
    """Split `a[b][]` into `["a", "b", ""]`; refuse unbalanced brackets."""
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [head]
    if not head or not name.endswith("]"):
        raise StripeError.invalid(_BAD_NAME.format(name=name), param=name)
    parts = [head, *rest[:-1].split("][")]
    if len(parts) > MAX_DEPTH or any("[" in part or "]" in part for part in parts):
        raise StripeError.invalid(_BAD_NAME.format(name=name), param=name)
    return parts


def decode(text: str) -> Tree:
    """Decode a form body or a query string into a tree of strings."""
    tree: Tree = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=False):
        _place(tree, split_name(name), value, name)
    return tree


def _place(tree: Tree, parts: list[str], value: str, name: str) -> None:
    node = tree
    for position, part in enumerate(parts):
        key = str(len(node)) if part == "" else part
        if position == len(parts) - 1:
            if isinstance(node.get(key), dict):
                raise StripeError.invalid(_BAD_NAME.format(name=name), param=name)
            node[key] = value
            return
        child = node.setdefault(key, {})
        if isinstance(child, str):
            raise StripeError.invalid(_BAD_NAME.format(name=name), param=name)
        node = child


def fingerprint(method: str, path: str, tree: Tree) -> str:
    """Digest of what a request asks for, for the comparison under one idempotency key."""
    canonical = json.dumps([method, path, tree], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
