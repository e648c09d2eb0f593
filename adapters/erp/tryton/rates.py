"""The rate at which Tryton converts a document of a day: treasury keeps it in Tryton.

Tryton takes the latest rate of each currency up to the day, however old it is. A pair is as old as
the older of its two rates; the currency whose rate is 1 is the table's unit and does not age.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal

from adapters.erp.tryton.ledger import ledger_currency
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.errors import StepRejected
from dealthread.ports.ledger import RATE_MISSING

SOURCE = "Tryton"
PLACES = Decimal("1e-12")
"""Of a rate: enough that no document's amount depends on the rest."""


async def rate_of(
    operation: Operation, currency: str, on: date, oldest: timedelta
) -> LedgerRate | None:
    """None in the ledger's own currency. Raises StepRejected for none, or one that is older."""
    own = await ledger_currency(operation)
    if currency == own:
        return None
    theirs, ours = await asyncio.gather(
        _latest(operation, currency, on), _latest(operation, own, on)
    )
    if theirs is None or ours is None:
        raise _missing(currency if theirs is None else own, currency, own, on)
    ages = [row["date"] for row in (theirs, ours) if row["rate"] != 1]
    day = min(ages, default=min(theirs["date"], ours["date"]))
    if on - day > oldest:
        raise _missing(currency, currency, own, on, last=day.isoformat())
    rate = (ours["rate"] / theirs["rate"]).quantize(PLACES).normalize() + 0
    return LedgerRate(currency=own, rate=rate, rate_date=day, source=SOURCE)


async def _latest(operation: Operation, currency: str, on: date) -> Row | None:
    rows = await operation.rows(
        "currency.currency.rate",
        [["currency.code", "=", currency], ["date", "<=", on]],
        ["rate", "date"],
        order=[["date", "DESC"]],
        limit=1,
    )
    return rows[0] if rows and rows[0]["rate"] else None


def _missing(of: str, currency: str, own: str, on: date, **last: str) -> StepRejected:
    return StepRejected(
        RATE_MISSING,
        case_kind=ERP_REJECTED,
        field="rate",
        currency=of,
        pair=f"{currency}/{own}",
        day=on.isoformat(),
        next_step=f"enter the rate of {of} for {on.isoformat()} in the ledger, then retry",
        **last,
    )
