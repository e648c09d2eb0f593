"""Bills whose posting, or whose payment, is not in the ledger in time.

A bill that was once seen with all that it says in the ledger is not looked at again until it is
read again: the sweep costs as much as there is on its way.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, and_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.adoption.carried import paid_since
from dealthread.domain.bill import Bill, BillPayment
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.documents import BALANCE
from dealthread.domain.service_level import Late, Level, ServiceLevels
from dealthread.hub import WriteState
from dealthread.naming import (
    idempotency_key,
    invoice_id,
    negative_invoice_key,
    receipt_key,
)
from dealthread.store.schema import bills, contracts, journal
from dealthread.store.schema_adoption import adopted_openings
from dealthread.store.schema_summaries import posting_summaries, posting_summary_members
from dealthread.store.service_levels import OF_CONTRACT, PAGE, late_of


class LateBills:
    """Of all contracts of a tenant."""

    def __init__(self, engine: AsyncEngine, tenant: str = "default") -> None:
        self._engine = engine
        self._tenant = tenant

    async def find(self, levels: ServiceLevels, now: datetime, *, note: bool) -> list[Late]:
        """Late postings and payments; `note` marks the bills that are done with."""
        found: list[Late] = []
        after = ("", "")
        while True:
            async with self._engine.begin() as connection:
                rows = (await connection.execute(_page(after))).all()
                expected = [self._expected(row) for row in rows]
                done = await _done(connection, [key for some in expected for key, _ in some])
                in_order = []
                for row, documents in zip(rows, expected, strict=True):
                    missing = [late for key, late in documents if key not in done]
                    if not missing:
                        in_order.append((row.billing_account, row.native_id, row.read_at))
                    # What is not posted cannot be settled: that is one cause, not two.
                    found += (
                        missing[:1] if missing and missing[0].level is Level.POSTED else missing
                    )
                if note and in_order:
                    # Unless it was read again meanwhile.
                    await connection.execute(
                        update(bills)
                        .where(
                            tuple_(bills.c.billing_account, bills.c.native_id, bills.c.read_at).in_(
                                in_order
                            )
                        )
                        .values(to_check=False)
                    )
            if len(rows) < PAGE:
                return [one for one in found if one.is_late(levels, now)]
            after = (rows[-1].billing_account, rows[-1].native_id)

    def _expected(self, row: Row[Any]) -> list[tuple[str, Late]]:
        """Each document that the ledger must have: the key of its write, and what is said when it
        is missing."""
        bill = Bill.model_validate(row.bill)
        name = invoice_id(bill.ref.account, bill.ref.native_id)
        told = {
            "invoice": bill.number or bill.ref.native_id,
            "billing_account": bill.ref.account,
        }
        if bill.status is InvoiceStatus.DRAFT:
            drafted = bill.drafted_at or row.read_at
            draft = late_of(row, Level.FINALISED, drafted, name, money=bill.gross, evidence=told)
            return [("", draft)]  # no write of ours ends it: it is read again
        if not bill.gross or bill.status is InvoiceStatus.VOID:
            return []
        payments: tuple[BillPayment, ...] | None = bill.payments
        is_old = row.as_of is not None and bill.issue_date and bill.issue_date < row.as_of
        if is_old:
            left = row.owed.get(bill.ref.native_id)
            payments = paid_since(bill, Money.of(left, bill.currency)) if left else ()
        issued = bill.finalised_at or _end_of(bill.issue_date or row.read_at.date())
        # One that waits for its day's summary is not late before that is.
        issued = max(issued, row.summary_due_at or issued)
        posted = late_of(row, Level.POSTED, issued, name, money=abs(bill.gross), evidence=told)
        if bill.gross.amount < 0:
            key = negative_invoice_key(
                self._tenant, row.seller, bill.ref.account, bill.ref.native_id
            )
            return [(idempotency_key(name, 1, f"credit-{key}", "do"), posted)]
        # Others posted an old one, and used what balance there was.
        expected = [] if is_old else [(idempotency_key(name, 1, "invoice", "do"), posted)]
        paid: list[tuple[str, Money, datetime]] = [
            (one.ref.native_id, one.amount, max(end, row.summary_due_at or end))
            for one in payments or ()
            for end in (_end_of(one.paid_on),)
        ]
        if bill.balance_used.amount > 0 and not is_old:
            paid.append((BALANCE, bill.balance_used, issued))
        for source, amount, since in paid:
            document = receipt_key(
                self._tenant, row.seller, bill.ref.account, bill.ref.native_id, source
            )
            late = late_of(
                row,
                Level.APPLIED,
                since,
                name,
                part=source,
                money=amount,
                evidence={**told, "payment": source},
            )
            expected.append((idempotency_key(name, 1, f"receipt-{document}", "do"), late))
        return expected


def _end_of(day: date) -> datetime:
    """The biller tells the day of a payment, not the hour."""
    return datetime.combine(day, time(0), UTC) + timedelta(days=1)


def _page(after: tuple[str, str]) -> Any:
    keys = (bills.c.billing_account, bills.c.native_id)
    return (
        select(*keys, bills.c.body.label("bill"), bills.c.read_at, *OF_CONTRACT)
        .add_columns(
            adopted_openings.c.as_of,
            adopted_openings.c.owed,
            posting_summaries.c.due_at.label("summary_due_at"),
        )
        .join(contracts, contracts.c.contract_key == bills.c.contract_key)
        .outerjoin(adopted_openings, adopted_openings.c.contract_key == contracts.c.contract_key)
        .outerjoin(
            posting_summary_members,
            and_(
                posting_summary_members.c.billing_account == bills.c.billing_account,
                posting_summary_members.c.native_id == bills.c.native_id,
            ),
        )
        .outerjoin(
            posting_summaries,
            posting_summaries.c.summary_id == posting_summary_members.c.summary_id,
        )
        .where(bills.c.to_check, tuple_(*keys) > tuple_(*after))
        .order_by(*keys)
        .limit(PAGE)
    )


async def _done(connection: AsyncConnection, keys: list[str]) -> set[str]:
    rows = await connection.execute(
        select(journal.c.key).where(journal.c.key.in_(keys), journal.c.state == WriteState.DONE)
    )
    return set(rows.scalars())
