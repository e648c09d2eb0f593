"""Stripe's lists, page after page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from stripe import StripeObject

from adapters.stripe.clients import Answer, BillingAccount
from dealthread.errors import ContractDrift

MAX_PAGES = 50
"""A bound on a list that should be short; beyond it the answer is not trusted."""


async def pages(
    account: BillingAccount,
    operation: str,
    fetch: Callable[[str | None], Awaitable[StripeObject]],
    most: int = MAX_PAGES,
) -> AsyncIterator[Answer]:
    """All rows of a list; `fetch` gets the id after which the page begins."""
    after: str | None = None
    for _ in range(most):
        cursor = after

        def call(cursor: str | None = cursor) -> Awaitable[StripeObject]:
            return fetch(cursor)

        page = await account.read(operation, call)
        rows = rows_of(page)
        for row in rows:
            yield row
        if not page.get("has_more") or not rows:
            return
        after = str(rows[-1]["id"])
    raise ContractDrift("list_without_end", operation=operation)


def rows_of(page: Answer) -> list[dict[str, Any]]:
    """The rows of one page. Raises ContractDrift when they are not objects with an id."""
    rows = page.get("data")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows
    ):
        raise ContractDrift("billing_field_shape", field="data")
    return rows
