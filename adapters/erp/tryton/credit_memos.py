"""What becomes of a posted credit memo: it reduces its invoice, or a settlement entry moves it to
the customer's balance or to the account that the refund comes out of."""

from __future__ import annotations

from adapters.erp.tryton import entries, settling
from adapters.erp.tryton.ledger import GENERAL, Books, customer, open_books
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.domain.receivable import CreditSettlement, LedgerCreditMemo, TakenBackCredit
from dealthread.domain.revenue.journal import Side
from dealthread.errors import StepRejected

CASH_OVER_UNDER = "cash.over_under"


async def check_room(operation: Operation, memo: LedgerCreditMemo) -> None:
    """Before anything is written: the invoice that it reduces has that much open."""
    for part in memo.settlements:
        if part.form is CreditForm.OPEN_INVOICE:
            invoice = await settling.posted_invoice(operation, memo.corrects, "erp.rejected")
            require_open(invoice, memo.corrects, part.amount)


def require_open(invoice: Row, key: str, amount: Money) -> None:
    """Refuse to settle more than is open: the rest is the caller's to place."""
    if invoice["currency."]["code"] != amount.currency:
        raise StepRejected(
            "other_currency", case_kind=CASH_OVER_UNDER, field="amount", document_key=key
        )
    if invoice["amount_to_pay"] < amount.amount:
        raise StepRejected(
            "more_than_open",
            case_kind=CASH_OVER_UNDER,
            field="amount",
            document_key=key,
            open=str(invoice["amount_to_pay"]),
            amount=str(amount.amount),
        )


async def settle(operation: Operation, memo: LedgerCreditMemo, posted: Row) -> None:
    """As far as that has not happened yet."""
    rows = await _lines(operation, posted)
    if all(row["reconciliation"] for row in rows):
        return
    if memo.is_applied_whole:
        invoice = await settling.posted_invoice(operation, memo.corrects, "erp.rejected")
        await settling.pay_with(operation, invoice, rows)
        return
    entry = await _settlement(operation, memo, rows)
    lines = await entries.lines_of(operation, [entry["id"]])
    receivable = [row for row in lines if row["account."]["code"] == memo.receivable_account]
    applied = [row for row in receivable if row["credit"]]
    if applied:
        invoice = await settling.posted_invoice(operation, memo.corrects, "erp.rejected")
        await settling.pay_with(operation, invoice, applied)
    own = [row["id"] for row in (*rows, *receivable) if not row["credit"] or row in rows]
    await settling.reconcile(operation, own)


async def check_withdrawable(operation: Operation, taken: TakenBackCredit) -> None:
    """Before anything is written: the memo reduces its invoice, and nothing has closed the two."""
    memo = await settling.posted_invoice(operation, taken.memo, "erp.rejected")
    lines = await _lines(operation, memo)
    invoice = await settling.posted_invoice(operation, taken.invoice, "erp.rejected")
    own = {row["id"] for row in lines}
    is_undone = await settling.find_invoices(operation, taken.document.document_key)
    reduces = own <= set(invoice["payment_lines"]) and invoice["state"] == "posted"
    if not is_undone and not reduces:
        raise StepRejected(
            "credit_is_used",
            case_kind="erp.rejected",
            field="memo",
            document_key=taken.memo,
            number=memo["reference"] or "",
        )


async def take_back(operation: Operation, taken: TakenBackCredit, posted: Row) -> None:
    """The memo is no payment of its invoice any more, and its undo closes it."""
    memo = await settling.posted_invoice(operation, taken.memo, "erp.rejected")
    invoice = await settling.posted_invoice(operation, taken.invoice, "erp.rejected")
    lines = await _lines(operation, memo)
    counted = [row["id"] for row in lines if row["id"] in invoice["payment_lines"]]
    if counted:
        await operation.write(
            "model.account.invoice.write",
            [invoice["id"]],
            {"payment_lines": [["remove", counted]]},
        )
    open_lines = [*lines, *await _lines(operation, posted)]
    left = [row["id"] for row in open_lines if row["reconciliation"] is None]
    if left:
        await settling.reconcile(operation, left)


async def _lines(operation: Operation, invoice: Row) -> list[Row]:
    """Of the receivable, as it counts: at the document's own rate, where an entry of ours put that
    right."""
    rows = await operation.rows(
        "account.move.line", [["id", "in", invoice["lines_to_pay"]]], entries.LINE_FIELDS
    )
    side = "credit" if invoice["total_amount"] < 0 else "debit"
    anew = [row for row in rows if row["move"] in invoice["additional_moves"] and row[side]]
    return anew or [row for row in rows if row["move"] == invoice["move"]]


async def _settlement(operation: Operation, memo: LedgerCreditMemo, rows: list[Row]) -> Row:
    party = await customer(operation, memo.customer_key)
    codes = [memo.receivable_account, *(part.credited for part in memo.settlements)]
    books = await open_books(operation, memo.dates.posting_date, codes, {memo.currency}, GENERAL)
    whole = sum(row["credit"] - row["debit"] for row in rows)
    left = Money.of(whole, books.currency)
    values = [
        entries.line(
            books,
            memo.receivable_account,
            Side.DEBIT,
            left,
            party=party["id"],
            document=memo.gross,
            text=memo.document_key,
        )
    ]
    # What pays the invoice first. In another currency the last part takes what is left, so that the
    # entry balances.
    parts = sorted(memo.settlements, key=lambda part: part.form is not CreditForm.OPEN_INVOICE)
    for number, part in enumerate(parts, start=1):
        own = await _taken(operation, memo, part, books)
        amount = left if number == len(parts) else own
        left = left - amount
        is_invoice = part.form is CreditForm.OPEN_INVOICE
        values.append(
            entries.line(
                books,
                memo.receivable_account if is_invoice else part.credited,
                Side.CREDIT,
                amount,
                party=party["id"],
                document=part.amount,
                text=memo.corrects if is_invoice else memo.customer_key,
            )
        )
    return await entries.post_once(
        operation,
        memo.document_key,
        entries.SETTLEMENT,
        lambda: (books, values, memo.number),
    )


async def _taken(
    operation: Operation, memo: LedgerCreditMemo, part: CreditSettlement, books: Books
) -> Money:
    """What a part stands for in the ledger's currency: of its invoice the last part takes all that
    the invoice is carried at."""
    if memo.rate is None:
        return part.amount
    if part.form is CreditForm.OPEN_INVOICE:
        invoice = await settling.posted_invoice(operation, memo.corrects, "erp.rejected")
        if invoice["amount_to_pay"] == part.amount.amount:
            return Money.of(await settling.carried(operation, invoice), books.currency)
    return memo.rate.of(part.amount)
