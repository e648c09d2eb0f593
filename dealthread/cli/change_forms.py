"""Orders of changes from the words of a command line; the process API checks what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import typer

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_WORDS = {"now": "now", "period-end": "period_end", "term-end": "term_end"}

Body = dict[str, Any]


def timing(given: str, option: str, words: tuple[str, ...]) -> Body:
    """`now`, `period-end`, `term-end` or a day, as the order says it."""
    if given in words:
        return {"timing": _WORDS[given]}
    if not _DAY.match(given):
        raise typer.BadParameter(
            f"{given!r} is none of {', '.join(words)}, YYYY-MM-DD", param_hint=option
        )
    return {"timing": "on_date", "effective_from": given}


def day(given: str, option: str) -> str:
    """A day as the process API takes it."""
    if not _DAY.match(given):
        raise typer.BadParameter(f"{given!r} is not YYYY-MM-DD", param_hint=option)
    return given


def lines(
    quantities: list[str],
    prices: list[str],
    added: list[str],
    removed: list[str],
    currency: Callable[[], str],
) -> list[Body]:
    """Lines of an order. `currency` is asked only where there is a price."""
    made: dict[str, Body] = {}
    for pair in quantities:
        line, quantity = named_value(pair, "--quantity", "LINE=N")
        made[line] = {"action": "quantity", "line_key": line, "quantity": quantity}
    for pair in prices:
        line, amount = named_value(pair, "--price", "LINE=AMOUNT")
        price = {"amount": amount, "currency": currency()}
        # One action for each line: a new quantity may carry a new price.
        made.setdefault(line, {"action": "price", "line_key": line})["unit_price"] = price
    for line in removed:
        if line in made:
            raise typer.BadParameter(f"{line} is changed as well", param_hint="--remove")
        made[line] = {"action": "remove", "line_key": line}
    return [*made.values(), *(_added(one, currency) for one in added)]


def _added(given: str, currency: Callable[[], str]) -> Body:
    product, rest = named_value(given, "--add", "PRODUCT=N@PRICE")
    quantity, at, price = rest.partition("@")
    if not quantity or (at and not price):
        raise typer.BadParameter(f"{given!r} is not PRODUCT=N@PRICE", param_hint="--add")
    body: Body = {"action": "add", "product_code": product, "quantity": quantity}
    if price:
        body["unit_price"] = {"amount": price, "currency": currency()}
    return body


def named_value(given: str, option: str, form: str) -> tuple[str, str]:
    """NAME=VALUE. Raises typer.BadParameter."""
    name, equals, value = given.partition("=")
    if not (name and equals and value):
        raise typer.BadParameter(f"{given!r} is not {form}", param_hint=option)
    return name, value
