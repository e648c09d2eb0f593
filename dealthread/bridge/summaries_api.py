"""The process API of invoices that are one document of the ledger a day: look."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from dealthread.bridge.access import READ, requires
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.resources import Resources, resources_of
from dealthread.settings import Principal
from dealthread.store.summary_reading import SummaryReading, SummaryView

router = APIRouter(
    prefix="/v1/posting-summaries", tags=["posting summaries"], route_class=LimitedRoute
)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]


@router.get("/{name:path}")
async def summary(name: str, held: Held, _: Reader) -> SummaryView:
    """A summary with its invoices: by its number, its id or the ledger's id of it or of its payment
    (`erp:<account>:<kind>:<id>` where the id alone is not enough); or that which holds an invoice,
    by the invoice's number or id."""
    return await SummaryReading(held.engine).view(name)
