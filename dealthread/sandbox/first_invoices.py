"""Each deal's first invoice in every system: at the biller, in the ledger, in the CRM and at
customer success, each asked by its own interface."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dealthread.sandbox.books import Invoice
from dealthread.sandbox.narration import amount_text
from dealthread.sandbox.salesforce import quoted
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stage import Stage

POLL_SECONDS = 0.3
_MISSING = "missing"
_NOTHING = Decimal("0.00")
_IN_LEDGER = {"open": "posted", "paid": "paid"}
"""What the ledger calls an invoice of that status at the biller."""


@dataclass(frozen=True)
class Shown:
    """What one system says of an invoice, and what it should say."""

    says: str
    should: str

    @property
    def agrees(self) -> bool:
        return self.says == self.should


def finalise_drafts(stage: Stage, deals: Sequence[Entered]) -> None:
    """The biller keeps an invoice that is paid by bank transfer as a draft for about an hour."""
    for deal in deals:
        invoice = first_invoice(stage, deal)
        if invoice is not None and invoice.status == "draft":
            stage.billing.finalise(invoice)
            stage.say.does(
                f"{deal.name}: accounting finalises the draft over "
                f"{amount_text(invoice.total, invoice.currency)} instead of waiting for its hour"
            )


def compare_systems(stage: Stage, deals: Sequence[Entered]) -> None:
    """Wait until every system has each deal's first invoice as the biller has it; a table of what
    they say, and a failure for each that says something else when patience is over."""
    deadline = time.monotonic() + stage.patience_seconds
    seen = [systems(stage, deal) for deal in deals]
    while not all(map(_agree, seen)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        seen = [
            row if _agree(row) else systems(stage, deal)
            for row, deal in zip(seen, deals, strict=True)
        ]
    rows = []
    for deal, row in zip(deals, seen, strict=True):
        code, invoice = deal.sale.code, first_invoice(stage, deal)
        differing = [
            f"{system} says {one.says}, not {one.should}"
            for system, one in row.items()
            if not one.agrees
        ]
        stage.check(
            not differing,
            f"{code}: the first invoice is the same in every system"
            + (f", but {'; '.join(differing)}" if differing else ""),
        )
        number = invoice.number if invoice else _MISSING
        rows.append((code, number, *(one.says for one in row.values())))
    headings = ("deal", "invoice", "biller", "ledger", "CRM", "customer success")
    stage.say.rows(headings, rows, whole=("deal", "invoice"))


def systems(stage: Stage, deal: Entered) -> dict[str, Shown]:
    """System → what it says of the deal's first invoice: state, total, what is open; another
    number than the biller's is said too."""
    invoice = first_invoice(stage, deal)
    if invoice is None:
        nothing = Shown(_MISSING, "a first invoice")
        return dict.fromkeys(("biller", "ledger", "CRM", "customer success"), nothing)
    status = invoice.status if invoice.status in _IN_LEDGER else "open or paid"
    return {
        "biller": Shown(_as_billed(invoice, invoice.status), _as_billed(invoice, status)),
        "ledger": Shown(
            _in_ledger(stage, deal, invoice),
            _as_billed(invoice, _IN_LEDGER.get(status, status)),
        ),
        "CRM": Shown(_in_crm(stage, invoice), _as_billed(invoice, status)),
        "customer success": Shown(_heard(stage, deal, invoice), _to_hear(invoice)),
    }


def first_invoice(stage: Stage, deal: Entered) -> Invoice | None:
    """Of the one live agreement of a deal, at the biller."""
    live = [row for row in stage.billing.of(deal.contract_key) if row.is_live]
    return stage.billing.first_invoice(live[0]) if len(live) == 1 else None


def _agree(row: dict[str, Shown]) -> bool:
    return all(one.agrees for one in row.values())


def _as_billed(invoice: Invoice, state: str) -> str:
    return _says(invoice, invoice.number, state, invoice.total, invoice.currency, invoice.remaining)


def _says(
    invoice: Invoice, number: str, state: str, total: Decimal, currency: str, left: Decimal
) -> str:
    other = "" if number == invoice.number else f"{number} "
    open_ = f", {left:,.2f} open" if left else ""
    return f"{other}{state} {amount_text(total, currency)}{open_}"


def _in_ledger(stage: Stage, deal: Entered, invoice: Invoice) -> str:
    """Every document of the deal's customer, who has bought nothing else: one, or it differs."""
    rows = stage.tryton.invoices([["party.code", "=", deal.customer_key]])
    return (
        "; ".join(
            _says(
                invoice,
                str(row["reference"]),
                str(row["state"]),
                row["total_amount"],
                str(row["currency.code"]),
                row["amount_to_pay"] or _NOTHING,
            )
            for row in rows
        )
        or _MISSING
    )


def _in_crm(stage: Stage, invoice: Invoice) -> str:
    rows = stage.org.query(
        "SELECT Dealthread_Number__c, Dealthread_Status__c, CurrencyIsoCode, "  # noqa: S608
        "Dealthread_Total__c, Dealthread_Amount_Due__c FROM Dealthread_Invoice__c "
        f"WHERE Dealthread_Invoice_Id__c = {quoted(f'{invoice.account}:{invoice.native_id}')}"
    )
    if not rows:
        return _MISSING
    (row,) = rows
    return _says(
        invoice,
        str(row["Dealthread_Number__c"]),
        str(row["Dealthread_Status__c"]),
        _exact(row["Dealthread_Total__c"]),
        str(row["CurrencyIsoCode"]),
        _exact(row["Dealthread_Amount_Due__c"]),
    )


def _heard(stage: Stage, deal: Entered, invoice: Invoice) -> str:
    heard = stage.customer_success.of(deal.customer_key, deal.contract_key)
    said = []
    if "invoice" in heard:
        data, state = heard["invoice"]["data"], str(heard["invoice"]["state"])
        number, total = str(data["invoice_number"]), _exact(data["total"])
        said.append(_says(invoice, number, state, total, str(data["currency"]), _NOTHING))
    if "payment" in heard:
        paid = _exact(heard["payment"]["data"]["amount"])
        said.append(f"payment {heard['payment']['state']} {paid:,.2f}")
    return ", ".join(said) or _MISSING


def _to_hear(invoice: Invoice) -> str:
    """Posted; and what was paid."""
    said = _says(invoice, invoice.number, "posted", invoice.total, invoice.currency, _NOTHING)
    paid = invoice.total - invoice.remaining
    return f"{said}, payment succeeded {paid:,.2f}" if paid else said


def _exact(value: Any) -> Decimal:
    """Every currency of the demonstration has two decimals."""
    return Decimal(str(value)).quantize(_NOTHING)
