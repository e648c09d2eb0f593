"""Posted entries as Tryton holds them, whoever made them: all of a span, or those of people.

An entry is ours where its description begins with a key of ours, or where it is the one entry that
posted an invoice of ours. That it comes from such an invoice is not enough: Tryton's own wizard for
payments names the invoice as the origin of what it books, and its wizard for credits copies the
comment with our key, but never the reference (measured, 8.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from adapters.erp.tryton import entries
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.journals import entry_line
from adapters.erp.tryton.ledger import ledger_currency
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.domain.ledger import EntryLine, PostedJournal

_PAGE = 200
"""Entries whose lines are read at once."""
_INVOICE = "account.invoice"
_KEYED = "DT______________ %"
"""As `entries.key_and_kind` reads a key: an underscore is any one character."""


async def export(
    operation: Operation, companies: Companies, company: str, start: date, end: date
) -> tuple[PostedJournal, ...]:
    """Posted entries from a day to the day before `end`, whoever made them."""
    found = await operation.rows(
        "account.move",
        [*_posted(operation), ["date", ">=", start], ["date", "<", end]],
        entries.ENTRY_FIELDS,
        order=[["date", "ASC"], ["id", "ASC"]],
    )
    return await _journals(operation, companies, company, found)


async def by_hand(
    operation: Operation,
    companies: Companies,
    company: str,
    accounts: Sequence[str],
    until: date,
    most: int,
    customer_keys: Sequence[str] = (),
) -> tuple[PostedJournal, ...]:
    """The newest posted entries on accounts that are none of ours, newest first."""
    line: list[Any] = [["account.code", "in", list(accounts)]]
    if customer_keys:
        keys = list(customer_keys)
        line.append(["OR", ["party.code", "in", keys], ["party.identifiers.code", "in", keys]])
    found = await operation.rows(
        "account.move",
        [
            *_posted(operation),
            ["date", "<", until],
            ["lines", "where", line],
            ["OR", ["description", "=", None], ["description", "not like", _KEYED]],
            [
                "OR",
                ["origin", "=", None],
                ["origin", "not like", f"{_INVOICE},%"],
                # What posts an invoice is in a journal of revenue; payments are in others.
                ["journal.type", "!=", "revenue"],
                ["origin.comment", "=", None, _INVOICE],
                ["origin.comment", "not like", _KEYED, _INVOICE],
                ["origin.reference", "=", None, _INVOICE],
            ],
        ],
        entries.ENTRY_FIELDS,
        limit=most,
        order=[["date", "DESC"], ["id", "DESC"]],
    )
    journals = await _journals(operation, companies, company, found)
    return tuple(one for one in journals if not one.document_key)


def _posted(operation: Operation) -> list[Any]:
    return [["company", "=", operation.context["company"]], ["state", "=", "posted"]]


async def _journals(
    operation: Operation, companies: Companies, company: str, found: Sequence[Row]
) -> tuple[PostedJournal, ...]:
    """Entries with their lines, in the order in which they were found."""
    currency = await ledger_currency(operation)
    owned = await _invoices(operation, [_invoice_id(row["origin"]) for row in found])
    result = []
    for at in range(0, len(found), _PAGE):
        page = found[at : at + _PAGE]
        rows = await entries.lines_of(operation, [entry["id"] for entry in page])
        lines: dict[int, list[EntryLine]] = {}
        for row in rows:
            lines.setdefault(row["move"], []).append(entry_line(row, currency))
        keys = {entry["id"]: _key_of(entry, owned) for entry in page}
        settled = await _settled(operation, [row for row in rows if not keys[row["move"]]])
        result += [
            PostedJournal(
                ref=companies.ref(company, "journal", entry["id"]),
                company=company,
                number=entry["number"] or "",
                posting_date=entry["date"],
                document_key=keys[entry["id"]],
                description=entry["description"] or "",
                lines=tuple(lines.get(entry["id"], ())),
                settles=settled.get(entry["id"], ()),
            )
            for entry in page
        ]
    return tuple(result)


def _key_of(entry: Row, owned: dict[int, Row]) -> str:
    key = entries.key_and_kind(entry["description"])[0]
    if key:
        return key
    invoice = owned.get(_invoice_id(entry["origin"]) or 0)
    return _document_key(invoice) if invoice and invoice["move"] == entry["id"] else ""


def _document_key(invoice: Row) -> str:
    return entries.key_and_kind(invoice["comment"])[0] if invoice["reference"] else ""


def _invoice_id(origin: str | None) -> int | None:
    model, _, native_id = (origin or "").partition(",")
    return int(native_id) if model == _INVOICE and native_id.isdigit() else None


async def _invoices(operation: Operation, ids: Sequence[int | None]) -> dict[int, Row]:
    wanted = sorted({one for one in ids if one is not None})
    if not wanted:
        return {}
    fields = ["comment", "reference", "move"]
    rows = await operation.rows(_INVOICE, [["id", "in", wanted]], fields)
    return {row["id"]: row for row in rows}


async def _settled(operation: Operation, lines: Sequence[Row]) -> dict[int, tuple[str, ...]]:
    """By entry, the keys of our documents that its lines pay, or are reconciled with."""
    pays: dict[int, set[int]] = {}
    together: dict[int, set[int]] = {}
    for row in lines:
        if row["invoice_payment"] is not None:
            pays.setdefault(row["move"], set()).add(row["invoice_payment"])
        if row["reconciliation"] is not None:
            together.setdefault(row["reconciliation"], set()).add(row["move"])
    if together:
        others = await operation.rows(
            "account.move.line",
            [["reconciliation", "in", sorted(together)]],
            ["reconciliation", "move.origin"],
        )
        for other in others:
            invoice = _invoice_id(other["move."]["origin"])
            if invoice is not None:
                for entry in together[other["reconciliation"]]:
                    pays.setdefault(entry, set()).add(invoice)
    known = await _invoices(operation, [one for ids in pays.values() for one in ids])
    found = {
        entry: {_document_key(known[one]) for one in ids if one in known}
        for entry, ids in pays.items()
    }
    return {entry: tuple(sorted(keys - {""})) for entry, keys in found.items()}
