"""What a port says of a write before it sends it: names of fields, never a value; and whether it
makes the record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dealthread.domain.customer_field import CustomerField

NoteFields = Callable[[frozenset[CustomerField]], Awaitable[None]]
"""Awaited once, before the first request that changes anything, with every field whose present
value is another one. Not awaited where nothing differs, or where the record is newly made."""


NoteMaking = Callable[[], Awaitable[None]]
"""Awaited before the request that makes a record, where the look-up found none under our key."""


async def unnoted(_: frozenset[CustomerField]) -> None:
    """For who does not keep what changes."""


async def unsaid() -> None:
    """For who does not keep what is made."""
