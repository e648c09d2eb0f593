"""Journal entries of ours in Tryton (`account.move`): found by the document key with which their
description begins, made once, posted, never deleted once posted.

An entry has no reference of its own in Tryton, and `origin` may name records only; the
description is free text, searchable, and stays as it is when the entry is posted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from adapters.erp.tryton.ledger import Books
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind
from dealthread.domain.revenue.journal import Side
from dealthread.errors import ContractDrift, StepRejected

ENTRY_FIELDS = ("number", "state", "date", "description", "origin", "period.state")
LINE_FIELDS = (
    "account.code",
    "account.party_required",
    "party.code",
    "debit",
    "credit",
    "second_currency.code",
    "amount_second_currency",
    "description",
    "reconciliation",
    "invoice_payment",
    "move",
)
TRANSFER, SETTLEMENT = "transfer", "settlement"
"""Entries that belong to an invoice or a credit memo and carry its key."""
_ZERO = Decimal(0)


def describe(key: str, kind: str, text: str = "") -> str:
    """Description of an entry: key, kind, and words for a person."""
    return f"{key} {kind}: {text}" if text else f"{key} {kind}"


def key_and_kind(description: str | None) -> tuple[str, str]:
    """The two from a description; "" where it is none of ours."""
    words = (description or "").split(" ", 2)
    if len(words) < 2 or len(words[0]) != 16 or not words[0].startswith("DT"):
        return "", ""
    return words[0], words[1].rstrip(":")


async def find_entries(operation: Operation, key: str, *kinds: str) -> list[Row]:
    """Entries with this key, posted ones first; of these kinds only, where any is named."""
    domain = [
        ["description", "like", f"{key} %"],
        ["company", "=", operation.context["company"]],
    ]
    rows = await operation.rows("account.move", domain, ENTRY_FIELDS, order=[["id", "ASC"]])
    meant = [row for row in rows if not kinds or key_and_kind(row["description"])[1] in kinds]
    return sorted(meant, key=lambda row: row["state"] != "posted")


async def lines_of(operation: Operation, entries: Sequence[int]) -> list[Row]:
    """Lines of entries, in the order they were made."""
    domain = [["move", "in", list(entries)]]
    return await operation.rows("account.move.line", domain, LINE_FIELDS, order=[["id", "ASC"]])


def line(
    books: Books,
    code: str,
    side: Side,
    amount: Money,
    *,
    party: int | None = None,
    document: Money | None = None,
    text: str = "",
    maturity: date | None = None,
) -> dict[str, Any]:
    """Values of one line; `amount` is in the ledger's currency, `document` in the document's."""
    if not books.is_own(amount):
        raise StepRejected(
            "not_in_ledger_currency",
            case_kind=ERP_REJECTED,
            field="amount",
            currency=amount.currency,
            ledger=books.currency,
        )
    is_debit = side is Side.DEBIT
    values: dict[str, Any] = {
        "account": books.account(code),
        "debit": amount.amount if is_debit else _ZERO,
        "credit": _ZERO if is_debit else amount.amount,
        "description": text or None,
    }
    if books.is_kept_by_party(code):
        values["party"] = party
        values["maturity_date"] = maturity
    if document is not None and not books.is_own(document):
        values["second_currency"] = books.currencies[document.currency]
        values["amount_second_currency"] = document.amount if is_debit else -document.amount
    return values


async def post_once(
    operation: Operation,
    key: str,
    kind: str,
    make: Callable[[], tuple[Books, list[dict[str, Any]], str]],
) -> Row:
    """The posted entry of this key and kind; what is missing of it is done now."""
    found = await find_entries(operation, key, kind)
    kept, spare = (found[0], found[1:]) if found else (None, [])
    if any(row["state"] == "posted" for row in spare):
        raise StepRejected("posted_twice", case_kind=ERP_REJECTED, field="document_key", key=key)
    if spare:
        # Made by an answer that came late; never posted, so it never was in the books.
        await operation.write("model.account.move.delete", [row["id"] for row in spare])
    if kept is None:
        books, lines, text = make()
        entry = await operation.create(
            "account.move",
            {
                "company": books.company,
                "period": books.period,
                "journal": books.journal,
                "date": books.day,
                "description": describe(key, kind, text),
                "lines": [["create", lines]],
            },
        )
    elif kept["state"] == "posted":
        return kept
    else:
        entry = kept["id"]
    try:
        await operation.write("model.account.move.post", [entry])
    except StepRejected:
        # Refused as it stands: the draft would only be refused again.
        await operation.write("model.account.move.delete", [entry])
        raise
    rows = await operation.rows("account.move", [["id", "=", entry]], ENTRY_FIELDS)
    if not rows or rows[0]["state"] != "posted":
        raise ContractDrift("entry_not_posted")
    return rows[0]


def side_of(row: Row) -> Side:
    """Of a line as Tryton holds it; a reversal may be kept as a negative amount."""
    return Side.DEBIT if row["debit"] - row["credit"] >= 0 else Side.CREDIT


def kind_of(word: str) -> DocumentKind:
    """Kind of document from the word in an entry's description."""
    try:
        return DocumentKind(word)
    except ValueError:
        return DocumentKind.JOURNAL
