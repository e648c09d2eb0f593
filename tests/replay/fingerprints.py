"""Which commands workflow code issues, in which order: `python -m tests.replay.fingerprints`.

Histories guard the paths that were recorded; this guards the others. For each function that issues
commands, itself or through what it calls, the calls are listed in source order, each under the
branches and loops around it, and with what leaves those early. Comments and form do not count, and
neither does the wording of conditions: a changed condition is for the reader of the change to see.
Calls are told apart by name alone, which errs towards too many.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("fingerprints.lock.json")
SAGA = "dealthread.saga"

Sources = Mapping[str, str]
"""Source text by module."""
Fingerprints = dict[str, dict[str, list[str]]]
"""Calls by function by module."""

COMMANDS = frozenset(
    """
    execute_activity execute_activity_class execute_activity_method execute_child_workflow
    execute_local_activity execute_local_activity_class execute_local_activity_method
    start_activity start_activity_class start_activity_method start_child_workflow
    start_local_activity start_local_activity_class start_local_activity_method
    continue_as_new deprecate_patch get_external_workflow_handle
    get_external_workflow_handle_for patched sleep timeout timeout_at upsert_memo
    upsert_search_attributes wait_condition wait_for
    """.split()
)
_SCHEDULING = frozenset(
    {"as_completed", "create_task", "ensure_future", "gather", "shield", "wait"}
)
"""Of asyncio: they decide which of two commands comes first."""
_GIVEN = frozenset({"act", "attempt", "link", "undo"})
"""What the saga is given to run: its steps."""
_JUMPS = {ast.Return: "return", ast.Raise: "raise", ast.Break: "break", ast.Continue: "continue"}
_LEAVES = tuple(f": {word}" for word in _JUMPS.values())
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def sources(root: Path = ROOT) -> dict[str, str]:
    """All code that runs inside workflows and issues commands."""
    paths = [*sorted((root / "workflows").glob("*.py")), root / "dealthread" / "saga.py"]
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in paths
        if path.stem != "__init__"
    }


def activity_types(root: Path = ROOT) -> dict[str, str]:
    """`Class.method` to the type that histories hold."""
    found: dict[str, str] = {}
    for path in sorted((root / "activities").glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found |= {
                    f"{node.name}.{method.name}": name
                    for method in node.body
                    if isinstance(method, FunctionNode) and (name := _defined_as(method))
                }
    return found


def workflow_types(code: Sources) -> dict[str, tuple[str, str]]:
    """Class to its module and the type that histories hold."""
    return {
        node.name: (module, name)
        for module, text in code.items()
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and (name := _defined_as(node))
    }


def _defined_as(node: ast.ClassDef | FunctionNode) -> str:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(".defn"):
            for given in mark.keywords:
                if given.arg == "name" and isinstance(given.value, ast.Constant):
                    return str(given.value.value)
    return ""


def modules_of(code: Sources) -> dict[str, list[str]]:
    """Workflow type to the modules that its runs go through. Children run on their own."""
    types = workflow_types(code)
    imports = {module: _imports(text, code, types) for module, text in code.items()}
    found: dict[str, list[str]] = {}
    for module, name in types.values():
        reached, left = set[str](), [module]
        while left:
            one = left.pop()
            if one not in reached:
                reached.add(one)
                left += imports[one]
        found[name] = sorted(reached)
    return dict(sorted(found.items()))


def _imports(text: str, code: Sources, types: Mapping[str, object]) -> list[str]:
    return [
        node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module in code
        if not all(alias.name in types for alias in node.names)
    ]


def fingerprints(code: Sources, activities: Mapping[str, str]) -> Fingerprints:
    """Every function that issues commands, itself or through what it calls."""
    functions = {module: dict(_functions(ast.parse(text).body)) for module, text in code.items()}
    issuing = _issuing(node for inner in functions.values() for node in inner.values())
    children = {f"{name}.run": told for name, (_, told) in workflow_types(code).items()}
    found: Fingerprints = {}
    for module, inner in functions.items():
        reader = _Reader(issuing, dict(activities) | children, _constants(code[module]))
        calls = {name: reader.of(node) for name, node in inner.items()}
        if any(calls.values()):
            found[module] = {name: told for name, told in calls.items() if told}
    return found


def _functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, FunctionNode]]:
    for node in body:
        if isinstance(node, FunctionNode):
            yield f"{prefix}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")


def _issuing(functions: Iterable[FunctionNode]) -> frozenset[str]:
    """Names of functions that issue commands, to any depth."""
    calls: dict[str, set[str]] = {}
    for function in functions:
        inner = {_last_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
        calls.setdefault(function.name, set()).update(inner)
    known = COMMANDS | _SCHEDULING | _GIVEN
    while more := {name for name, inner in calls.items() if inner & known} - known:
        known |= more
    return frozenset(known)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.AST) -> str:
    """`a.b.c`, and empty for all that is no such name."""
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def _constants(text: str) -> dict[str, str]:
    return {
        target.id: node.value.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


class _Reader:
    """Reads one module's functions."""

    def __init__(
        self, issuing: frozenset[str], types: Mapping[str, str], constants: Mapping[str, str]
    ) -> None:
        self._issuing = issuing
        self._types = types
        self._constants = constants

    def of(self, function: FunctionNode) -> list[str]:
        """Its calls in source order; none where all it does is to branch."""
        told = [one for statement in function.body for one in self._under("", statement)]
        return told if any(not one.endswith(_LEAVES) for one in told) else []

    def _under(self, around: str, node: ast.AST) -> Iterator[str]:
        told = self._told(node)
        if told:
            yield f"{around}{told}"
        yield from self._within(around, node)
        if around and type(node) in _JUMPS:
            yield f"{around}{_JUMPS[type(node)]}"

    def _within(self, around: str, node: ast.AST) -> Iterator[str]:
        for name, value in ast.iter_fields(node):
            block = _block(node, name)
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, ast.AST) and not self._is_named_already(node, inner):
                    yield from self._under(f"{around}{block}", inner)

    def _told(self, node: ast.AST) -> str:
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Name):
            return f"await {node.value.id}"
        if isinstance(node, ast.Attribute):
            dotted = _dotted(node)
            if dotted in self._types:
                return self._types[dotted]
            # A step's act may be given without being called.
            given = dotted.startswith("self.") and node.attr in self._issuing - _GIVEN
            return node.attr if given else ""
        if not isinstance(node, ast.Call) or _last_name(node.func) not in self._issuing:
            return ""
        name = _last_name(node.func)
        if name == "wait_condition":
            timed = len(node.args) > 1 or any(one.arg == "timeout" for one in node.keywords)
            return "wait_condition(timeout)" if timed else "wait_condition"
        if name in COMMANDS and node.args:
            first = _dotted(node.args[0])
            kind = self._types.get(first) or self._constants.get(first)
            if kind is not None:
                return f"{name}({kind})"
        return name

    def _is_named_already(self, node: ast.AST, inner: ast.AST) -> bool:
        """The called function's own name, and the type that its call's line has."""
        if not isinstance(node, ast.Call) or not self._told(node):
            return False
        is_type = bool(node.args) and inner is node.args[0] and _dotted(inner) in self._types
        return is_type or (inner is node.func and not _has_call(inner))


def _has_call(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Call) for inner in ast.walk(node))


def _block(node: ast.AST, field: str) -> str:
    match node, field:
        case (ast.If() | ast.IfExp(), "body"):
            return "if: "
        case (ast.If() | ast.IfExp() | ast.For() | ast.While() | ast.Try(), "orelse"):
            return "else: "
        case (ast.For() | ast.AsyncFor() | ast.While(), "body"):
            return "loop: "
        case (ast.Try(), "body"):
            return "try: "
        case (ast.Try(), "finalbody"):
            return "finally: "
        case (ast.ExceptHandler(), "body"):
            return f"except {ast.unparse(node.type) if node.type else ''}: "
        case (ast.match_case(), "body"):
            return f"case {ast.unparse(node.pattern)}: "
        case (ast.FunctionDef() | ast.AsyncFunctionDef(), "body"):
            return f"{node.name}: "
        case (ast.Lambda(), "body"):
            return "lambda: "
    return ""


def lock_of(code: Sources, activities: Mapping[str, str]) -> dict[str, object]:
    """What the lock holds."""
    return {"modules": modules_of(code), "calls": fingerprints(code, activities)}


def changed(
    locked: Fingerprints, present: Fingerprints, modules: Mapping[str, list[str]]
) -> list[str]:
    """Each function that issues other commands than the lock says, in words."""
    said = []
    for module in sorted(locked.keys() | present.keys()):
        was, now = locked.get(module, {}), present.get(module, {})
        types = ", ".join(name for name, through in modules.items() if module in through)
        for function in sorted(was.keys() | now.keys()):
            before, after = was.get(function, []), now.get(function, [])
            if before != after:
                said.append(
                    f"{module}.{function} issues other commands than before, in runs of "
                    f"{types or 'no type'}.\n  before: {before}\n  now:    {after}\n"
                    "  Guard it with workflow.patched, replay (make replay), then "
                    "`make fingerprints`."
                )
    return said


def main() -> None:
    """Write the lock."""
    text = json.dumps(lock_of(sources(), activity_types()), indent=1, ensure_ascii=False)
    LOCK.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
