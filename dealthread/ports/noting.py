"""What a port says of a change before it makes it: names of fields, never a value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dealthread.domain.customer_field import CustomerField

NoteFields = Callable[[frozenset[CustomerField]], Awaitable[None]]
"""Awaited once, before the first request that changes anything, with every field whose present
value is another one. Not awaited where nothing differs, or where the record is newly made."""


async def unnoted(_: frozenset[CustomerField]) -> None:
    """For who does not keep what changes."""
