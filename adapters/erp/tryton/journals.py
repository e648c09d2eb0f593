"""Journals, and their reversal by our own opposite entry.

Tryton's own "cancel moves" wizard is not used: it takes the date and description of its own choice
and no key, so that its result could not be found again after a lost answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.erp.tryton import entries, settling
from adapters.erp.tryton.ledger import GENERAL, customer, ledger_currency, open_books
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.ledger import EntryLine, LedgerJournal, Reversal
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind
from dealthread.errors import ContractDrift, StepRejected

REVERSIBLE = (DocumentKind.JOURNAL, DocumentKind.RECEIPT, DocumentKind.WRITE_OFF)
_UNRECONCILE = "wizard.account.move.unreconcile_lines"


async def ensure_journal(operation: Operation, command: LedgerJournal) -> Row:
    """The posted entry of a key."""
    found = await entries.find_entries(operation, command.document_key, DocumentKind.JOURNAL)
    if len(found) == 1 and found[0]["state"] == "posted":
        return found[0]
    values = await _values(operation, command)
    return await entries.post_once(
        operation, command.document_key, DocumentKind.JOURNAL, lambda: values
    )


async def _values(operation: Operation, command: LedgerJournal) -> Any:
    documents = [line.document_amount for line in command.lines]
    books = await open_books(
        operation,
        command.posting_date,
        [line.account for line in command.lines],
        {amount.currency for amount in documents if amount is not None},
        GENERAL,
    )
    parties: dict[str, int] = {}
    for key in sorted({line.customer_key for line in command.lines if line.customer_key}):
        parties[key] = int((await customer(operation, key))["id"])
    lines = [
        entries.line(
            books,
            line.account,
            line.side,
            line.amount,
            party=parties.get(line.customer_key),
            document=line.document_amount,
            text=line.text,
            maturity=command.posting_date,
        )
        for line in command.lines
    ]
    return books, lines, command.description


async def reverse(operation: Operation, command: Reversal) -> Row | None:
    """The opposite entry, or None where there is nothing to undo."""
    found = await entries.find_entries(operation, command.reverses, *REVERSIBLE)
    original = next((row for row in found if row["state"] == "posted"), None)
    drafts = [row["id"] for row in found if row["state"] != "posted"]
    if drafts:
        await operation.write("model.account.move.delete", drafts)
    if original is None:
        return None
    lines = await entries.lines_of(operation, [original["id"]])
    made = await entries.find_entries(operation, command.document_key, DocumentKind.REVERSAL)
    if len(made) == 1 and made[0]["state"] == "posted":
        entry = made[0]
    else:
        other = await opposite_of(operation, command.reverses)
        if other and entries.key_and_kind(other["description"])[0] != command.document_key:
            raise StepRejected(
                "reversed_already",
                case_kind=ERP_REJECTED,
                field="reverses",
                by=other["number"] or str(other["id"]),
            )
        values = await _opposite(operation, command, lines)
        entry = await entries.post_once(
            operation, command.document_key, DocumentKind.REVERSAL, lambda: values
        )
    await _unsettle(operation, lines, await entries.lines_of(operation, [entry["id"]]))
    return entry


async def opposite_of(operation: Operation, key: str) -> Row | None:
    """The posted entry that undid the one of a key; none where nothing did."""
    rows = await operation.rows(
        "account.move",
        [
            ["description", "like", f"% {DocumentKind.REVERSAL}: of {key},%"],
            ["company", "=", operation.context["company"]],
            ["state", "=", "posted"],
        ],
        ["number", "description"],
        limit=1,
    )
    return rows[0] if rows else None


async def _opposite(operation: Operation, command: Reversal, lines: Sequence[Row]) -> Any:
    own = await ledger_currency(operation)
    foreign = {row["second_currency."]["code"] for row in lines if row["second_currency."]}
    codes = [row["account."]["code"] for row in lines]
    books = await open_books(operation, command.posting_date, codes, foreign, GENERAL)
    values = []
    for row in lines:
        party = await customer(operation, row["party."]["code"]) if row["party."] else None
        line = entry_line(row, own).turned()
        values.append(
            entries.line(
                books,
                line.account,
                line.side,
                line.amount,
                party=party["id"] if party else None,
                document=line.document_amount,
                text=line.text,
                maturity=command.posting_date,
            )
        )
    return books, values, f"of {command.reverses}, {command.reason}"


async def _unsettle(operation: Operation, lines: Sequence[Row], opposite: Sequence[Row]) -> None:
    """Open the invoices that the undone lines paid, and close each line with its opposite."""
    for row, other in zip(lines, opposite, strict=True):
        if not row["account."]["party_required"] or other["reconciliation"] is not None:
            continue
        if row["reconciliation"] is not None:
            await _unreconcile(operation, row["id"])
        if row["invoice_payment"] is not None:
            await operation.write(
                "model.account.invoice.write",
                [row["invoice_payment"]],
                {"payment_lines": [["remove", [row["id"]]]]},
            )
        await settling.reconcile(operation, [row["id"], other["id"]])


async def _unreconcile(operation: Operation, line: int) -> None:
    context = {"active_model": "account.move.line", "active_ids": [line], "active_id": line}
    answer = await operation.write(f"{_UNRECONCILE}.create", **context)
    try:
        run, state = int(answer[0]), str(answer[1])
    except (TypeError, IndexError, ValueError) as failure:
        raise ContractDrift("wizard_answer") from failure
    try:
        await operation.write(f"{_UNRECONCILE}.execute", run, {}, state, **context)
    finally:
        await operation.write(f"{_UNRECONCILE}.delete", run, **context)


def entry_line(row: Row, currency: str) -> EntryLine:
    """A line as Tryton holds it, in the ledger's currency."""
    signed = row["debit"] - row["credit"]
    second = row["second_currency."]
    return EntryLine(
        account=row["account."]["code"],
        side=entries.side_of(row),
        amount=Money.of(abs(signed), currency),
        document_amount=(
            Money.of(abs(row["amount_second_currency"]), second["code"]) if second else None
        ),
        customer_key=row["party."]["code"] if row["party."] else "",
        text=row["description"] or "",
    )
