"""Every bill of a contract's customer at the biller, and its document in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stripe_catalogue import every
from tests.year.accounts import ZERO, Accounts, major


@dataclass(frozen=True, order=True)
class Document:
    """An invoice; or a credit, its amounts below nought and nothing of it open."""

    number: str
    net: Decimal
    tax: Decimal
    total: Decimal
    open: Decimal

    def __str__(self) -> str:
        left = f", {self.open:,.2f} open" if self.open else ""
        return f"{self.number} {self.net:,.2f} + {self.tax:,.2f} = {self.total:,.2f}{left}"


def billed(accounts: Accounts, deal: Entered) -> list[Document]:
    """What the biller has finalised and not taken back; a bill over nothing has no document."""
    found = []
    for client, customer in accounts.customers(deal):
        for row in every(client.v1.invoices.list({"customer": customer})):
            if row["status"] in ("open", "paid") and row["total"] > 0:
                found.append(_of(row, 1, major(row["amount_remaining"])))
        for row in every(client.v1.credit_notes.list({"customer": customer})):
            if row["status"] == "issued" and row["total"] > 0:
                found.append(_of(row, -1, ZERO))
    return sorted(found)


def posted(accounts: Accounts, deal: Entered) -> list[Document]:
    """What the ledger has under the biller's numbers."""
    found = []
    for row in accounts.tryton.invoices([["party.code", "=", deal.customer_key]]):
        left = row["amount_to_pay"] or ZERO
        found.append(
            Document(
                number=str(row["reference"]),
                net=row["untaxed_amount"],
                tax=row["tax_amount"],
                total=row["total_amount"],
                open=left,
            )
        )
    return sorted(found)


def _of(row: dict[str, Any], sign: int, left: Decimal) -> Document:
    net, total = major(row["total_excluding_tax"]), major(row["total"])
    return Document(
        number=str(row["number"]),
        net=sign * net,
        tax=sign * (total - net),
        total=sign * total,
        open=left,
    )
