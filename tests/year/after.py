"""What each system says of one contract after a change, asked of the system itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import stripe

from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stripe_catalogue import every
from tests.year.accounts import CENT, ZERO, Accounts, major
from tests.year.change_table import BookedLine, Document, Priced, Right, ToCome


class After:
    """One contract, and which of its documents are known already."""

    def __init__(self, accounts: Accounts, deal: Entered) -> None:
        self._accounts = accounts
        self._deal = deal
        self._documents: set[str] = set()
        self._orders: set[int] = set()

    def new_documents(self) -> list[Document]:
        """Invoices and credit notes that were not there before, oldest first."""
        invoices: dict[str, int] = {}
        found: list[Document] = []
        for client, customer in self._accounts.customers(self._deal):
            rows = every(client.v1.invoices.list({"customer": customer}))
            for row in sorted(rows, key=lambda row: str(row.get("number"))):
                invoices[str(row["id"])] = len(invoices) + 1
                if self._is_new(row):
                    found.append(_invoice(row, invoices[str(row["id"])]))
            rows = every(client.v1.credit_notes.list({"customer": customer}))
            for row in sorted(rows, key=lambda row: str(row["number"])):
                if self._is_new(row):
                    found.append(_credit_note(row, invoices[str(row["invoice"])]))
        return found

    def agreement(self) -> tuple[list[Priced], list[ToCome], int]:
        """What is billed now, what from later days on, and days until an invoice is due."""
        client, row = self._subscription()
        now = sorted(_priced(item) for item in row["items"]["data"])
        due = int(row.get("days_until_due") or 0)
        if not row.get("schedule"):
            return now, [], due
        schedule = client.v1.subscription_schedules.retrieve(row["schedule"]).to_dict()
        began = schedule["current_phase"]["start_date"]
        return (
            now,
            [
                ToCome(
                    _day(phase["start_date"]),
                    tuple(_priced(self._with_price(client, item)) for item in phase["items"]),
                )
                for phase in schedule["phases"]
                if phase["start_date"] > began
            ],
            due,
        )

    def new_order(self) -> tuple[str, list[BookedLine]]:
        """Terms and lines of the order in the ERP that was not there before; "" without one."""
        new = [row for row in self._accounts.bookings(self._deal) if row["id"] not in self._orders]
        self._orders |= {row["id"] for row in new}
        if not new:
            return "", []
        (order,) = new
        lines = self._accounts.tryton.sale_lines([["sale", "=", order["id"]]])
        return str(order["payment_term.name"]), [
            BookedLine(
                str(line["product.code"]),
                Decimal(str(line["quantity"])).quantize(Decimal(1)),
                line["amount"].quantize(CENT),
            )
            for line in lines
        ]

    def rights(self, today: date) -> list[Right]:
        """Rights that have not run out."""
        held = self._accounts.entitlements.of(self._deal.contract_key) or {}
        found = (
            Right(
                str(one["template"]),
                int(Decimal(str(one["quantity"]))),
                str(one["access_from"])[:10],
                str(one["access_to"])[:10],
            )
            for one in held.get("grants", [])
        )
        return sorted(one for one in found if one.end > today.isoformat())

    def balance(self) -> Decimal:
        """What the customer has good."""
        return self._accounts.billed(self._deal).balance

    def _is_new(self, row: dict[str, Any]) -> bool:
        native_id = str(row["id"])
        if native_id in self._documents:
            return False
        self._documents.add(native_id)
        return True

    def _subscription(self) -> tuple[stripe.StripeClient, dict[str, Any]]:
        for one in self._accounts.books.of(self._deal.contract_key):
            if one.is_live and one.subscription_id:
                client = self._accounts.clients[one.account]
                return client, client.v1.subscriptions.retrieve(one.subscription_id).to_dict()
        raise AssertionError(f"no live subscription of {self._deal.contract_key}")

    @staticmethod
    def _with_price(client: stripe.StripeClient, item: dict[str, Any]) -> dict[str, Any]:
        return item | {"price": client.v1.prices.retrieve(item["price"]).to_dict()}


def _invoice(row: dict[str, Any], number: int) -> Document:
    return Document(
        f"invoice {number}",
        major(row["total_excluding_tax"]),
        major(row["total"]),
        major(row["amount_due"]),
        _day(row["due_date"]) if row.get("due_date") else None,
    )


def _credit_note(row: dict[str, Any], number: int) -> Document:
    return Document(
        f"credit of invoice {number}", major(row["total_excluding_tax"]), major(row["total"]), ZERO
    )


def _priced(item: dict[str, Any]) -> Priced:
    price = item["price"]
    product, amount = str(price["product"]), Decimal(str(price["unit_amount_decimal"])) / 100
    return Priced(product, Decimal(item["quantity"]), amount.quantize(CENT))


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
