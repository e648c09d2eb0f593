"""A day's summary and the invoices that it holds, for people: both ways, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Frozen
from dealthread.domain.bill import Bill
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import HeldState, SummaryPlace
from dealthread.errors import BadInput, NotFound
from dealthread.store.schema import bills
from dealthread.store.schema_summaries import posting_summaries, posting_summary_members

_MEMBERS, _SUMMARIES = posting_summary_members.c, posting_summaries.c


class HeldInvoice(Frozen):
    """An invoice that joined it, and what became of that."""

    number: str
    billing_account: str
    invoice_id: str
    contract_key: str
    gross: Money
    state: HeldState
    """`single` where it was sent back and is posted by itself."""
    taken_out_on: date | None = None
    """Since then it is posted by itself."""


class SummaryView(Frozen):
    """A summary with its invoices."""

    summary_id: str
    number: str
    seller: str
    currency: str
    issue_date: date
    part: int
    customer_key: str
    state: str
    """open, frozen (it is being posted) or posted."""
    due_at: datetime
    net: Money | None = None
    tax: Money | None = None
    gross: Money | None = None
    document: str = ""
    """The ledger's own id."""
    payments: tuple[str, ...] = ()
    invoices: tuple[HeldInvoice, ...]


class SummaryReading:
    """Queries for people."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def view(self, name: str) -> SummaryView:
        """By the summary's number, id, or the ledger's id; or by the number or id of an invoice
        that it holds. Raises NotFound, and BadInput where that names several."""
        async with self._engine.connect() as connection:
            found = await _named(connection, name)
            if len(found) > 1:
                raise BadInput(
                    "ambiguous_id",
                    field="name",
                    action="say which: " + ", ".join(sorted(row.summary_id for row in found)),
                )
            if not found:
                raise NotFound("summary_unknown", id=name)
            rows = await connection.execute(
                select(posting_summary_members, bills.c.body, bills.c.number)
                .join(
                    bills,
                    (bills.c.billing_account == _MEMBERS.billing_account)
                    & (bills.c.native_id == _MEMBERS.native_id),
                )
                .where(_MEMBERS.summary_id == found[0].summary_id)
                .order_by(bills.c.number)
            )
            return _view(found[0], rows.all())


async def _named(connection: AsyncConnection, name: str) -> Sequence[Row[Any]]:
    holds = (
        select(_MEMBERS.summary_id)
        .join(
            bills,
            (bills.c.billing_account == _MEMBERS.billing_account)
            & (bills.c.native_id == _MEMBERS.native_id),
        )
        .where(or_(bills.c.number == name, bills.c.native_id == name))
    )
    document = _SUMMARIES.document["ref"]["native_id"].astext
    rows = await connection.execute(
        select(posting_summaries).where(
            or_(
                _SUMMARIES.summary_id.in_((name, _id_of(name))),
                document == name,
                _SUMMARIES.summary_id.in_(holds),
            )
        )
    )
    return rows.all()


def _id_of(number: str) -> str:
    """The id of a summary whose number it may be: seller, day, currency, part."""
    head, _, part = number.rpartition("-")
    head, _, currency = head.rpartition("-")
    seller, day = head[:-11], head[-10:]
    return f"summary:{seller}:{currency}:{day}:{part}"


def _view(row: Row[Any], members: Sequence[Row[Any]]) -> SummaryView:
    place = SummaryPlace.model_validate(row.place)
    posted = None if row.document is None else PostedDocument.model_validate(row.document)
    return SummaryView(
        summary_id=place.summary_id,
        number=place.number,
        seller=place.seller,
        currency=place.currency,
        issue_date=place.issue_date,
        part=place.part,
        customer_key=place.customer_key,
        state=row.state,
        due_at=row.due_at,
        net=None if posted is None else posted.net,
        tax=None if posted is None else posted.tax,
        gross=None if posted is None else posted.gross,
        document="" if posted is None else posted.ref.native_id,
        payments=tuple(one["ref"]["native_id"] for one in row.receipts or ()),
        invoices=tuple(_invoice(one) for one in members),
    )


def _invoice(row: Row[Any]) -> HeldInvoice:
    bill = Bill.model_validate(row.body)
    return HeldInvoice(
        number=bill.number,
        billing_account=row.billing_account,
        invoice_id=row.native_id,
        contract_key=row.contract_key,
        gross=bill.gross,
        state=HeldState(row.state),
        taken_out_on=row.single_on if row.state == HeldState.FROZEN else None,
    )
