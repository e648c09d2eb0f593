"""Judges requests and responses by the types Stripe generates into its own Python package.

The data (routes, `…Params` types, resource classes of the installed `stripe`) are Stripe's; the
glue is ours. Limits: it proves shapes, never behaviour; it knows no rules across fields; Stripe
marks its enumerations open (`Literal[…] | str`) and closing them here is our heuristic.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import types
import typing
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import stripe
from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._request_options import RequestOptions
from stripe._search_result_object import SearchResultObject
from stripe._stripe_object import StripeObject, UntypedStripeObject
from typing_extensions import is_typeddict

from dealthread.simulators.stripe.wire import form

_PACKAGE = Path(stripe.__file__).parent
# The services of sub-packages that the simulator serves.
_INNER_SERVICES = (
    _PACKAGE / "test_helpers" / "_test_clock_service.py",
    *sorted((_PACKAGE / "billing").glob("_meter*_service.py")),
)
_INNER = (stripe.test_helpers, stripe.billing)
_INNER_PARAMS = (stripe.params.test_helpers, stripe.params.billing)
# Deviations that are known and right, with the reason.
KNOWN_EXCEPTIONS = {
    "SearchResultObject.next_page: expected str, got null": (
        "docs.stripe.com/search: next_page is null on the last page; the class says str"
    ),
    "SearchResultObject[Customer]: unknown field url": (
        "docs.stripe.com/api/customers/search shows url in the answer; the class leaves it out"
    ),
}


@dataclass(frozen=True)
class Exchange:
    """One request with its answer, as it went over the wire."""

    method: str
    path: str
    query: str
    body: str
    status: int
    text: str


@dataclass(frozen=True)
class Operation:
    """One route of Stripe's own services."""

    method: str
    pattern: re.Pattern[str]
    holes: int
    params: str | None
    answer: str


@cache
def operations() -> tuple[Operation, ...]:
    """All v1 routes, read from the package's service classes without importing them."""
    found: dict[tuple[str, str], Operation] = {}
    for path in (*sorted(_PACKAGE.glob("_*_service.py")), *_INNER_SERVICES):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                operation = _operation(node)
                if operation is not None:
                    found[operation.method, operation.pattern.pattern] = operation
    return tuple(sorted(found.values(), key=lambda one: one.holes))


def _operation(function: ast.FunctionDef) -> Operation | None:
    for node in ast.walk(function):
        is_call = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "_request"
        )
        if not is_call or not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        method, url = node.args[0], node.args[1]
        if isinstance(url, ast.Call) and isinstance(url.func, ast.Attribute):
            url = url.func.value
        if not isinstance(method, ast.Constant) or not isinstance(url, ast.Constant):
            return None
        text = str(url.value)
        if not text.startswith("/v1/") or function.returns is None:
            return None
        holes = re.findall(r"\{[a-z_]+\}", text)
        pattern = re.escape(text)
        for hole in holes:
            pattern = pattern.replace(re.escape(hole), "[^/]+")
        names = [
            re.findall(r"\w+Params", ast.unparse(argument.annotation))
            for argument in function.args.args
            if argument.arg == "params" and argument.annotation is not None
        ]
        params = names[0][0] if names and names[0] else None
        answer = ast.unparse(function.returns).strip("'\"")
        return Operation(
            str(method.value).upper(), re.compile(f"^{pattern}$"), len(holes), params, answer
        )
    return None


def find(method: str, path: str) -> Operation | None:
    """The route of a request; fixed words win over ids."""
    for operation in operations():
        if operation.method == method and operation.pattern.match(path):
            return operation
    return None


@cache
def _names(module_name: str) -> dict[str, Any]:
    """The names a module's annotations may use, those imported for type checking included."""
    module = importlib.import_module(module_name)
    names: dict[str, Any] = dict(vars(typing)) | dict(vars(module))
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("stripe."):
            source = importlib.import_module(str(node.module))
            for alias in node.names:
                if hasattr(source, alias.name):
                    names[alias.asname or alias.name] = getattr(source, alias.name)
    return names


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The evaluated annotations of a class or TypedDict, its own only."""
    names = _names(kind.__module__)
    hints: dict[str, Any] = {}
    for name, annotation in kind.__annotations__.items():
        # Options of the client are inherited by the parameter types; they never go over the wire.
        if not (is_typeddict(kind) and name in RequestOptions.__annotations__):
            hints[name] = _evaluate(annotation, names)
    return hints


def _evaluate(annotation: Any, names: dict[str, Any]) -> Any:
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        # Alternatives may be quoted as a whole: "Literal['']|List[Foo]".
        return _evaluate(eval(annotation, names), names)  # noqa: S307 Stripe's own annotations
    origin = get_origin(annotation)
    if origin is None or origin is Literal:
        return annotation
    arguments = tuple(_evaluate(argument, names) for argument in get_args(annotation))
    if str(origin).endswith("NotRequired") or str(origin).endswith("Required"):
        return arguments[0]
    if origin in (Union, types.UnionType):
        return Union[arguments]  # noqa: UP007 built from a tuple
    return _Generic(origin, arguments)


@dataclass(frozen=True)
class _Generic:
    """A generic type with its evaluated arguments."""

    origin: Any
    arguments: tuple[Any, ...]

    def __call__(self) -> None:
        """Being callable makes it acceptable inside typing.Union."""


def _closed(alternatives: tuple[Any, ...]) -> tuple[Any, ...]:
    """Drop the `str` that opens an enumeration; `Literal['']|str` is no enumeration."""
    words = [word for one in alternatives if get_origin(one) is Literal for word in get_args(one)]
    if any(word != "" for word in words):
        return tuple(one for one in alternatives if one is not str)
    return alternatives


def check(value: Any, kind: Any, where: str, *, lax: bool) -> list[str]:
    """What is wrong with a value; `lax` reads the strings of a form as numbers and booleans."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        results = [check(value, one, where, lax=lax) for one in _closed(get_args(kind))]
        return min(results, key=len)
    if kind is Any:
        return []
    if origin is Literal:
        options = get_args(kind)
        given = True if lax and value == "true" and True in options else value
        return [] if given in options else [f"{where}: {value!r} is none of {options[:8]}"]
    if isinstance(kind, _Generic):
        return _check_generic(value, kind, where, lax=lax)
    if kind in _SCALARS:
        is_right = _SCALARS[kind](value, lax)
        return [] if is_right else [f"{where}: expected {_name(kind)}, got {_shown(value)}"]
    if is_typeddict(kind):
        return _check_params(value, kind, where)
    if isinstance(kind, type) and issubclass(kind, StripeObject):
        return _check_object(value, kind, where)
    return [f"{where}: the judge does not know the type {kind!r}"]


def _name(kind: Any) -> str:
    return "null" if kind is type(None) else str(kind.__name__)


def _shown(value: Any) -> str:
    return "null" if value is None else repr(value)[:60]


def _is_int(value: Any, lax: bool) -> bool:
    if lax:
        return isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _is_decimal(value: Any, lax: bool) -> bool:
    try:
        return isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        return False


_SCALARS: dict[Any, Any] = {
    str: lambda value, lax: isinstance(value, str),
    int: _is_int,
    bool: lambda value, lax: value in ("true", "false") if lax else isinstance(value, bool),
    float: lambda value, lax: (
        _is_decimal(value, lax)
        if lax
        else isinstance(value, int | float) and not isinstance(value, bool)
    ),
    Decimal: _is_decimal,
    type(None): lambda value, lax: value is None,
}


def _check_generic(value: Any, kind: _Generic, where: str, *, lax: bool) -> list[str]:
    if kind.origin is list:
        items = _listed(value) if lax else value
        if not isinstance(items, list):
            return [f"{where}: expected a list, got {_shown(value)}"]
        return _each(enumerate(items), kind.arguments[0], where, lax=lax)
    if kind.origin in (dict, UntypedStripeObject):
        if not isinstance(value, dict):
            return [f"{where}: expected a hash, got {_shown(value)}"]
        return _each(value.items(), kind.arguments[-1], where, lax=lax)
    if kind.origin in (ListObject, SearchResultObject):
        return _check_object(value, kind.origin, where, of=kind.arguments[0])
    return [f"{where}: the judge does not know the type {kind!r}"]


def _each(pairs: Any, kind: Any, where: str, *, lax: bool) -> list[str]:
    return [
        problem for key, one in pairs for problem in check(one, kind, f"{where}[{key}]", lax=lax)
    ]


def _listed(value: Any) -> Any:
    """A decoded form keeps lists as hashes with positions."""
    if isinstance(value, dict) and all(str(key).isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


def _check_params(value: Any, kind: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: expected a hash, got {_shown(value)}"]
    hints = _hints(kind)
    problems = [f"{where}: unknown parameter {name}" for name in value if name not in hints]
    problems += [
        f"{where}: missing parameter {name}"
        for name in kind.__required_keys__
        if name in hints and name not in value
    ]
    for name, one in value.items():
        if name in hints:
            problems += check(one, hints[name], f"{where}.{name}", lax=True)
    return problems


def _check_object(value: Any, kind: Any, where: str, *, of: Any = None) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: expected {kind.__name__}, got {_shown(value)}"]
    # A deleted discount is answered whole (docs.stripe.com/api/discounts/delete).
    if value.get("deleted") is True and kind is not stripe.Discount:
        return [] if set(value) == {"id", "object", "deleted"} else [f"{where}: odd deletion"]
    hints = {
        name: hint
        for name, hint in _hints(kind).items()
        if not name.startswith("_") and "ClassVar" not in str(hint)
    }
    if of is not None:
        hints["data"] = _Generic(list, (of,))
        hints["object"] = str
    problems = [f"{where}: unknown field {name}" for name in value if name not in hints]
    for name, hint in hints.items():
        place = f"{kind.__name__}.{name}"
        if name in value:
            problems += check(value[name], hint, place, lax=False)
        elif type(None) not in get_args(hint):
            problems.append(f"{place}: missing")
    return problems


def _resource(name: str) -> Any:
    """The class or list of classes a service says it returns."""
    names = {"ListObject": ListObject, "SearchResultObject": SearchResultObject}
    match = re.fullmatch(r"(ListObject|SearchResultObject)\[['\"]?(\w+)['\"]?\]", name)
    if match:
        return _Generic(names[match[1]], (_named(match[2], stripe, *_INNER),))
    return _named(name, stripe, *_INNER)


def _named(name: str, *modules: Any) -> Any:
    """What the first module that has the name calls by it."""
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def params_of(operation: Operation) -> Any:
    """The type of an operation's parameters; None where it takes none."""
    if operation.params is None:
        return None
    return _named(operation.params, stripe.params, *_INNER_PARAMS)


def judge_request(method: str, path: str, text: str) -> list[str]:
    """Violations of a request's parameters; an unknown route is one."""
    operation = find(method, path)
    if operation is None:
        return [f"{method} {path}: no such route in stripe's services"]
    tree = form.decode(text)
    if operation.params is None:
        return [f"{method} {path}: takes no parameters"] if tree else []
    return _check_params(tree, params_of(operation), operation.params)


def judge_answer(method: str, path: str, status: int, value: Any) -> list[str]:
    """Violations of an answer's shape."""
    if status >= 400:
        return check(value.get("error"), stripe.ErrorObject, "error", lax=False)
    operation = find(method, path)
    if operation is None:
        return [f"{method} {path}: no such route in stripe's services"]
    problems = check(value, _resource(operation.answer), operation.answer, lax=False)
    for event in _events(value):
        problems += judge_event_object(event)
    return problems


def _events(value: Any) -> list[Any]:
    rows = value.get("data", []) if isinstance(value, dict) and "data" in value else []
    held = rows if isinstance(rows, list) else []
    return [one for one in [value, *held] if isinstance(one, dict) and one.get("object") == "event"]


def judge_event_object(event: Any) -> list[str]:
    """Violations of the object inside an event."""
    held = event["data"]["object"]
    module, name = OBJECT_CLASSES[held["object"]]
    kind = getattr(importlib.import_module(module), name)
    return _check_object(held, kind, f"event {event['type']}")


def judge(exchange: Exchange) -> list[str]:
    """Violations of one exchange, known exceptions left out.

    Requests that were refused are judged by their answer only: tests send wrong ones on purpose.
    """
    problems: list[str] = []
    if exchange.status < 400:
        text = exchange.body if exchange.method == "POST" else exchange.query
        problems += judge_request(exchange.method, exchange.path, text)
    value = json.loads(exchange.text)
    problems += judge_answer(exchange.method, exchange.path, exchange.status, value)
    return [problem for problem in problems if problem not in KNOWN_EXCEPTIONS]
