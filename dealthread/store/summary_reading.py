"""A day's summary and the invoices that it holds, for people: both ways, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.base import Frozen, System
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
        """By the summary's number, id or key, or the ledger's id of it or of its payments; or by
        the number or id of an invoice that it holds. Raises NotFound, and BadInput where that names
        several."""
        async with self._engine.connect() as connection:
            found = await summaries_named(connection, name)
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


async def summaries_named(connection: AsyncConnection, name: str) -> Sequence[Row[Any]]:
    """Summaries that a name may mean: more than one where the ledger's own id is of several kinds
    or companies. `system:account:kind:id`, as refs are told, means at most one."""
    parts = name.split(":", 3)
    if len(parts) == 4 and parts[0] == System.ERP:
        _, account, kind, native_id = parts
        wanted = _by_ref(account, kind, native_id)
    else:
        wanted = or_(
            _SUMMARIES.summary_id.in_((name, _id_of(name))),
            _has({"ref": {"native_id": name}}),
            _has({"document_key": name}),
            _SUMMARIES.summary_id.in_(_holding(name)),
        )
    rows = await connection.execute(select(posting_summaries).where(wanted))
    return rows.all()


def _by_ref(account: str, kind: str, native_id: str) -> ColumnElement[bool]:
    """As the postings of its invoices and payments tell it."""
    if kind == "summary_number":
        return _SUMMARIES.summary_id == _id_of(native_id)
    if kind == "invoice_number":
        return _SUMMARIES.summary_id.in_(_holding(native_id))
    if kind == "receipt_number":
        return _has({"ref": {"account": account}, "number": native_id})
    if kind == "summary_key":
        return _has({"ref": {"account": account}, "document_key": native_id})
    return _has({"ref": {"account": account, "kind": kind, "native_id": native_id}})


def _has(document: dict[str, Any]) -> ColumnElement[bool]:
    """Whether the summary itself, or the payments of a day, are so in the ledger."""
    return or_(_SUMMARIES.document.contains(document), _SUMMARIES.receipts.contains([document]))


def _holding(name: str) -> Select[tuple[str]]:
    """Which holds an invoice, by the invoice's number or id."""
    return (
        select(_MEMBERS.summary_id)
        .join(
            bills,
            (bills.c.billing_account == _MEMBERS.billing_account)
            & (bills.c.native_id == _MEMBERS.native_id),
        )
        .where(or_(bills.c.number == name, bills.c.native_id == name))
    )


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
