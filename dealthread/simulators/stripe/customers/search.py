"""Search over customers: a small part of Stripe's query language, and its lag.

Source: docs.stripe.com/search. Results are eventually consistent, so that an object missing from a
search proves nothing: here a change becomes visible after the configured lag of business time.
"""

from __future__ import annotations

import re

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.listing import DEFAULT_LIMIT
from dealthread.simulators.stripe.world import Context

_FIELDS = ("email", "name", "phone")
_CLAUSE = re.compile(
    r"""\s*(?:metadata\[(?P<mq>["'])(?P<key>.*?)(?P=mq)\]|(?P<field>[a-z_.]+))
        \s*:\s*(?P<vq>["'])(?P<value>(?:\\.|(?!(?P=vq)).)*)(?P=vq)\s*""",
    re.VERBOSE,
)


def index(ctx: Context, obj: Json) -> None:
    """Hand the object's present state to the index; it becomes visible after the lag."""
    hidden = ctx.account.secret(obj["id"])
    document = {name: obj.get(name) for name in _FIELDS}
    document["metadata"] = dict(obj["metadata"])
    versions = [*hidden.get("search", [])]
    versions.append({"at": ctx.exact_now(), "document": document})
    # Of the versions already visible only the newest matters.
    visible = [one for one in versions if one["at"] + _lag(ctx) <= ctx.exact_now()]
    hidden["search"] = versions[len(visible) - 1 :] if visible else versions


def forget(ctx: Context, obj: Json) -> None:
    """Take a deleted object out of the index."""
    ctx.account.secret(obj["id"]).pop("search", None)


def customers(ctx: Context, params: Json) -> Json:
    """GET /v1/customers/search."""
    clauses, is_or = parse(params["query"])
    found = []
    for customer in reversed(ctx.account.of("customer").values()):
        document = _visible(ctx, customer)
        if document is None:
            continue
        hits = [_matches(document, name, value) for name, value in clauses]
        if any(hits) if is_or else all(hits):
            found.append(customer)
    limit = params.get("limit", DEFAULT_LIMIT)
    start = _offset(params.get("page"))
    rows = found[start : start + limit]
    has_more = len(found) > start + limit
    return {
        "object": "search_result",
        "data": rows,
        "has_more": has_more,
        "next_page": f"page_{start + limit}" if has_more else None,
        "url": "/v1/customers/search",
    }


def parse(query: str) -> tuple[list[tuple[str, str]], bool]:
    """Clauses of a query and whether they are joined by OR."""
    clauses: list[tuple[str, str]] = []
    joins: set[str] = set()
    position = 0
    while True:
        match = _CLAUSE.match(query, position)
        if match is None:
            raise StripeError.unsupported(f"the search query {query!r}", param="query")
        field = match["field"]
        if field is not None and field not in _FIELDS:
            raise StripeError.invalid(
                f"Field `{field}` is an unsupported search field for resource `customers`.",
                param="query",
            )
        name = field or f"metadata:{match['key']}"
        clauses.append((name, re.sub(r"\\(.)", r"\1", match["value"])))
        position = match.end()
        if position == len(query):
            break
        join = re.compile(r"(AND|OR)\s", re.IGNORECASE).match(query, position)
        if join is None:
            raise StripeError.unsupported(f"the search query {query!r}", param="query")
        joins.add(join[1].upper())
        position = join.end()
    if len(joins) > 1:
        raise StripeError.invalid("You can't mix AND and OR in one query.", param="query")
    return clauses, joins == {"OR"}


def _lag(ctx: Context) -> float:
    return ctx.world.config.search_lag_seconds


def _visible(ctx: Context, obj: Json) -> Json | None:
    document: Json | None = None
    for version in ctx.account.hidden.get(obj["id"], {}).get("search", []):
        if version["at"] + _lag(ctx) <= ctx.exact_now():
            document = version["document"]
    return document


def _matches(document: Json, name: str, value: str) -> bool:
    if name.startswith("metadata:"):
        held = document["metadata"].get(name.removeprefix("metadata:"))
        return bool(held == value)
    # Words are matched without case (docs.stripe.com/search: string values are case-insensitive).
    return bool(str(document.get(name) or "").casefold() == value.casefold())


def _offset(page: str | None) -> int:
    if page is None:
        return 0
    number = page.removeprefix("page_")
    if not number.isdigit():
        raise StripeError.invalid(f"Invalid page: {page}", param="page")
    return int(number)
