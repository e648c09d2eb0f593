"""The list envelope with cursors: newest first, `starting_after`, `ending_before`, `limit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dealthread.simulators.stripe.errors import StripeError
from dealthread.simulators.stripe.store import Json

DEFAULT_LIMIT = 10


def page(
    items: Iterable[Json],
    params: Json,
    url: str,
    *,
    kind: str,
    keep: Callable[[Json], bool] | None = None,
    newest_first: bool = True,
) -> Json:
    """One page of the items, which come oldest first."""
    rows = [item for item in items if keep is None or keep(item)]
    if newest_first:
        rows.reverse()
    limit = params.get("limit", DEFAULT_LIMIT)
    if "starting_after" in params and "ending_before" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: starting_after, ending_before.",
            param="starting_after",
        )
    if "starting_after" in params:
        rows = rows[_position(rows, params, "starting_after", kind) + 1 :]
        chosen = rows[:limit]
    elif "ending_before" in params:
        rows = rows[: _position(rows, params, "ending_before", kind)]
        chosen = rows[-limit:]
    else:
        chosen = rows[:limit]
    return envelope(chosen, url, has_more=len(rows) > len(chosen))


def envelope(data: list[Json], url: str, *, has_more: bool = False) -> Json:
    """The list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def within(value: int | None, bounds: Json | None) -> bool:
    """Whether a time lies in the range of a filter; no filter lets everything pass."""
    if bounds is None:
        return True
    if value is None:
        return False
    return bool(
        value > bounds.get("gt", value - 1)
        and value >= bounds.get("gte", value)
        and value < bounds.get("lt", value + 1)
        and value <= bounds.get("lte", value)
    )


def _position(rows: list[Json], params: Json, name: str, kind: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == params[name]:
            return index
    raise StripeError.no_such(kind, params[name], param=name)
