"""From a document of ours to the values of Tryton's invoice.

Three things that Tryton 8.2 decides and we go along with (measured):

- `number` is read-only for every remote caller, so the biller's legal number is the `reference`,
  which Tryton shows beside its own number and searches by; our document key begins the comment.
- A line of a customer invoice takes accounts of revenue only. A line for another account (deferred
  revenue, unbilled receivables) goes through a clearing account that the same document's transfer
  entry empties at once.
- Its numbers rise with the invoice date: an invoice dated before one that is numbered already is
  refused. Such a latecomer takes the later date in Tryton; issue date, due date, posting date, tax
  and rate of exchange are those of the document all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from adapters.erp.tryton.rpc import Row
from adapters.erp.tryton.translate import period_text
from dealthread.domain.money import EXPONENTS
from dealthread.domain.party import Address, BuyerSnapshot
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice, LedgerLine

Document = LedgerInvoice | LedgerCreditMemo
_PRICE_PLACES = 8
_ISSUED = "Issue date: "
_CORRECTS = "Corrects: "
_CONVERTED = "Converted by Tryton's table at: "


def comment_of(document: Document, converted: Decimal | None = None) -> str:
    """Text that our key begins: by it the invoice is found, by the rest a person knows it.

    `converted`: the rate that Tryton itself takes, where it is another one than the document's.
    """
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
        if converted is not None:
            lines.append(f"{_CONVERTED}{converted.normalize():f}")
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


def converted_rate(comment: str | None) -> Decimal | None:
    """The rate at which Tryton converted the document, where it is another than the one that the
    document says."""
    for text in (comment or "").splitlines():
        if text.startswith(_CONVERTED):
            return Decimal(text.removeprefix(_CONVERTED))
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


def tax_values(document: Document, sign: int, taxes: Sequence[Row | None]) -> list[dict[str, Any]]:
    """Tax rows with the biller's own amounts, grouped as Tryton groups them: by tax and sign.
    `taxes`: of each line, None where
    it states no tax.

    Tryton keeps the amount of a row whose base is the one that it computes itself, and any of a
    row by hand.
    """
    groups: dict[tuple[int, bool], list[tuple[LedgerLine, Row]]] = {}
    for line, tax in zip(document.lines, taxes, strict=True):
        if tax is None:
            continue
        groups.setdefault((tax["id"], line.net.amount * sign >= 0), []).append((line, tax))
    rows = []
    for (native_id, is_charge), members in groups.items():
        base = sum((line.net.amount for line, _ in members), Decimal(0)) * sign
        amount = sum((line.tax.amount for line, _ in members), Decimal(0)) * sign
        tax = members[0][1]
        side = "invoice_account" if is_charge else "credit_note_account"
        rows.append(
            {
                "tax": native_id,
                "account": tax[side],
                "description": tax["description"] or tax["name"],
                "base": base,
                "amount": amount,
                "manual": not is_valid(tax, document.dates.posting_date),
            }
        )
    return rows


def is_valid(tax: Row, day: date) -> bool:
    """Whether Tryton knows a tax on a day; its last day is inclusive."""
    starts, ends = tax["start_date"], tax["end_date"]
    return bool((starts is None or starts <= day) and (ends is None or day <= ends))
