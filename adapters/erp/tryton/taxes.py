"""Which of Tryton's taxes each line of a document bears: the code's row of the tax point.

A code whose rate has changed is several taxes of one name in Tryton, each with its first and last
day. A charge bears the one of the document's tax point. What gives back an earlier charge bears
that one's: a credit memo the taxes of the invoice that it corrects.

Tryton computes a document's taxes as of its accounting date and leaves out one that is not valid
then; such a tax is entered by hand, as a person would.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adapters.erp.tryton import settling
from adapters.erp.tryton.invoice_values import Document, is_valid
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.domain.money import EXPONENTS, Money
from dealthread.domain.receivable import LedgerInvoice, LedgerLine
from dealthread.errors import StepRejected

_FIELDS = (
    "name",
    "rate",
    "type",
    "invoice_account",
    "credit_note_account",
    "description",
    "start_date",
    "end_date",
)


async def taxes_of(operation: Operation, document: Document, original: str) -> list[Row | None]:
    """The tax of each line, in their order; None for one that states no tax.

    Raises StepRejected for a code that Tryton lacks on the day, and for an amount that no rate of
    the code makes.
    """
    wanted = sorted({line.tax_code for line in document.lines if line.tax_code})
    if not wanted:
        return [None for _ in document.lines]
    rows = await operation.rows(
        "account.tax",
        [["name", "in", wanted], ["company", "=", operation.context["company"]]],
        _FIELDS,
        order=[["start_date", "DESC"], ["id", "DESC"]],
    )
    percentages = [row for row in rows if row["type"] == "percentage"]
    borne = await _borne(operation, original)
    return [
        _tax_of(line, document, percentages, borne) if line.tax_code else None
        for line in document.lines
    ]


async def _borne(operation: Operation, original: str) -> set[int]:
    """Ids of the taxes of the document that is corrected."""
    found = await settling.find_invoices(operation, original) if original else []
    if not found:
        return set()
    rows = await operation.rows("account.invoice", [["id", "=", found[0]["id"]]], ["taxes.tax"])
    return {int(tax["tax"]) for row in rows for tax in row["taxes."]}


def _tax_of(line: LedgerLine, document: Document, rows: Sequence[Row], borne: set[int]) -> Row:
    own = [row for row in rows if row["name"] == line.tax_code]
    on = document.dates.tax_point
    valid = [row for row in own if is_valid(row, on)]
    if not valid:
        raise StepRejected(
            "tax_unknown",
            case_kind="tax.rejected",
            field="tax_code",
            tax_code=line.tax_code,
            tax_point=on.isoformat(),
        )
    is_charge = isinstance(document, LedgerInvoice) and not borne and line.net.amount >= 0
    earlier = [row for row in own if row["start_date"] is None or row["start_date"] <= on]
    choice = valid if is_charge else [r for r in own if r["id"] in borne] + valid + earlier
    fits = next((row for row in choice if _difference(line, row) <= _unit(line)), None)
    if fits is None:
        raise StepRejected(
            "tax_differs",
            case_kind="tax.difference",
            field="tax",
            line=line.line_key,
            tax_code=line.tax_code,
            given=str(line.tax.amount),
            computed=str(_computed(line, choice[0])),
        )
    return fits


def _difference(line: LedgerLine, row: Row) -> Decimal:
    return abs(_computed(line, row) - line.tax.amount)


def _computed(line: LedgerLine, row: Row) -> Decimal:
    return Money.rounded(line.net.amount * (row["rate"] or 0), line.net.currency).amount


def _unit(line: LedgerLine) -> Decimal:
    """A difference of more is no rounding: it is a case. Each line of the biller has rounded by
    itself."""
    return Decimal(1).scaleb(-EXPONENTS[line.net.currency]) * line.sums
