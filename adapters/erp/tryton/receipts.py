"""Receipts and write-offs: entries whose lines on the receivable pay invoices.

One line for each document that is settled, with its key as the line's text: so a repeat knows
which invoice a line is for, and a reader too.
"""

from __future__ import annotations

from typing import Any

from adapters.erp.tryton import entries, settling
from adapters.erp.tryton.credit_memos import require_open
from adapters.erp.tryton.ledger import CASH, GENERAL, customer, open_books
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind
from dealthread.domain.receipts import LedgerReceipt, WriteOff
from dealthread.domain.revenue.journal import Side

UNMATCHED = "cash.unmatched"


async def ensure_receipt(operation: Operation, receipt: LedgerReceipt) -> Row:
    """The posted entry, with its lines counted on the invoices."""
    entry = await _existing(operation, receipt.document_key, DocumentKind.RECEIPT)
    if entry is None:
        values = await _receipt(operation, receipt)
        entry = await entries.post_once(
            operation, receipt.document_key, DocumentKind.RECEIPT, lambda: values
        )
    for part in receipt.applications:
        await settle(operation, entry, part.document_key, part.native_id)
    return entry


async def ensure_write_off(operation: Operation, command: WriteOff) -> Row:
    """The posted entry, counted on the invoice."""
    entry = await _existing(operation, command.document_key, DocumentKind.WRITE_OFF)
    if entry is None:
        values = await _write_off(operation, command)
        entry = await entries.post_once(
            operation, command.document_key, DocumentKind.WRITE_OFF, lambda: values
        )
    await settle(operation, entry, command.document)
    return entry


async def settle(operation: Operation, entry: Row, key: str, native_id: str = "") -> None:
    """Count the entry's receivable lines that name a key on its invoice."""
    lines = await entries.lines_of(operation, [entry["id"]])
    own = [row for row in lines if row["description"] == key and row["party."]]
    invoice = await settling.posted_invoice(operation, key, UNMATCHED, native_id)
    await settling.pay_with(operation, invoice, own)


async def _existing(operation: Operation, key: str, kind: str) -> Row | None:
    found = await entries.find_entries(operation, key, kind)
    return found[0] if len(found) == 1 and found[0]["state"] == "posted" else None


async def _receipt(operation: Operation, receipt: LedgerReceipt) -> Any:
    for part in receipt.applications:
        invoice = await settling.posted_invoice(
            operation, part.document_key, UNMATCHED, part.native_id
        )
        require_open(invoice, part.document_key, part.amount)
    party = await customer(operation, receipt.customer_key)
    loss = receipt.exchange_loss()
    codes = [receipt.money_account, receipt.receivable_account]
    codes += [receipt.unapplied_account] if receipt.unapplied else []
    codes += [receipt.exchange_account] if loss else []
    day, currency = receipt.posting_date, receipt.amount.currency
    books = await open_books(operation, day, codes, {currency}, CASH)

    def own(amount: Money) -> Money:
        return receipt.rate.of(amount) if receipt.rate else amount

    lines = [
        entries.line(
            books,
            receipt.money_account,
            Side.DEBIT,
            own(receipt.amount),
            document=receipt.amount,
            text=receipt.reference or receipt.source.native_id,
        )
    ]
    for part in receipt.applications:
        lines.append(
            entries.line(
                books,
                receipt.receivable_account,
                Side.CREDIT,
                part.ledger_amount or part.amount,
                party=party["id"],
                document=part.amount,
                text=part.document_key,
            )
        )
    if receipt.unapplied:
        lines.append(
            entries.line(
                books,
                receipt.unapplied_account,
                Side.CREDIT,
                own(receipt.unapplied),
                document=receipt.unapplied,
                text=receipt.customer_key,
            )
        )
    if loss:
        side = Side.DEBIT if loss.amount > 0 else Side.CREDIT
        lines.append(entries.line(books, receipt.exchange_account, side, abs(loss)))
    text = f"{receipt.source.native_id} {receipt.value_date.isoformat()}"
    if receipt.rate is not None:
        text = f"{text}, {receipt.rate.said(currency)}"
    return books, lines, text


async def _write_off(operation: Operation, command: WriteOff) -> Any:
    invoice = await settling.posted_invoice(operation, command.document, "erp.rejected")
    require_open(invoice, command.document, command.gross)
    party = await customer(operation, command.customer_key)
    codes = [command.receivable_account, *(part.account for part in command.parts)]
    books = await open_books(
        operation, command.posting_date, codes, {command.gross.currency}, GENERAL
    )
    lines = [
        entries.line(books, part.account, Side.DEBIT, part.amount, party=party["id"])
        for part in command.parts
    ]
    lines.append(
        entries.line(
            books,
            command.receivable_account,
            Side.CREDIT,
            command.gross,
            party=party["id"],
            text=command.document,
        )
    )
    return books, lines, command.reason
