"""Invoices and credit memos of the biller as Tryton's invoices: drafted, compared, posted.

Found by our key at the beginning of the comment. Order: draft → acknowledge what Tryton asks about
known things → post → due date → its own rate (`own_rate`) → transfer entry; each step is found
before it is repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.erp.tryton import entries, invoice_values, own_rate, settling
from adapters.erp.tryton.invoice_values import Document
from adapters.erp.tryton.ledger import REVENUE, Books, customer, open_books
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from adapters.erp.tryton.taxes import taxes_of
from dealthread.domain.money import Money
from dealthread.domain.receivable import LedgerInvoice
from dealthread.domain.revenue.journal import Side
from dealthread.errors import ContractDrift, StepRejected

# What Tryton asks a person about when an invoice is posted, as far as the biller has answered it:
# taxes other than the item's own, a due day or a date relative to the server's clock, and a VAT
# number that Tryton itself has not looked up (the tax engine has).
KNOWN_WARNINGS = frozenset(
    {"invoice_taxes", "invoice_payment_term", "invoice_date_future", "account.invoice eu_vat valid"}
)
_MANUAL = "erp.manual_document"


async def ensure_posted(
    operation: Operation, document: Document, clearing: str, original: str = ""
) -> Row:
    """The posted invoice of a document, with its own rate and its transfer entry. `original`: key
    of the document whose rate it takes; "" takes that of its issue date."""
    found = await settling.find_invoices(operation, document.document_key)
    kept: Row | None = found[0] if found else None
    spare = found[1:]
    if any(row["state"] in ("posted", "paid") for row in spare):
        raise StepRejected("posted_twice", case_kind=_MANUAL, field="document_key")
    await _cancel(operation, spare)
    if kept is not None and kept["state"] not in ("posted", "paid"):
        # Tryton converts when it posts: a draft in another currency says the rate of its own day.
        if document.rate is not None or not _is_same(kept, document):
            await _cancel(operation, [kept])
            kept = None
    elif kept is not None and not _is_same(kept, document):
        raise _differs(kept, document)
    if kept is None or kept["state"] not in ("posted", "paid"):
        kept = await _draft_and_post(operation, document, clearing, kept, original)
    await _keep_due_date(operation, document, kept)
    kept = await own_rate.ensure_own_rate(operation, document, clearing, kept)
    await _transfer(operation, document, clearing, kept)
    return kept


async def _draft_and_post(
    operation: Operation, document: Document, clearing: str, kept: Row | None, original: str
) -> Row:
    if kept is None:
        values = await _values(operation, document, clearing, original)
        kept = await settling.invoice_by_id(
            operation, await operation.create("account.invoice", values)
        )
        if not _is_same(kept, document):
            await _cancel(operation, [kept])
            raise _differs(kept, document)
    try:
        await _press_post(operation, kept["id"])
    except StepRejected:
        await _cancel(operation, [kept])
        raise
    posted = await settling.invoice_by_id(operation, kept["id"])
    if posted["state"] not in ("posted", "paid"):
        raise ContractDrift("invoice_not_posted", state=str(posted["state"]))
    return posted


async def _values(
    operation: Operation, document: Document, clearing: str, original: str
) -> dict[str, Any]:
    codes = [document.receivable_account, clearing, *(line.account for line in document.lines)]
    currencies = {document.currency} | ({document.rate.currency} if document.rate else set())
    books = await open_books(operation, document.dates.posting_date, codes, currencies, REVENUE)
    party, taxes, items, terms, taken, later = await asyncio.gather(
        customer(operation, document.customer_key),
        taxes_of(operation, document, original),
        _items(operation, document),
        _terms(operation, document),
        operation.rows(
            "account.invoice",
            [
                ["reference", "=", document.number],
                ["company", "=", books.company],
                ["type", "=", "out"],
                ["state", "!=", "cancelled"],
            ],
            ["comment"],
        ),
        _latest_date(operation, document, books),
    )
    if taken:
        raise StepRejected(
            "number_taken", case_kind=_MANUAL, field="number", number=document.number
        )
    day = max(document.dates.issue_date, later or document.dates.issue_date)
    converted = await own_rate.converted_at(operation, document, books, day, original)
    if converted is not None and terms is not None and len(terms["lines"]) > 1:
        # What puts the rate right is one line on the receivable: each part would need its own.
        raise _terms_refused("payment_terms_in_parts", document)
    is_invoice = isinstance(document, LedgerInvoice)
    sign = 1 if is_invoice else -1
    currency = books.currencies[document.currency]
    common = {"company": books.company, "currency": currency, "party": party["id"]}
    lines = [
        invoice_values.line_values(
            line,
            sign,
            account=books.account(line.account if books.is_revenue(line.account) else clearing),
            tax=tax,
            common=common,
            item=items.get(line.item),
        )
        for line, tax in zip(document.lines, taxes, strict=True)
    ]
    return {
        **common,
        "type": "out",
        "journal": books.journal,
        "account": books.account(document.receivable_account),
        "invoice_address": party["addresses"][0] if party["addresses"] else None,
        "payment_term": None if terms is None else terms["id"],
        "payment_term_date": document.dates.issue_date,
        "invoice_date": day,
        "accounting_date": document.dates.posting_date,
        "reference": document.number,
        "description": document.po_number or None,
        "comment": invoice_values.comment_of(document, converted),
        "lines": [["create", lines]],
        "taxes": [["create", invoice_values.tax_values(document, sign, taxes)]],
    }


async def _items(operation: Operation, document: Document) -> dict[str, Row]:
    wanted = sorted({line.item for line in document.lines if line.item})
    if not wanted:
        return {}
    rows = await operation.rows(
        "product.product", [["code", "in", wanted]], ["code", "sale_uom"], active_test=False
    )
    items = {row["code"]: row for row in rows}
    for code in wanted:
        if code not in items:
            raise StepRejected("item_unknown", case_kind=ERP_REJECTED, field="item", item=code)
    return items


async def _terms(operation: Operation, document: Document) -> Row | None:
    if not isinstance(document, LedgerInvoice):
        return None
    rows = await operation.rows(
        "account.invoice.payment_term", [["name", "=", document.payment_terms]], ["lines"]
    )
    if not rows:
        raise _terms_refused("payment_terms_unknown", document)
    return rows[0]


def _terms_refused(code: str, document: Document) -> StepRejected:
    named = document.payment_terms if isinstance(document, LedgerInvoice) else ""
    return StepRejected(code, case_kind=ERP_REJECTED, field="payment_terms", payment_terms=named)


async def _latest_date(operation: Operation, document: Document, books: Books) -> Any:
    """Latest date of what is numbered already in the same series, if it is a later one. Tryton
    counts a credit memo with a line of the other sign among the invoices."""
    is_credit = not isinstance(document, LedgerInvoice)
    is_pure = is_credit and all(line.net.amount >= 0 for line in document.lines)
    rows = await operation.rows(
        "account.invoice",
        [
            ["company", "=", books.company],
            ["type", "=", "out"],
            ["number", "!=", None],
            ["invoice_date", ">", document.dates.issue_date],
            ["sequence_type_cache", "=", "credit_note" if is_pure else "invoice"],
        ],
        ["invoice_date"],
        order=[["invoice_date", "DESC"]],
        limit=1,
    )
    return rows[0]["invoice_date"] if rows else None


async def _press_post(operation: Operation, invoice: int) -> None:
    """Post; questions about known things are answered, any other is the case of a person."""
    for _ in range(len(KNOWN_WARNINGS) + 1):
        try:
            await operation.write("model.account.invoice.post", [invoice])
        except StepRejected as refusal:
            warning = refusal.evidence.get("warning", "")
            if refusal.code != "user_warning" or warning.partition(".")[2] not in KNOWN_WARNINGS:
                raise
            await operation.write("model.res.user.warning.skip", warning, False)
        else:
            return
    raise ContractDrift("warned_again")


async def _cancel(operation: Operation, drafts: Sequence[Row]) -> None:
    """Drafts have no number yet, so that cancelling them leaves no gap."""
    if drafts:
        await operation.write("model.account.invoice.cancel", [row["id"] for row in drafts])


async def _keep_due_date(operation: Operation, document: Document, invoice: Row) -> None:
    """The document's due day, where Tryton's terms make another one."""
    if not isinstance(document, LedgerInvoice) or invoice["state"] == "paid":
        return
    rows = await operation.rows(
        "account.move.line",
        [
            ["id", "in", invoice["lines_to_pay"]],
            ["move", "=", invoice["move"]],
            ["reconciliation", "=", None],
        ],
        ["maturity_date"],
    )
    wrong = [row["id"] for row in rows if row["maturity_date"] != document.due_date]
    if len(rows) == 1 and wrong:
        await operation.write(
            "model.account.move.line.write", wrong, {"maturity_date": document.due_date}
        )


async def _transfer(operation: Operation, document: Document, clearing: str, invoice: Row) -> None:
    """From the clearing account to the accounts that the lines name, on the same day.

    The ledger's amounts are read from the posted invoice, so that clearing is empty to the cent.
    """
    if await _is_transferred(operation, document):
        return
    rows = await entries.lines_of(operation, [invoice["move"]])
    cleared = [row for row in rows if row["account."]["code"] == clearing]
    if not cleared:
        return
    codes = [clearing, *(line.account for line in document.lines)]
    books = await open_books(
        operation, document.dates.posting_date, codes, {document.currency}, REVENUE
    )
    named = [line for line in document.lines if not books.is_revenue(line.account)]
    if len(named) != len(cleared):
        raise ContractDrift("lines_differ")
    into = Side.CREDIT if isinstance(document, LedgerInvoice) else Side.DEBIT
    away = Side.DEBIT if into is Side.CREDIT else Side.CREDIT
    values = []
    for line, row in zip(named, cleared, strict=True):
        signed = row["debit"] - row["credit"]
        # A line of the other sign (the credit in a change's invoice) goes the other way.
        out, back = (into, away) if (signed < 0) == (into is Side.CREDIT) else (away, into)
        amount = Money.of(abs(signed), books.currency)
        net = abs(line.net)
        values.append(entries.line(books, clearing, back, amount, document=net))
        values.append(
            entries.line(books, line.account, out, amount, document=net, text=line.line_key)
        )
    await entries.post_once(
        operation,
        document.document_key,
        entries.TRANSFER,
        lambda: (books, values, document.number),
    )


async def _is_transferred(operation: Operation, document: Document) -> bool:
    found = await entries.find_entries(operation, document.document_key, entries.TRANSFER)
    return any(row["state"] == "posted" for row in found)


def _is_same(row: Row, document: Document) -> bool:
    """Whether customer, currency, number and the three totals are those of the document."""
    sign = 1 if isinstance(document, LedgerInvoice) else -1
    return bool(
        row["party."]["code"] == document.customer_key
        and row["currency."]["code"] == document.currency
        and row["reference"] == document.number
        and row["untaxed_amount"] == document.net.amount * sign
        and row["tax_amount"] == document.tax.amount * sign
        and row["total_amount"] == document.gross.amount * sign
    )


def _differs(row: Row, document: Document) -> StepRejected:
    tax = row["tax_amount"] != document.tax.amount and abs(row["tax_amount"]) != document.tax.amount
    return StepRejected(
        "totals_differ",
        case_kind="tax.difference" if tax else ERP_REJECTED,
        field="tax" if tax else "gross",
        net=str(row["untaxed_amount"]),
        tax=str(row["tax_amount"]),
        expected_net=str(document.net.amount),
        expected_tax=str(document.tax.amount),
    )
