"""A document of another currency at its own rate, whatever day's rate Tryton converts it at.

Tryton 8.2 converts an invoice by its own table at its invoice date and at nothing else (measured:
`currency_date`). That is another rate than the document's where a credit memo takes the rate of
the invoice that it corrects, and where a latecomer takes a later date. The difference is an entry
of ours under the document's key: it brings every account to document amount × document's rate, and
the tax return with it. It is one of the invoice's additional entries, so that Tryton counts its
line on the receivable as the invoice's own.

Rounded half to even for each line, as Tryton rounds; what the lines and the total then differ by
is on the account for exchange differences, as it is in Tryton's own entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from adapters.erp.tryton import entries, settling
from adapters.erp.tryton.invoice_values import Document, converted_rate
from adapters.erp.tryton.ledger import GENERAL, Books, customer, open_books
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rates import PLACES
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.ledger_rate import LedgerRate, said_rate
from dealthread.domain.money import EXPONENTS, Money
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.domain.revenue.journal import Side
from dealthread.errors import ContractDrift, StepRejected
from dealthread.ports.ledger import RATE_MISSING

RATE = "rate"
"""Kind of the entry."""
EXCHANGE = "7000"
"""Account of realised exchange differences; Tryton's own setting names the same one."""
_FIELDS = (*entries.LINE_FIELDS, "tax_lines.tax", "tax_lines.type", "tax_lines.amount")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Difference:
    """What a line of Tryton's entry lacks in the ledger's currency: debit above nought."""

    account: str
    amount: Decimal
    taxes: tuple[Row, ...] = ()
    """The lines of the tax return that belong to it: tax, type, and what they lack."""


async def converted_at(
    operation: Operation, document: Document, books: Books, day: date, original: str
) -> Decimal | None:
    """The rate at which Tryton converts on a day, where it is another one than the document's.

    The document's must be that of the ledger's document that it corrects, else that of the
    ledger's table on its issue date. Raises StepRejected `rate_differs` for any other one, and
    `rate_missing` where there is none.
    """
    given = document.rate
    if given is None:
        if document.currency != books.currency:
            raise _refused(RATE_MISSING, document, books, day)
        return None
    if given.currency != books.currency:
        raise _refused(RATE_MISSING, document, books, day)
    own = await _said(operation, original)
    if own is None:
        own = await _table(operation, document, books, document.dates.issue_date)
    if own != given.rate.quantize(PLACES):
        shown = f"{own.normalize():f}"
        raise _refused("rate_differs", document, books, document.dates.issue_date, ledger=shown)
    table = await _table(operation, document, books, day)
    return None if table == own else table


async def _said(operation: Operation, original: str) -> Decimal | None:
    found = await settling.find_invoices(operation, original) if original else []
    said = said_rate(found[0]["comment"]) if found else None
    return None if said is None else said.rate.quantize(PLACES)


async def _table(operation: Operation, document: Document, books: Books, day: date) -> Decimal:
    """Of Tryton's own table, at which it converts a document that is dated to the day."""
    codes = sorted({document.currency, books.currency})
    rows = await operation.rows(
        "currency.currency", [["code", "in", codes]], ["code", "rate"], date=day
    )
    rates = {row["code"]: row["rate"] for row in rows if row["rate"]}
    if len(rates) != len(codes):
        raise _refused(RATE_MISSING, document, books, day)
    quotient: Decimal = rates[books.currency] / rates[document.currency]
    return quotient.quantize(PLACES)


async def ensure_own_rate(
    operation: Operation, document: Document, clearing: str, posted: Row
) -> Row:
    """The posted invoice with the entry that it needs; as it is where Tryton took its rate."""
    # What it says, not what the repeat says: the table may have been corrected since.
    rate = said_rate(posted["comment"])
    if document.rate is None or rate is None:
        return posted
    found = await entries.find_entries(operation, document.document_key, RATE)
    kept = next((row for row in found if row["state"] == "posted"), None)
    if kept is None:
        values = await _values(operation, document, rate, clearing, posted)
        if values is None:
            return posted
        made = values
        kept = await entries.post_once(operation, document.document_key, RATE, lambda: made)
    if kept["id"] not in posted["additional_moves"]:
        await operation.write(
            "model.account.invoice.write",
            [posted["id"]],
            {"additional_moves": [["add", [kept["id"]]]]},
        )
    await _close_own_line(operation, document, posted, kept)
    return await settling.invoice_by_id(operation, posted["id"])


async def _close_own_line(
    operation: Operation, document: Document, posted: Row, entry: Row
) -> None:
    """The receivable as Tryton made it, against its opposite in the entry."""
    code = document.receivable_account
    rows = [
        row
        for row in await entries.lines_of(operation, [posted["move"], entry["id"]])
        if row["account."]["code"] == code and row["reconciliation"] is None
    ]
    for row in rows:
        if row["move"] != posted["move"]:
            continue
        signed = row["debit"] - row["credit"]
        opposite = [
            other["id"]
            for other in rows
            if other["move"] == entry["id"] and other["debit"] - other["credit"] == -signed
        ]
        if opposite:
            await settling.reconcile(operation, [row["id"], opposite[0]])


async def _values(
    operation: Operation, document: Document, rate: LedgerRate, clearing: str, posted: Row
) -> Any:
    """What the entry is made of, None where there is nothing to correct."""
    rows = await operation.rows(
        "account.move.line", [["move", "=", posted["move"]]], _FIELDS, order=[["id", "ASC"]]
    )
    named = [line.account for line in document.lines]
    codes = [document.receivable_account, EXCHANGE, *named]
    codes += [row["account."]["code"] for row in rows]
    day, currency = document.dates.posting_date, document.currency
    books = await open_books(operation, day, codes, {currency}, GENERAL)
    through = [code for code in named if not books.is_revenue(code)]
    table = converted_rate(posted["comment"])
    share = rate.rate / table if table else Decimal(1)
    parts = differences(rows, rate, {clearing: through}, share)
    parts += await _left_over(operation, document, posted, rows, parts)
    if not parts:
        return None
    party = await customer(operation, document.customer_key)
    due = document.due_date if isinstance(document, LedgerInvoice) else day
    lines = _of_receivable(books, document, rows, parts, party["id"], due)
    for part in parts:
        if part.account == document.receivable_account:
            continue
        line = _line(books, part.account, part.amount, party["id"], Money.zero(currency), due)
        if part.taxes:
            line["tax_lines"] = [["create", list(part.taxes)]]
        lines.append(line)
    if rest := sum((part.amount for part in parts), _ZERO):
        lines.append(_line(books, EXCHANGE, -rest, None, None, None))
    return books, lines, f"{document.number}, {rate.said(currency)}"


def _of_receivable(
    books: Books,
    document: Document,
    rows: Sequence[Row],
    parts: Sequence[Difference],
    party: int,
    due: date,
) -> list[dict[str, Any]]:
    """The document's own line on the receivable is taken back whole, and stands anew at its rate:
    what pays an invoice in Tryton is a credit, so that a difference cannot stand by itself."""
    code = document.receivable_account
    lacks = sum((part.amount for part in parts if part.account == code), _ZERO)
    if not lacks:
        return []
    (row,) = [row for row in rows if row["account."]["code"] == code]
    posted, foreign = row["debit"] - row["credit"], row["amount_second_currency"]
    told = Money.of(abs(foreign), document.currency)
    return [
        _line(books, code, -posted, party, told, due),
        _line(books, code, posted + lacks, party, told, due),
    ]


def _line(
    books: Books,
    account: str,
    amount: Decimal,
    party: int | None,
    document: Money | None,
    due: date | None,
) -> dict[str, Any]:
    return entries.line(
        books,
        account,
        Side.DEBIT if amount > 0 else Side.CREDIT,
        Money.of(abs(amount), books.currency),
        party=party,
        document=document,
        maturity=due,
    )


def differences(
    rows: Sequence[Row],
    rate: LedgerRate,
    through: Mapping[str, Sequence[str]],
    share: Decimal = Decimal(1),
) -> list[Difference]:
    """What the lines of an entry of Tryton lack, in their order. `through`: a clearing account,
    and where what goes through it belongs. `share`: the rate over that of Tryton's table."""
    cent = Decimal(1).scaleb(-EXPONENTS[rate.currency])
    homes = {code: iter(accounts) for code, accounts in through.items()}
    found = []
    for row in rows:
        code = row["account."]["code"]
        account = next(homes[code], "") if code in homes else code
        if not account:
            raise ContractDrift("lines_differ")
        if row["second_currency."] is None:
            continue  # Tryton's own rounding, which follows from the others.
        if amount := _wanted(row, rate) - (row["debit"] - row["credit"]):
            taxes = tuple(
                {"tax": tax["tax"], "type": tax["type"], "amount": lacks}
                for tax in row["tax_lines."]
                if (lacks := _lacks(tax["amount"], row, amount, share, cent))
            )
            found.append(Difference(account, amount, taxes))
    return found


def is_at_its_rate(rows: Sequence[Row], rate: LedgerRate) -> bool:
    """Whether each line of an entry of Tryton is at the document's rate as it stands: what is
    little comes to the same cent by either."""
    return all(
        _wanted(row, rate) == row["debit"] - row["credit"]
        for row in rows
        if row["second_currency."] is not None
    )


def _wanted(row: Row, rate: LedgerRate) -> Decimal:
    """A line in the ledger's currency at the document's rate, debit above nought."""
    cent = Decimal(1).scaleb(-EXPONENTS[rate.currency])
    foreign: Decimal = row["amount_second_currency"]
    return (foreign * rate.rate).quantize(cent, ROUND_HALF_EVEN)


def _lacks(told: Decimal, row: Row, amount: Decimal, share: Decimal, cent: Decimal) -> Decimal:
    """What a line of the tax return lacks: as much as its entry's line does; but the base of a tax
    that was entered by hand stands on the line of the tax, and is another amount."""
    if told == row["credit"] - row["debit"]:
        return -amount
    return (told * share).quantize(cent, ROUND_HALF_EVEN) - told


async def _left_over(
    operation: Operation,
    document: Document,
    posted: Row,
    rows: Sequence[Row],
    parts: Sequence[Difference],
) -> list[Difference]:
    """A credit memo that takes the last of its invoice takes the last of what the books carry it
    at, whatever the rounding of the parts before has left."""
    if not isinstance(document, LedgerCreditMemo) or not document.is_applied_whole:
        return []
    own = [row for row in rows if row["id"] in posted["lines_to_pay"]]
    if any(row["reconciliation"] or row["invoice_payment"] for row in own):
        return []
    invoice = await settling.posted_invoice(operation, document.corrects, ERP_REJECTED)
    if invoice["amount_to_pay"] != document.gross.amount:
        return []
    account = document.receivable_account
    taken = sum((row["credit"] - row["debit"] for row in own), _ZERO)
    taken -= sum((part.amount for part in parts if part.account == account), _ZERO)
    left = await settling.carried(operation, invoice) - taken
    return [Difference(account, -left)] if left else []


def _refused(code: str, document: Document, books: Books, day: date, **ledger: str) -> StepRejected:
    return StepRejected(
        code,
        case_kind=ERP_REJECTED,
        field="rate",
        currency=document.currency,
        pair=f"{document.currency}/{books.currency}",
        day=day.isoformat(),
        given=f"{document.rate.rate:f}" if document.rate else "",
        **ledger,
    )
