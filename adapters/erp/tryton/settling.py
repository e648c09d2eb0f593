"""Settlement of receivables: which line pays which invoice, and when both are closed.

A line that pays an invoice is put among the invoice's payment lines, where Tryton itself subtracts
it from the amount to pay; the lines are reconciled when nothing is left to pay. A part payment
therefore stays visible as one, and the wizard for payments, which would compute amounts and
exchange differences of its own and takes no key, is not needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.errors import ContractDrift, StepRejected

INVOICE_FIELDS = (
    "number",
    "reference",
    "comment",
    "description",
    "state",
    "type",
    "party.code",
    "currency.code",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "amount_to_pay",
    "lines_to_pay",
    "payment_lines",
    "lines",
    "move",
    "move.number",
    "additional_moves",
    "invoice_date",
    "accounting_date",
)
_WIZARD = "wizard.account.move.reconcile_lines"


async def find_invoices(operation: Operation, key: str) -> list[Row]:
    """Invoices and credit memos with this key that are not cancelled, posted ones first."""
    domain = [
        ["comment", "like", f"{key} %"],
        ["company", "=", operation.context["company"]],
        ["type", "=", "out"],
        ["state", "!=", "cancelled"],
    ]
    rows = await operation.rows("account.invoice", domain, INVOICE_FIELDS, order=[["id", "ASC"]])
    return sorted(rows, key=lambda row: row["state"] not in ("posted", "paid"))


async def invoice_by_id(operation: Operation, invoice_id: int) -> Row:
    rows = await operation.rows("account.invoice", [["id", "=", invoice_id]], INVOICE_FIELDS)
    if not rows:
        raise ContractDrift("invoice_not_readable")
    return rows[0]


async def posted_invoice(
    operation: Operation, key: str, case_kind: str, native_id: str = ""
) -> Row:
    """The posted invoice of a key, or the case that there is none; by Tryton's own id one that
    others posted."""
    found = await (_by_id(operation, native_id) if native_id else find_invoices(operation, key))
    if not found or found[0]["state"] not in ("posted", "paid"):
        code = "document_not_posted" if found else "document_unknown"
        raise StepRejected(code, case_kind=case_kind, field="document_key", document_key=key)
    return found[0]


async def _by_id(operation: Operation, native_id: str) -> list[Row]:
    domain = [
        ["id", "=", int(native_id)],
        ["company", "=", operation.context["company"]],
        ["type", "=", "out"],
    ]
    return await operation.rows("account.invoice", domain, INVOICE_FIELDS)


async def pay_with(operation: Operation, invoice: Row, lines: Sequence[Row]) -> None:
    """Count these lines as payment of the invoice, and close it when nothing is left."""
    own = set(invoice["payment_lines"])
    new = [row["id"] for row in lines if row["id"] not in own and row["reconciliation"] is None]
    if new:
        await operation.write(
            "model.account.invoice.write", [invoice["id"]], {"payment_lines": [["add", new]]}
        )
    await close_if_settled(operation, invoice["id"])


async def carried(operation: Operation, invoice: Row) -> Decimal:
    """What is open of an invoice, in the ledger's currency."""
    ids = [*invoice["lines_to_pay"], *invoice["payment_lines"]]
    rows = await operation.rows(
        "account.move.line",
        [["id", "in", ids], ["reconciliation", "=", None]],
        ["debit", "credit"],
    )
    return sum((row["debit"] - row["credit"] for row in rows), Decimal(0))


async def close_if_settled(operation: Operation, invoice_id: int) -> None:
    """Reconcile what is still open of an invoice that has nothing left to pay."""
    invoice = await invoice_by_id(operation, invoice_id)
    if invoice["state"] != "posted" or invoice["amount_to_pay"] != 0:
        return
    ids = [*invoice["lines_to_pay"], *invoice["payment_lines"]]
    rows = await operation.rows(
        "account.move.line", [["id", "in", ids], ["reconciliation", "=", None]], ["debit"]
    )
    if rows:
        await reconcile(operation, [row["id"] for row in rows])


async def reconcile(operation: Operation, line_ids: Sequence[int]) -> None:
    """Close lines of one account and customer whose sum is nought."""
    ids = list(line_ids)
    context = {"active_model": "account.move.line", "active_ids": ids, "active_id": ids[0]}
    answer = await operation.write(f"{_WIZARD}.create", **context)
    try:
        run, state = int(answer[0]), str(answer[1])
    except (TypeError, IndexError, ValueError) as failure:
        raise ContractDrift("wizard_answer") from failure
    try:
        shown = await operation.write(f"{_WIZARD}.execute", run, {}, state, **context)
    finally:
        await operation.write(f"{_WIZARD}.delete", run, **context)
    if isinstance(shown, dict) and "view" in shown:
        # It asks for a write-off: the lines are not nought in sum. Nothing was reconciled.
        raise StepRejected(
            "settlement_differs", case_kind="cash.over_under", field="amount", lines=str(len(ids))
        )
