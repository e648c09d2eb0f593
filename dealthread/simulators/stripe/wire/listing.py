"""The list envelope with cursors: newest first, `starting_after`, `ending_before`, `limit`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Reversible
from itertools import islice

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError

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
    """One page of the items, which come oldest first. Reads no further than the page needs."""
    limit = params.get("limit", DEFAULT_LIMIT)
    if "starting_after" in params and "ending_before" in params:
        raise StripeError.invalid(
            "You may only specify one of these parameters: starting_after, ending_before.",
            param="starting_after",
        )
    held = items if isinstance(items, Reversible) else list(items)
    rows = (
        item for item in (reversed(held) if newest_first else held) if keep is None or keep(item)
    )
    if "ending_before" in params:
        before = _up_to(rows, params["ending_before"], kind)
        return envelope(before[-limit:], url, has_more=len(before) > limit)
    # Asking whether the cursor is there moves the rows on to what follows it.
    if "starting_after" in params and not any(
        row["id"] == params["starting_after"] for row in rows
    ):
        raise StripeError.no_such(kind, params["starting_after"], param="starting_after")
    chosen = list(islice(rows, limit + 1))
    return envelope(chosen[:limit], url, has_more=len(chosen) > limit)


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


def _up_to(rows: Iterable[Json], cursor: str, kind: str) -> list[Json]:
    before: list[Json] = []
    for row in rows:
        if row["id"] == cursor:
            return before
        before.append(row)
    raise StripeError.no_such(kind, cursor, param="ending_before")
