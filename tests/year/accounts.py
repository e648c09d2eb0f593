"""What each system holds of a contract, asked of the system itself by its own interface."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any

import httpx
import stripe

from dealthread.sandbox.books import BillingBooks, Entitlements
from dealthread.sandbox.salesforce import Record, SalesforceOrg, quoted
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stripe_catalogue import every
from dealthread.sandbox.tryton import TrytonReader
from dealthread.stack.info import StackInfo

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Bill:
    """An invoice or a credit note. Amounts in major units, those of a credit note positive."""

    number: str
    status: str
    net: Decimal
    total: Decimal
    due: Decimal = ZERO


@dataclass(frozen=True)
class Billed:
    """Everything of one customer at the biller."""

    invoices: list[Bill]
    credit_notes: list[Bill]
    balance: Decimal
    """What the customer has good."""

    @property
    def net(self) -> Decimal:
        """Invoiced less credited."""
        return sum((one.net for one in self.invoices), ZERO) - sum(
            (one.net for one in self.credit_notes), ZERO
        )

    @property
    def total(self) -> Decimal:
        """The same with tax."""
        return sum((one.total for one in self.invoices), ZERO) - sum(
            (one.total for one in self.credit_notes), ZERO
        )


class Accounts(AbstractContextManager["Accounts"]):
    """Readers of all systems, independent of the product's adapters."""

    def __init__(self, stack: StackInfo, clients: dict[str, stripe.StripeClient]) -> None:
        self._stack = stack
        self.clients = clients
        self.books = BillingBooks(clients)
        self._held = ExitStack()
        self.tryton = self._held.enter_context(TrytonReader(stack))
        self.entitlements = self._held.enter_context(Entitlements(stack))
        self._customer_success = self._reader(
            stack.urls.customer_success_direct, stack.credentials.customer_success_token
        )
        self._communications = self._reader(
            stack.urls.communications, stack.credentials.communications_token
        )

    def _reader(self, url: str, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return self._held.enter_context(
            httpx.Client(base_url=url, headers=headers, trust_env=False)
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    @property
    def org(self) -> SalesforceOrg:
        """The org, signed in anew: a session does not live for months."""
        org = SalesforceOrg(self._stack)
        self._held.callback(org.close)
        return org

    def billed(self, deal: Entered) -> Billed:
        """Invoices, credit notes and balance of the deal's customer."""
        invoices: list[Bill] = []
        notes: list[Bill] = []
        balance = ZERO
        for client, customer in self.customers(deal):
            invoices += map(_invoice, every(client.v1.invoices.list({"customer": customer})))
            notes += map(_note, every(client.v1.credit_notes.list({"customer": customer})))
            balance -= major(client.v1.customers.retrieve(customer).to_dict()["balance"])
        return Billed(_by_number(invoices), _by_number(notes), balance)

    def items(self, deal: Entered) -> list[tuple[int, Decimal]]:
        """Quantity and price of each item of the contract's live subscriptions."""
        found = []
        for one in self.books.of(deal.contract_key):
            if not one.is_live or not one.subscription_id:
                continue
            client = self.clients[one.account]
            row = client.v1.subscriptions.retrieve(one.subscription_id).to_dict()
            if row["status"] in ("active", "past_due"):
                found += [
                    (int(item["quantity"]), major(item["price"]["unit_amount"]))
                    for item in row["items"]["data"]
                ]
        return sorted(found)

    def pay_out_of_band(self, deal: Entered) -> None:
        """Receipts by bank transfer: whatever is open is paid."""
        for client, customer in self.customers(deal):
            for row in every(client.v1.invoices.list({"customer": customer, "status": "open"})):
                client.v1.invoices.pay(str(row["id"]), {"paid_out_of_band": True})

    def change_card(self, deal: Entered, card: str) -> None:
        """From now on the customer is charged on this one."""
        for client, customer in self.customers(deal):
            method = client.v1.payment_methods.attach(card, {"customer": customer})
            client.v1.customers.update(
                customer, {"invoice_settings": {"default_payment_method": method.id}}
            )

    def access(self, deal: Entered) -> str:
        """Whether the customer may use what it bought."""
        return str((self.entitlements.of(deal.contract_key) or {}).get("state", "none"))

    def bookings(self, deal: Entered) -> list[dict[str, Any]]:
        """Orders in the ERP that count."""
        return self.tryton.sales(
            [["party.code", "=", deal.customer_key], ["state", "!=", "cancelled"]]
        )

    def grants(self, deal: Entered) -> list[tuple[str, str, str]]:
        """Quantity, first day and end of each right."""
        held = self.entitlements.of(deal.contract_key) or {}
        return sorted(
            (
                str(int(Decimal(str(one["quantity"])))),
                str(one["access_from"])[:10],
                str(one["access_to"])[:10],
            )
            for one in held.get("grants", [])
        )

    def crm(self, deal: Entered) -> Record:
        """The contract's record."""
        (row,) = self.org.query(
            "SELECT Id, Dealthread_Version__c, Dealthread_Status__c, Dealthread_TCV__c, "  # noqa: S608
            "Dealthread_End__c, Dealthread_Change_Status__c FROM Contract "
            f"WHERE Dealthread_Contract_Key__c = {quoted(deal.contract_key)}"
        )
        return row

    def opportunity(self, deal_id: str) -> Record:
        """What a salesperson sees of a deal."""
        (row,) = self.org.query(
            "SELECT Id, StageName, Amount, Dealthread_Status__c FROM Opportunity "  # noqa: S608
            f"WHERE Id = {quoted(deal_id)}"
        )
        return row

    def renewal(self, key: str) -> Record | None:
        """The open renewal of a term."""
        rows = self.org.query(
            "SELECT Id, StageName, Amount FROM Opportunity "  # noqa: S608
            f"WHERE Dealthread_Renewal_Key__c = {quoted(key)}"
        )
        return rows[0] if rows else None

    def health(self, deal: Entered) -> dict[str, Any]:
        """The latest that customer success heard of the contract."""
        return self.heard(deal, "contract")

    def heard(self, deal: Entered, what: str) -> dict[str, Any]:
        """The latest that customer success heard of a part of the contract's life."""
        answer = self._customer_success.get(f"/accounts/{deal.customer_key}").raise_for_status()
        heard: dict[str, Any] = answer.json()["contracts"][deal.contract_key].get(what, {})
        return heard

    def notices(self, deal: Entered) -> list[str]:
        """What the customer was told, oldest first."""
        answer = self._communications.get(f"/notices/{deal.contract_key}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        return [str(one["template"]) for one in answer.raise_for_status().json()["notices"]]

    def mirrored(self, number: str) -> Record:
        """An invoice as the CRM has it; nothing where it has none."""
        rows = self.org.query(
            "SELECT Dealthread_Status__c, Dealthread_Collections__c "  # noqa: S608
            f"FROM Dealthread_Invoice__c WHERE Dealthread_Number__c = {quoted(number)}"
        )
        return rows[0] if rows else {}

    def pay_a_part(self, deal: Entered, number: str, amount: Decimal, card: str) -> None:
        """A part of an invoice, on a card."""
        for client, customer in self.customers(deal):
            method = client.v1.payment_methods.attach(card, {"customer": customer})
            for row in every(client.v1.invoices.list({"customer": customer})):
                if row["number"] == number:
                    intent = client.v1.payment_intents.create(
                        {
                            "amount": int(amount * 100),
                            "currency": row["currency"],
                            "customer": customer,
                            "payment_method": method.id,
                            "confirm": True,
                            "off_session": True,
                        }
                    )
                    client.v1.invoices.attach_payment(row["id"], {"payment_intent": intent.id})

    def charge(self, deal: Entered) -> None:
        """What is open is charged to the customer's card."""
        for client, customer in self.customers(deal):
            for row in every(client.v1.invoices.list({"customer": customer, "status": "open"})):
                client.v1.invoices.pay(str(row["id"]))

    def customers(self, deal: Entered) -> list[tuple[stripe.StripeClient, str]]:
        """The customer at each biller that knows it."""
        return [
            (self.clients[account], native_id)
            for key, ids in self.books.customers_by_key().items()
            for account, _, customer in [key.partition(" ")]
            if customer == deal.customer_key
            for native_id in ids
        ]


def _invoice(row: dict[str, Any]) -> Bill:
    return Bill(
        number=str(row.get("number") or "draft"),
        status=str(row["status"]),
        net=major(row["total_excluding_tax"]),
        total=major(row["total"]),
        due=major(row["amount_due"]),
    )


def _note(row: dict[str, Any]) -> Bill:
    return Bill(
        number=str(row["number"]),
        status=str(row["status"]),
        net=major(row["total_excluding_tax"]),
        total=major(row["total"]),
    )


def _by_number(bills: list[Bill]) -> list[Bill]:
    return sorted(bills, key=lambda one: one.number)


def major(minor: int) -> Decimal:
    """Every currency of the demonstration has two decimals."""
    return (Decimal(minor) / 100).quantize(CENT)
