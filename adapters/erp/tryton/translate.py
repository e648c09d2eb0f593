"""Between the canonical contract and Tryton's sale order, in both directions.

Ends are exclusive with us and inclusive in an ERP document. A sale line carries the net of the
whole committed term: quantity as sold, unit price over the term. Of a change it carries the delta:
what is taken back has a negative quantity, as in a return, and no price is ever negative.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.base import Ref
from dealthread.domain.contract import ContractLine
from dealthread.domain.documents import Booking, BookingLine, BookingState
from dealthread.domain.money import EXPONENTS, Money
from dealthread.errors import StepRejected
from dealthread.ports.erp import DraftBooking

LINE_FIELDS = (
    "product.code",
    "quantity",
    "unit_price",
    "amount",
    "taxes.name",
    "note",
    "type",
)
SALE_FIELDS = (
    "reference",
    "number",
    "state",
    "party",
    "currency.code",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "payment_term.name",
    "description",
    "sale_date",
    "_timestamp",
)
_STATES = {
    "draft": BookingState.DRAFT,
    "quotation": BookingState.QUOTATION,
    "confirmed": BookingState.CONFIRMED,
    "processing": BookingState.CONFIRMED,
    "done": BookingState.CONFIRMED,
    "cancelled": BookingState.CANCELLED,
}
_LINE_MARK = "dealthread-line: "
_ONE_DAY = timedelta(days=1)
_HUNDRED = Decimal(100)


def state_of(sale: Row) -> BookingState:
    """Tryton's state in our words; `confirmed` and `processing` differ only in queued work."""
    return _STATES[sale["state"]]


def signed_quantity(line: ContractLine) -> Decimal:
    """Quantity with the sign of the net: a lower price for the same seats takes them back."""
    if not line.committed_net.amount:
        return line.quantity
    return abs(line.quantity).copy_sign(line.committed_net.amount)


def unit_price_over_term(line: ContractLine, places: int) -> Decimal:
    """Unit price, never negative, for which the ERP computes exactly the committed net.

    Tryton rounds quantity × price half to even; the price has at most `places` decimals. Where no
    such price exists the line is refused: a booking that is a cent off is worse than none.
    """
    net, quantity = line.committed_net.amount, signed_quantity(line)
    if not net:
        return Decimal(0)
    if not quantity:
        raise _unpriceable(line)
    price = (net / quantity).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    cent = Decimal(1).scaleb(-EXPONENTS[line.committed_net.currency])
    if (price * quantity).quantize(cent, ROUND_HALF_EVEN) != net:
        raise _unpriceable(line)
    return price.normalize() + 0


def _unpriceable(line: ContractLine) -> StepRejected:
    return StepRejected(
        "net_not_expressible",
        case_kind=ERP_REJECTED,
        field="unit_price",
        line=line.line_key,
        net=str(line.committed_net.amount),
        quantity=str(line.quantity),
    )


def quantity_number(line: ContractLine) -> float:
    """Tryton takes quantities as JSON numbers; one that a number cannot hold is refused."""
    quantity = signed_quantity(line)
    number = float(quantity)
    if Decimal(repr(number)) != quantity:
        raise StepRejected(
            "quantity_not_expressible",
            case_kind=ERP_REJECTED,
            field="quantity",
            line=line.line_key,
            quantity=str(line.quantity),
        )
    return number


def line_values(line: ContractLine, product: Row, tax: int, places: int) -> dict[str, Any]:
    """Values of one sale line, dated."""
    return {
        "type": "line",
        "product": product["id"],
        "unit": product["sale_uom"],
        "quantity": quantity_number(line),
        "unit_price": unit_price_over_term(line, places),
        "taxes": [["add", [tax]]],
        "description": f"{line.product_name}, {period_text(line.start_date, line.end_date)}",
        "note": f"{_LINE_MARK}{line.line_key}",
    }


def period_text(start: date, end: date | None) -> str:
    """Period as a person reads it: both days included."""
    if end is None:
        return f"from {start.isoformat()}"
    last = end - _ONE_DAY
    return start.isoformat() if last <= start else f"{start.isoformat()} to {last.isoformat()}"


def short_comment(command: DraftBooking) -> str:
    """What a person sees on the order: whose it is and that it must not be invoiced."""
    change = ""
    if command.amends:
        change = f" Change {command.context.business_key} of order {command.amends}."
    return (
        f"Contract {command.contract.number}.{change} Non-posting order for backlog, kept by "
        f"Dealthread: billed by the billing system, not from this order. Tax is an estimate. "
        f"Details: attachment."
    )


def context_document(command: DraftBooking) -> bytes:
    """The attachment: contract context as JSON, the same bytes for the same command."""
    contract = command.contract
    document = {
        "document_key": command.document_key,
        "contract": contract.key,
        "deal": contract.deal_id,
        "customer": contract.customer_key,
        "start_date": contract.start_date.isoformat(),
        "end_date_exclusive": contract.end_date.isoformat() if contract.end_date else "",
        "estimated_tax": str(command.estimated_tax.amount),
        **command.context.model_dump(),
        # Only where there is one: the bytes of a contract's first booking stay what they were.
        **({"amends": command.amends} if command.amends else {}),
    }
    return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1).encode()


def read_context(data: bytes | None) -> dict[str, str]:
    """The attachment read back; an unreadable one counts as none."""
    if not data:
        return {}
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return {str(key): str(item) for key, item in document.items()}


def expected_taxes(command: DraftBooking) -> set[Decimal]:
    """Tax totals that are right: the estimate, and the same lines in the ledger's rounding.

    Tryton rounds a tax of exactly half a cent to the even cent, our estimate rounds it up. The
    booking's tax is an estimate in both, so this one difference is accepted, and no other.
    """
    contract = command.contract
    right = {command.estimated_tax.amount}
    if command.estimated_tax == contract.booking_tax():
        right.add(
            Money.total(
                (
                    Money.rounded(
                        line.committed_net.amount * line.tax.applied_rate / _HUNDRED,
                        contract.currency,
                        ROUND_HALF_EVEN,
                    )
                    for line in contract.lines
                ),
                contract.currency,
            ).amount
        )
    return right


def to_booking(
    sale: Row,
    lines: Sequence[Row],
    *,
    ref: Ref,
    customer: Ref,
    context: dict[str, str],
    reversal: Ref | None,
) -> Booking:
    """The order as Tryton holds it."""
    currency = sale["currency."]["code"]
    state = state_of(sale)
    if reversal is not None and state is BookingState.CONFIRMED:
        state = BookingState.REVERSED
    term = sale["payment_term."]
    return Booking(
        ref=ref,
        document_key=sale["reference"] or "",
        number=sale["number"] or "",
        state=state,
        customer=customer,
        currency=currency,
        net=Money.of(sale["untaxed_amount"], currency),
        tax=Money.of(sale["tax_amount"], currency),
        gross=Money.of(sale["total_amount"], currency),
        payment_terms=term["name"] if term else "",
        po_number=sale["description"] or "",
        lines=tuple(
            BookingLine(
                item=row["product."]["code"] if row["product."] else "",
                quantity=Decimal(row["quantity"]).normalize() + 0,
                unit_price=row["unit_price"],
                net=Money.of(row["amount"], currency),
                tax_codes=tuple(tax["name"] for tax in row["taxes."]),
                line_key=_line_key(row["note"]),
            )
            for row in lines
            if row["type"] == "line"
        ),
        context=context,
        reversal=reversal,
    )


def _line_key(note: str | None) -> str:
    return note.removeprefix(_LINE_MARK) if note and note.startswith(_LINE_MARK) else ""
