"""Payments of our invoices by the processor's id, in PostgreSQL (`hub_payments.Payments`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import column, func, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.bill import Bill
from dealthread.domain.events import BusinessEvent
from dealthread.domain.money import Money
from dealthread.domain.paid_out import KnownPayment
from dealthread.domain.posted import PostedDocument
from dealthread.hub import WriteState
from dealthread.naming import receipt_key
from dealthread.store.journal import publish_all
from dealthread.store.schema import bills, contracts, journal


class PostgresPayments:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine, tenant: str = "default") -> None:
        self._engine = engine
        self._tenant = tenant

    async def known(
        self, billing_account: str, payments: Sequence[str]
    ) -> Mapping[str, Sequence[KnownPayment]]:
        wanted = {one for one in payments if one}
        if not wanted:
            return {}
        paid = func.jsonb_array_elements(bills.c.body["payments"]).table_valued(
            column("value", JSONB)
        )
        query = (
            select(bills.c.body, contracts.c.seller, contracts.c.customer_key)
            .select_from(
                bills.join(contracts, contracts.c.contract_key == bills.c.contract_key).join(
                    paid, true()
                )
            )
            .where(
                bills.c.billing_account == billing_account,
                paid.c.value["processor_id"].astext.in_(wanted),
            )
            .distinct()
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
            carried = await _carried(connection, sorted({row.body["contract_key"] for row in rows}))
        found: dict[str, list[KnownPayment]] = {}
        for row in sorted(rows, key=lambda one: str(one.body["number"])):
            bill = Bill.model_validate(row.body)
            for one in bill.payments:
                if one.processor_id in wanted:
                    key = receipt_key(
                        self._tenant,
                        row.seller,
                        billing_account,
                        bill.ref.native_id,
                        one.ref.native_id,
                    )
                    part = KnownPayment(
                        payment=one.processor_id,
                        amount=one.amount,
                        native_id=one.ref.native_id,
                        contract_key=bill.contract_key,
                        customer_key=row.customer_key,
                        invoice_id=bill.ref.native_id,
                        invoice_number=bill.number,
                        carried=carried.get(key),
                    )
                    found.setdefault(one.processor_id, []).append(part)
        return found

    async def told(self, events: tuple[BusinessEvent, ...]) -> None:
        async with self._engine.begin() as connection:
            await publish_all(connection, events)


async def _carried(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Money]:
    """What the ledger made of each payment when it was posted, by its document key."""
    rows = await connection.execute(
        select(journal.c.result).where(
            journal.c.contract_key.in_(keys),
            journal.c.step == "erp.receipt",
            journal.c.state == WriteState.DONE,
        )
    )
    found = {}
    for text in rows.scalars():
        document = PostedDocument.model_validate_json(text)
        rate = document.rate
        found[document.document_key] = rate.of(document.gross) if rate else document.gross
    return found
