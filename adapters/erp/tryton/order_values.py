"""Values of a new sale order, with every name resolved to a record of the company first."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from adapters.erp.tryton import translate
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import ERP_REJECTED, Row
from dealthread.domain.contract import Contract, ContractLine
from dealthread.errors import ContractDrift, StepRejected
from dealthread.ports.erp import DraftBooking

TAX_REJECTED = "tax.rejected"
SYNC_FAILED = "customer.sync_failed"


async def order_values(operation: Operation, command: DraftBooking, places: int) -> dict[str, Any]:
    """Everything `sale.sale.create` needs: over RPC nothing is filled in by defaults.

    `places` is the number of decimals the server keeps of a unit price.
    Raises StepRejected with the kind of case that fits what is missing.
    """
    contract = command.contract
    party = int(command.customer.ref.native_id)
    address, currency, term, products, taxes = await asyncio.gather(
        _address(operation, party),
        _currency(operation, contract.currency),
        _term(operation, contract.payment_terms),
        _products(operation, contract),
        _taxes(operation, contract),
    )
    return {
        "company": operation.context["company"],
        "party": party,
        "invoice_party": party,
        "invoice_address": address,
        "shipment_party": party,
        "shipment_address": address,
        "currency": currency,
        "payment_term": term,
        # The day service starts: the tax point of the first bill, so the estimate is taxed alike.
        "sale_date": contract.start_date,
        "reference": command.document_key,
        "description": contract.po_number or None,
        "comment": translate.short_comment(command),
        "invoice_method": "manual",
        "shipment_method": "manual",
        "lines": [
            [
                "create",
                [
                    {
                        "sequence": number,
                        **translate.line_values(
                            line,
                            products[line.erp_item],
                            _tax_on(taxes, line),
                            places,
                        ),
                    }
                    for number, line in enumerate(contract.lines, start=1)
                ],
            ]
        ],
    }


async def _address(operation: Operation, party: int) -> int:
    rows = await operation.rows(
        "party.address", [["party", "=", party]], ["invoice"], order=[["id", "ASC"]]
    )
    if not rows:
        raise StepRejected(
            "no_invoice_address", case_kind=SYNC_FAILED, field="billing_address", party=str(party)
        )
    return int(next((row for row in rows if row["invoice"]), rows[0])["id"])


async def _currency(operation: Operation, code: str) -> int:
    rows = await operation.rows("currency.currency", [["code", "=", code]], ["code"])
    if not rows:
        raise StepRejected(
            "currency_unknown", case_kind=ERP_REJECTED, field="currency", currency=code
        )
    return int(rows[0]["id"])


async def _term(operation: Operation, code: str) -> int:
    rows = await operation.rows("account.invoice.payment_term", [["name", "=", code]], ["name"])
    if not rows:
        raise StepRejected(
            "payment_terms_unknown", case_kind=ERP_REJECTED, field="payment_terms", terms=code
        )
    return int(rows[0]["id"])


async def _products(operation: Operation, contract: Contract) -> dict[str, Row]:
    """Active products by item code. Whether one is salable is Tryton's to refuse, at create."""
    codes = sorted({line.erp_item for line in contract.lines})
    rows = await operation.rows(
        "product.product", [["code", "in", codes]], ["code", "sale_uom", "default_uom"]
    )
    found = {
        row["code"]: {**row, "sale_uom": row["sale_uom"] or row["default_uom"]} for row in rows
    }
    for code in codes:
        if code not in found:
            raise StepRejected("item_unknown", case_kind=ERP_REJECTED, field="item", item=code)
    return found


async def _taxes(operation: Operation, contract: Contract) -> list[Row]:
    codes = sorted({line.tax.code for line in contract.lines})
    domain = [["name", "in", codes], ["company", "=", operation.context["company"]]]
    return await operation.rows(
        "account.tax", domain, ["name", "start_date", "end_date"], order=[["id", "ASC"]]
    )


def _tax_on(taxes: list[Row], line: ContractLine) -> int:
    """The company's tax of this code that is valid on the line's first day."""
    for row in taxes:
        starts, ends = row["start_date"], row["end_date"]
        in_time = (starts is None or starts <= line.start_date) and (
            ends is None or line.start_date <= ends
        )
        if row["name"] == line.tax.code and in_time:
            return int(row["id"])
    raise StepRejected(
        "tax_code_unknown",
        case_kind=TAX_REJECTED,
        field="tax_code",
        tax_code=line.tax.code,
        line=line.line_key,
    )


async def price_places(operation: Operation) -> int:
    """Decimals of a unit price: a setting of the server, fixed for the life of its database."""
    answer = await operation.read("model.sale.line.fields_get", ["unit_price"])
    try:
        digits = answer["unit_price"]["digits"]
        # Sent as JSON inside JSON: "[null, 8]" (Tryton's PYSON).
        return int((json.loads(digits) if isinstance(digits, str) else digits)[1])
    except (KeyError, TypeError, IndexError, ValueError) as failure:
        raise ContractDrift("price_digits") from failure
