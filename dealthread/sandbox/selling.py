"""Entering customers and deals into Salesforce, and closing the deals as won."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import stripe

from dealthread.config import load_config
from dealthread.domain.catalog import ConfigSet
from dealthread.naming import contract_key, customer_key
from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.price_book import PriceBook
from dealthread.sandbox.records import (
    Customer,
    Sale,
    account_record,
    contact_record,
    line_record,
    opportunity_record,
)
from dealthread.sandbox.salesforce import WON, SalesforceOrg, quoted
from dealthread.sandbox.stripe_catalogue import (
    billing_clients,
    ensure_catalogue,
    put_card_on_file,
)
from dealthread.sandbox.worked_deals import worked_price_book
from dealthread.stack.info import StackInfo


@dataclass(frozen=True)
class Entered:
    """A deal as Salesforce holds it, with the keys that every other system knows it by."""

    sale: Sale
    name: str
    deal_id: str
    account_id: str
    contract_key: str
    customer_key: str


@dataclass(frozen=True)
class Shop:
    """A desk that can sell at once, and what it stands on."""

    desk: SalesDesk
    org: SalesforceOrg
    billing: dict[str, stripe.StripeClient]
    prices: int
    """Entries of the price book."""
    new_at_biller: int
    """Products and tax rates that were missing there."""


@contextmanager
def open_shop(stack: StackInfo) -> Iterator[Shop]:
    """Price book in Salesforce, catalogue at the biller: made where missing."""
    config = load_config(stack.config_dir)
    with ExitStack() as held:
        org = SalesforceOrg(stack)
        held.callback(org.close)
        clients = held.enter_context(billing_clients(stack))
        book = worked_price_book(org, config)
        made = ensure_catalogue(clients, config)
        desk = SalesDesk(org, book, clients, config)
        yield Shop(desk, org, clients, len(book.entries), made)


class SalesDesk:
    """Enters deals one by one, as a salesperson does. An account that exists is used again."""

    def __init__(
        self,
        org: SalesforceOrg,
        book: PriceBook,
        billing: dict[str, stripe.StripeClient],
        config: ConfigSet,
    ) -> None:
        self._org = org
        self._book = book
        self._billing = billing
        self._config = config

    def account(self, customer: Customer) -> str:
        """The account's id, made with its parents and contact where it is missing."""
        rows = self._org.query(
            f"SELECT Id FROM Account WHERE Name = {quoted(customer.name)}"  # noqa: S608
        )
        if rows:
            return str(rows[0]["Id"])
        parent = self.account(customer.parent) if customer.parent else None
        account_id = self._org.create("Account", account_record(customer, parent))
        self._org.create("Contact", contact_record(customer, account_id))
        return account_id

    def enter(self, sale: Sale, label: str = "") -> Entered:
        """The deal with its lines, still open. A card is put on file where the deal needs one."""
        account_id = self.account(sale.customer)
        currency = sale.customer.currency
        key = customer_key(self._org.org_id, account_id)
        if sale.collection == "card":
            self._card(sale, key, currency)
        name = f"{sale.code}{label} {sale.customer.name}"[:120]
        deal_id = self._org.create(
            "Opportunity", opportunity_record(sale, name, account_id, currency, self._book.id)
        )
        self._org.create_all(
            "OpportunityLineItem",
            [
                line_record(line, deal_id, self._book.entry(line.product, currency))
                for line in sale.lines
            ],
        )
        return Entered(
            sale=sale,
            name=name,
            deal_id=deal_id,
            account_id=account_id,
            contract_key=contract_key(self._org.org_id, deal_id),
            customer_key=key,
        )

    def win(self, entered: Entered) -> None:
        """Close as won; the webhook does the rest."""
        self._org.update("Opportunity", entered.deal_id, {"StageName": WON})

    def sell(self, sale: Sale, label: str = "") -> Entered:
        """Enter and win."""
        entered = self.enter(sale, label)
        self.win(entered)
        return entered

    def _card(self, sale: Sale, key: str, currency: str) -> None:
        account = self._config.billing_account(sale.seller, currency)
        if account is None:
            raise SandboxError(f"{sale.seller} does not bill in {currency}")
        customer = sale.customer
        put_card_on_file(self._billing[account.key], key, customer.name, customer.payable_email)
