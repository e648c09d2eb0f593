"""The biller's invoices of our contracts as they were last read, in PostgreSQL (`hub.Bills`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.adoption.carried import OldInvoice
from dealthread.domain.adoption.plan import Proposal
from dealthread.domain.bill import Bill
from dealthread.domain.case import CaseAnswered, CaseOpening
from dealthread.domain.cash import OwedBill
from dealthread.domain.events import BusinessEvent
from dealthread.domain.invoice import InvoiceStatus
from dealthread.store.adoption_book import adopted_proposal
from dealthread.store.billed_usage import note_billed
from dealthread.store.case_opening import open_case, settle_case
from dealthread.store.journal import publish_all
from dealthread.store.schema import bills, contracts


class PostgresBills:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def named(self, invoice: str) -> Bill | None:
        """By its legal number, its id at the biller, or the business key of its way to cash. None
        where no bill of ours, or more than one, has that name."""
        account, _, native_id = invoice.removeprefix("invoice:").partition(":")
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(bills.c.body)
                .where(
                    or_(
                        bills.c.native_id == invoice,
                        and_(bills.c.number == invoice, bills.c.number != ""),
                        and_(bills.c.billing_account == account, bills.c.native_id == native_id),
                    )
                )
                .limit(2)
            )
            found = list(rows.scalars())
        return Bill.model_validate(found[0]) if len(found) == 1 else None

    async def owed(
        self, seller: str, numbers: Sequence[str], customer_key: str
    ) -> tuple[OwedBill, ...]:
        which: list[ColumnElement[bool]] = [bills.c.number.in_(numbers)]
        if customer_key:
            which.append(contracts.c.customer_key == customer_key)
        query = (
            select(
                bills.c.body,
                contracts.c.customer_key,
                contracts.c.customer_name,
                contracts.c.region,
            )
            .join(contracts, contracts.c.contract_key == bills.c.contract_key)
            .where(
                contracts.c.seller == seller,
                bills.c.number != "",
                or_(*which),
            )
            .order_by(bills.c.number)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_owed(row._mapping) for row in rows)

    async def old_invoice(self, bill: Bill) -> OldInvoice | None:
        async with self._engine.connect() as connection:
            body = await connection.scalar(adopted_proposal(bill.contract_key))
        invoices = Proposal.model_validate(body).invoices if body is not None else ()
        for one in invoices:
            if one.bill.ref == bill.ref:
                return OldInvoice(document=one.item.ref, owed=one.bill.remaining)
        return None

    async def buys(self, seller: str, customer_key: str) -> bool:
        mine = exists().where(
            contracts.c.seller == seller, contracts.c.customer_key == customer_key
        )
        async with self._engine.connect() as connection:
            return bool(await connection.scalar(select(mine)))

    async def seen(
        self,
        bill: Bill,
        read_at: datetime,
        events: tuple[BusinessEvent, ...] = (),
        cases: tuple[CaseOpening, ...] = (),
        answered: tuple[CaseAnswered, ...] = (),
    ) -> None:
        values = {
            "contract_key": bill.contract_key,
            "number": bill.number,
            # Who bought is the biller's to keep, and stands on the ledger's document.
            "body": bill.model_dump(mode="json", exclude={"buyer"}),
            "read_at": read_at,
            "to_check": True,
        }
        # What went out takes the place of its draft and is never one again, whatever the clocks of
        # two systems say of when: a draft is as old as the biller says it is.
        was_draft = bills.c.body["status"].astext == InvoiceStatus.DRAFT.value
        is_older = bills.c.read_at <= read_at
        is_draft = bill.status is InvoiceStatus.DRAFT
        may_replace = and_(is_older, was_draft) if is_draft else or_(is_older, was_draft)
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(bills)
                .values(billing_account=bill.ref.account, native_id=bill.ref.native_id, **values)
                .on_conflict_do_update(
                    index_elements=["billing_account", "native_id"],
                    set_=values,
                    where=may_replace,
                )
            )
            await note_billed(connection, bill.contract_key)
            await publish_all(connection, events)
            for opening in cases:
                await open_case(connection, opening)
            for one in answered:
                await settle_case(connection, one.case_id, one.note)


def _owed(row: Mapping[Any, Any]) -> OwedBill:
    bill = Bill.model_validate(row["body"])
    return OwedBill(
        ref=bill.ref,
        number=bill.number,
        contract_key=bill.contract_key,
        customer_key=row["customer_key"],
        customer_name=row["customer_name"] or "",
        region=row["region"] or "",
        remaining=bill.payable,
        issue_date=bill.issue_date,
    )
