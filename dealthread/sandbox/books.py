"""What each system holds of a contract, read from the system itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import stripe

from dealthread.held_http import HoldsHttp
from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.salesforce import SalesforceOrg
from dealthread.sandbox.stripe_catalogue import CUSTOMER, every
from dealthread.sandbox.tryton import Row, TrytonReader
from dealthread.stack.info import StackInfo

CONTRACT = "dealthread_contract"
"""Metadata of an agreement: our contract key."""
_ENDED = ("canceled", "incomplete_expired")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Invoice:
    """A first invoice as the biller holds it. Amounts in major units."""

    number: str
    status: str
    currency: str
    net: Decimal
    tax: Decimal
    total: Decimal
    remaining: Decimal = Decimal("0.00")
    """Still to be paid."""
    native_id: str = ""
    account: str = ""


@dataclass(frozen=True)
class Agreement:
    """A subscription, or a schedule with the subscription it made."""

    native_id: str
    account: str
    contract_key: str
    status: str
    subscription_id: str

    @property
    def is_live(self) -> bool:
        """Bills, or will."""
        return self.status not in _ENDED


class BillingBooks:
    """Every billing account, by Stripe's own client."""

    def __init__(self, clients: dict[str, stripe.StripeClient]) -> None:
        self._clients = clients

    def agreements(self) -> list[Agreement]:
        """Each agreement once: a schedule stands for the subscription that it made or planned."""
        found: list[Agreement] = []
        for account, client in self._clients.items():
            subscriptions = {
                str(row["id"]): row
                for row in every(client.v1.subscriptions.list({"status": "all", "limit": 100}))
            }
            scheduled: set[str] = set()
            for row in every(client.v1.subscription_schedules.list({"limit": 100})):
                subscription = _id(row.get("subscription") or row.get("released_subscription"))
                if subscription and subscription in scheduled:
                    # The newest comes first; a change told ahead makes a further schedule.
                    continue
                scheduled.add(subscription)
                # A schedule made for a change of a subscription does not name the contract itself.
                named = _contract(row) or _contract(subscriptions.get(subscription, {}))
                found.append(_agreement(account, row, subscription, named))
            found.extend(
                _agreement(account, row, native_id, _contract(row))
                for native_id, row in subscriptions.items()
                if native_id not in scheduled
            )
        return found

    def of(self, contract_key: str) -> list[Agreement]:
        """Agreements of one contract, ended ones too."""
        return [row for row in self.agreements() if row.contract_key == contract_key]

    def first_invoice(self, agreement: Agreement) -> Invoice | None:
        """The oldest invoice of an agreement; None before there is one."""
        if not agreement.subscription_id:
            return None
        rows = self._invoices_of(agreement)
        if not rows:
            return None
        first = min(rows, key=lambda row: (row["created"], row["id"]))
        total, net = _major(first["total"]), _major(first["total_excluding_tax"])
        return Invoice(
            number=str(first.get("number") or "without number"),
            status=str(first["status"]),
            currency=str(first["currency"]).upper(),
            net=net,
            tax=total - net,
            total=total,
            remaining=_major(first["amount_remaining"]),
            native_id=str(first["id"]),
            account=agreement.account,
        )

    def finalise(self, invoice: Invoice) -> None:
        """Accounting does not wait for the hour after which the biller finalises a draft."""
        self._clients[invoice.account].v1.invoices.finalize_invoice(invoice.native_id)

    def invoice_ids(self, agreement: Agreement) -> list[str]:
        """Every invoice of an agreement, drafts and void ones too."""
        return [str(row["id"]) for row in self._invoices_of(agreement)]

    def _invoices_of(self, agreement: Agreement) -> list[dict[str, Any]]:
        client = self._clients[agreement.account]
        return list(
            every(
                client.v1.invoices.list({"subscription": agreement.subscription_id, "limit": 100})
            )
        )

    def customers_by_key(self) -> dict[str, list[str]]:
        """`<account> <customer key>` → customer ids."""
        return grouped(
            (f"{account} {key}", str(row["id"]))
            for account, client in self._clients.items()
            for row in every(client.v1.customers.list({"limit": 100}))
            if (key := (row.get("metadata") or {}).get(CUSTOMER))
        )

    def customers(self, customer_key: str) -> list[str]:
        """Customer ids of a customer key, at any account."""
        return [
            native_id
            for key, ids in self.customers_by_key().items()
            if key.partition(" ")[2] == customer_key
            for native_id in ids
        ]


class Entitlements(HoldsHttp):
    """The entitlement service, by its own look-up."""

    def __init__(self, stack: StackInfo) -> None:
        self._http = httpx.Client(
            base_url=stack.urls.entitlement_direct,
            headers={"Authorization": f"Bearer {stack.credentials.entitlement_token}"},
            timeout=15.0,
            trust_env=False,
        )

    def of(self, contract_key: str) -> dict[str, Any] | None:
        """The entitlement of a contract, or None."""
        answer = self._http.get(f"/entitlements/{quote(contract_key, safe='')}")
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise SandboxError(f"the entitlement service answered {answer.status_code}")
        body: dict[str, Any] = answer.json()
        return body


class CustomerSuccess(HoldsHttp):
    """The customer-success service, by its own look-up."""

    def __init__(self, stack: StackInfo) -> None:
        self._http = httpx.Client(
            base_url=stack.urls.customer_success_direct,
            headers={"Authorization": f"Bearer {stack.credentials.customer_success_token}"},
            timeout=15.0,
            trust_env=False,
        )

    def of(self, customer_key: str, contract_key: str) -> dict[str, dict[str, Any]]:
        """What was heard of a contract last: by sort (`contract`, `invoice`, `payment`) its
        `state` and `data`. Empty where nothing was."""
        answer = self._http.get(f"/accounts/{quote(customer_key, safe='')}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        if answer.status_code != httpx.codes.OK:
            raise SandboxError(f"the customer-success service answered {answer.status_code}")
        heard: dict[str, dict[str, Any]] = answer.json()["contracts"].get(contract_key, {})
        return heard


def contracts_in_crm(org: SalesforceOrg) -> dict[str, list[str]]:
    """Opportunity id → contracts that hang on it."""
    rows = org.query(
        "SELECT Id, Dealthread_Opportunity__c FROM Contract "
        "WHERE Dealthread_Contract_Key__c != null"
    )
    return grouped((str(row["Dealthread_Opportunity__c"]), str(row["Id"])) for row in rows)


def live_sales(tryton: TrytonReader) -> list[Row]:
    """Orders that count: not cancelled, and not the return of another."""
    return [row for row in tryton.sales([["state", "!=", "cancelled"]]) if row["total_amount"] >= 0]


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Values by key."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)


def _contract(row: dict[str, Any]) -> str:
    return str((row.get("metadata") or {}).get(CONTRACT, ""))


def _agreement(
    account: str, row: dict[str, Any], subscription_id: str, contract_key: str
) -> Agreement:
    return Agreement(
        native_id=str(row["id"]),
        account=account,
        contract_key=contract_key,
        status=str(row["status"]),
        subscription_id=subscription_id,
    )


def _id(value: object) -> str:
    """An id, given bare or as the object itself."""
    if isinstance(value, dict):
        return str(value.get("id", ""))
    return str(value or "")


def _major(minor: int) -> Decimal:
    """Every currency of the demonstration has two decimals."""
    return (Decimal(minor) / 100).quantize(_CENT)
