"""Accounting periods: read one, what in it is not posted, close it.

Tryton itself refuses to close a period with entries that are not posted; of draft invoices, which
have no entry yet, it says nothing.
"""

from __future__ import annotations

from datetime import date, timedelta

from adapters.erp.tryton import entries
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.ledger import LedgerPeriod, LedgerPeriodState, UnpostedDocument
from dealthread.domain.recognition.rows import month_after
from dealthread.errors import NotFound, StepRejected

_OPEN = "open"


async def read(
    operation: Operation, companies: Companies, company: str, month: date
) -> LedgerPeriod:
    """The standard period of a month. Raises NotFound."""
    row = await _row(operation, month)
    if row is None:
        raise NotFound("period_not_found", company=company, month=f"{month:%Y-%m}")
    return _period(companies, company, row)


async def unposted(
    operation: Operation, companies: Companies, company: str, month: date
) -> tuple[UnpostedDocument, ...]:
    """Entries of the period that are not posted, and invoices dated in it that have no number."""
    end = month_after(month)
    of_company = ["company", "=", operation.context["company"]]
    moves = await operation.rows(
        "account.move",
        [of_company, ["state", "!=", "posted"], ["date", ">=", month], ["date", "<", end]],
        ["number", "date", "description"],
        order=[["date", "ASC"], ["id", "ASC"]],
    )
    drafts = await operation.rows(
        "account.invoice",
        [
            of_company,
            ["state", "in", ["draft", "validated"]],
            [
                "OR",
                [["accounting_date", ">=", month], ["accounting_date", "<", end]],
                [
                    ["accounting_date", "=", None],
                    ["invoice_date", ">=", month],
                    ["invoice_date", "<", end],
                ],
            ],
        ],
        ["number", "invoice_date", "accounting_date", "comment", "reference"],
        order=[["id", "ASC"]],
    )
    return (
        *(
            UnpostedDocument(
                ref=companies.ref(company, "journal", row["id"]),
                number=row["number"] or "",
                day=row["date"],
                document_key=entries.key_and_kind(row["description"])[0],
                description=row["description"] or "",
            )
            for row in moves
        ),
        *(
            UnpostedDocument(
                ref=companies.ref(company, "invoice", row["id"]),
                number=row["number"] or "",
                day=row["accounting_date"] or row["invoice_date"],
                document_key=entries.key_and_kind(row["comment"])[0],
                description=row["reference"] or "",
            )
            for row in drafts
        ),
    )


async def close(
    operation: Operation, companies: Companies, company: str, month: date
) -> LedgerPeriod:
    """The closed period; one that is closed already is left as it is."""
    row = await _row(operation, month)
    if row is None:
        raise StepRejected("period_missing", case_kind=ERP_REJECTED, field="period")
    if row["state"] == _OPEN:
        waiting = await unposted(operation, companies, company, month)
        if waiting:
            raise StepRejected(
                "period_has_unposted",
                case_kind=ERP_REJECTED,
                field="period",
                documents=", ".join(one.number or str(one.ref) for one in waiting[:10]),
            )
        await operation.write("model.account.period.close", [row["id"]])
        row = await _row(operation, month) or row
    return _period(companies, company, row)


def _period(companies: Companies, company: str, row: Row) -> LedgerPeriod:
    is_open = row["state"] == _OPEN and row["fiscalyear."]["state"] == _OPEN
    return LedgerPeriod(
        ref=companies.ref(company, "period", row["id"]),
        company=company,
        start=row["start_date"],
        end=row["end_date"] + timedelta(days=1),
        state=LedgerPeriodState.OPEN if is_open else LedgerPeriodState.CLOSED,
    )


async def _row(operation: Operation, month: date) -> Row | None:
    rows = await operation.rows(
        "account.period",
        [
            ["company", "=", operation.context["company"]],
            ["start_date", "=", month],
            ["end_date", "=", month_after(month) - timedelta(days=1)],
            ["type", "=", "standard"],
        ],
        ["start_date", "end_date", "state", "fiscalyear.state"],
    )
    return rows[0] if rows else None
