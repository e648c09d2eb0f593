"""Usage that is reported while the draft of its period waits: counted when the draft finalises.

docs.stripe.com/billing/subscriptions/usage-based/configure-grace-period: an hour by default; what
is reported later, or belongs to a later period, is not on that invoice.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

from dealthread.simulators.stripe.invoices import drafts
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.invoices.drafts import Entry
from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.usage import lines as usage_lines
from dealthread.simulators.stripe.world import Context


def close(ctx: Context, invoice: Json) -> None:
    """Bring the usage lines of a draft up to date, before it gets its number."""
    held = drafts.entries(ctx, invoice)
    groups: dict[tuple[str, tuple[int, int]], list[Entry]] = {}
    for entry in held:
        key = _key(entry[0])
        if key is not None:
            groups.setdefault(key, []).append(entry)
    if not groups:
        return
    wanted: list[Entry] = []
    for charge, line_id in held:
        key = _key(charge)
        if key is None:
            wanted.append((charge, line_id))
        elif key in groups:
            wanted += _recounted(ctx, groups.pop(key), invoice["customer"])
    if [charge for charge, _ in wanted] != [charge for charge, _ in held]:
        drafts.compose(ctx, invoice, wanted)


def _key(charge: Charge) -> tuple[str, tuple[int, int]] | None:
    item_id = usage_lines.item_of(charge)
    return None if item_id is None else (item_id, (charge.period[0], charge.period[1]))


def _recounted(ctx: Context, entries: list[Entry], customer_id: str) -> list[Entry]:
    """The lines of one item and period again; those that stay keep their ids and discounts."""
    first = entries[0][0]
    fresh = usage_lines.recounted(ctx, first, customer_id)
    ids = [line_id for _, line_id in entries[: len(fresh)]]
    return [
        (replace(charge, discounts=first.discounts), line_id)
        for charge, line_id in zip_longest(fresh, ids)
    ]
