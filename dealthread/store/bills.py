"""The biller's invoices of our contracts as they were last read, in PostgreSQL (`hub.Bills`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.store.schema import bills


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

    async def seen(self, bill: Bill, read_at: datetime) -> None:
        values = {
            "contract_key": bill.contract_key,
            "number": bill.number,
            "body": bill.model_dump(mode="json"),
            "read_at": read_at,
        }
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(bills)
                .values(billing_account=bill.ref.account, native_id=bill.ref.native_id, **values)
                .on_conflict_do_update(
                    index_elements=["billing_account", "native_id"],
                    set_=values,
                    where=bills.c.read_at <= read_at,
                )
            )
