"""From a document of ours to the values of Tryton's invoice.

Three things that Tryton 8.2 decides and we go along with (measured):

- `number` is read-only for every remote caller, so the biller's legal number is the `reference`,
  which Tryton shows beside its own number and searches by; our document key begins the comment.
- A line of a customer invoice takes accounts of revenue only. A line for another account (deferred
  revenue, unbilled receivables) goes through a clearing account that the same document's transfer
  entry empties at once.
- Its numbers rise with the invoice date: an invoice dated before one that is numbered already is
  refused. Such a latecomer takes the later date in Tryton, and in another currency that day's
  rate; issue date, due date, posting date and tax are those of the document all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from adapters.erp.tryton.ledger import Books
from adapters.erp.tryton.rates import PLACES
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from adapters.erp.tryton.translate import period_text
from dealthread.domain.money import EXPONENTS, Money
from dealthread.domain.party import Address, BuyerSnapshot
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice, LedgerLine
from dealthread.errors import StepRejected
from dealthread.ports.ledger import RATE_MISSING

Document = LedgerInvoice | LedgerCreditMemo
_PRICE_PLACES = 8
_ISSUED = "Issue date: "
_CORRECTS = "Corrects: "


def comment_of(document: Document) -> str:
    """Text that our key begins: by it the invoice is found, by the rest a person knows it."""
    kind = "invoice" if isinstance(document, LedgerInvoice) else "credit memo"
    lines = [
        f"{document.document_key} {kind} of the billing system",
        f"{_ISSUED}{document.dates.issue_date.isoformat()}",
        f"Tax point: {document.dates.tax_point.isoformat()}",
        f"Contract: {document.contract_key}",
        f"Process: {document.business_key}",
        f"Billing: {document.billing.account} {document.billing.native_id}",
    ]
    if document.rate is not None:
        lines.append(f"Rate: {document.rate.said(document.currency)}")
    if isinstance(document, LedgerCreditMemo):
        lines.append(f"{_CORRECTS}{document.corrects}")
        lines.append(f"Reason: {document.reason}")
    if document.buyer is not None:
        lines.extend(_buyer(document.buyer))
    return "\n".join(lines)


def _buyer(buyer: BuyerSnapshot) -> Iterator[str]:
    """Who bought, as the biller's document says it: Tryton's own party may say another day's."""
    yield _in_a_line("Buyer", buyer.name, *_address(buyer.address))
    if buyer.ship_to is not None:
        yield _in_a_line("Ship to", *_address(buyer.ship_to))
    for tax_id in buyer.tax_ids:
        yield _in_a_line("Tax id", f"{tax_id.number} ({tax_id.scheme})")


def _address(address: Address) -> tuple[str, ...]:
    town = f"{address.postal_code} {address.city}"
    return (address.street, town, address.region, address.country)


def _in_a_line(name: str, *parts: str) -> str:
    """Lines of the comment are read back: a part that has several is one here."""
    shown = (" ".join(part.split()) for part in parts)
    return f"{name}: {', '.join(part for part in shown if part)}"


def issue_date_of(comment: str | None) -> date | None:
    """The legal date from the comment, since Tryton's own may be later."""
    for text in (comment or "").splitlines():
        if text.startswith(_ISSUED):
            try:
                return date.fromisoformat(text.removeprefix(_ISSUED))
            except ValueError:
                return None
    return None


def line_values(
    line: LedgerLine,
    sign: int,
    *,
    account: int,
    tax: Row | None,
    common: dict[str, Any],
    item: Row | None,
) -> dict[str, Any]:
    """One line. Where quantity × price cannot give the net, the line is one piece at the net and
    its description says the quantity."""
    quantity, price = _quantity_and_price(line)
    period = f", {period_text(line.service_start, line.service_end)}" if line.service_start else ""
    pieces = "" if quantity == line.quantity else f", quantity {line.quantity}"
    values: dict[str, Any] = {
        **common,
        "type": "line",
        "invoice_type": "out",
        "account": account,
        "description": f"{line.description}{period}{pieces}",
        "quantity": float(quantity) * sign,
        "unit_price": price,
        "taxes": [["add", [tax["id"]]]] if tax else [],
        "note": f"dealthread-line: {line.line_key}",
    }
    if item is not None:
        values |= {"product": item["id"], "unit": item["sale_uom"]}
    return values


def _quantity_and_price(line: LedgerLine) -> tuple[Decimal, Decimal]:
    """Both so that Tryton computes exactly the net; it rounds half to even."""
    one = Decimal(1), line.net.amount
    quantity = line.quantity
    if quantity <= 0 or Decimal(repr(float(quantity))) != quantity:
        return one
    price = (line.net.amount / quantity).quantize(Decimal(1).scaleb(-_PRICE_PLACES), ROUND_HALF_UP)
    cent = Decimal(1).scaleb(-EXPONENTS[line.net.currency])
    if (price * quantity).quantize(cent, ROUND_HALF_EVEN) != line.net.amount:
        return one
    return quantity, price.normalize() + 0


def tax_values(document: Document, sign: int, taxes: dict[str, Row]) -> list[dict[str, Any]]:
    """Tax rows with the biller's own amounts, grouped as Tryton groups them: by code and sign.

    Tryton keeps the amount of a row whose base is the one that it computes itself. A difference
    of more than a unit for each line is no rounding: it is a case.
    """
    groups: dict[tuple[str, bool], list[LedgerLine]] = {}
    for line in document.lines:
        if not line.tax_code:
            continue
        groups.setdefault((line.tax_code, line.net.amount * sign >= 0), []).append(line)
    rows = []
    for (code, is_charge), lines in groups.items():
        base = sum((line.net.amount for line in lines), Decimal(0)) * sign
        amount = sum((line.tax.amount for line in lines), Decimal(0)) * sign
        _check_rate(code, taxes[code], lines)
        side = "invoice_account" if is_charge else "credit_note_account"
        rows.append(
            {
                "tax": taxes[code]["id"],
                "account": taxes[code][side],
                "description": taxes[code]["description"] or code,
                "base": base,
                "amount": amount,
                "manual": False,
            }
        )
    return rows


def _check_rate(code: str, tax: Row, lines: Sequence[LedgerLine]) -> None:
    unit = Decimal(1).scaleb(-EXPONENTS[lines[0].net.currency])
    for line in lines:
        own = Money.rounded(line.net.amount * (tax["rate"] or 0), line.net.currency).amount
        # Each line of the biller has rounded by itself.
        if abs(own - line.tax.amount) > unit * line.sums:
            raise StepRejected(
                "tax_differs",
                case_kind="tax.difference",
                field="tax",
                line=line.line_key,
                tax_code=code,
                given=str(line.tax.amount),
                computed=str(own),
            )


def check_rate_of_exchange(
    document: Document, books: Books, rates: dict[str, Decimal], day: date
) -> None:
    """Tryton converts an invoice at the rate of its own table on a day, which treasury keeps. It
    must be the rate that the document says, or the document waits."""
    if document.rate is None:
        if document.currency != books.currency:
            raise _rate_refused(RATE_MISSING, document, books, day)
        return
    if document.rate.currency != books.currency or document.currency not in rates:
        raise _rate_refused(RATE_MISSING, document, books, day)
    factor = (rates[books.currency] / rates[document.currency]).quantize(PLACES)
    if factor != document.rate.rate.quantize(PLACES):
        raise _rate_refused("rate_differs", document, books, day, ledger=f"{factor.normalize():f}")


def _rate_refused(
    code: str, document: Document, books: Books, day: date, **ledger: str
) -> StepRejected:
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
