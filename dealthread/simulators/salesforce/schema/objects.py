"""All objects of an org: standard ones, our package's and, where installed, CPQ's."""

from __future__ import annotations

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.cpq.schema import with_cpq
from dealthread.simulators.salesforce.schema import accounts as schema_accounts
from dealthread.simulators.salesforce.schema import contracts as schema_contracts
from dealthread.simulators.salesforce.schema import deals as schema_deals
from dealthread.simulators.salesforce.schema import orders as schema_orders
from dealthread.simulators.salesforce.schema import package as schema_package
from dealthread.simulators.salesforce.schema import quotes as schema_quotes
from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import schema_of
from dealthread.simulators.salesforce.schema.model import Schema


def org_schema(config: SalesforceConfig) -> Schema:
    """Everything the org knows."""
    currencies = Currencies(config)
    objects = [
        schema_accounts.account(currencies),
        schema_accounts.contact(currencies),
        schema_deals.opportunity(currencies),
        schema_deals.opportunity_line_item(currencies),
        schema_quotes.quote(currencies),
        schema_quotes.quote_line_item(currencies),
        schema_orders.order(currencies),
        schema_orders.order_item(currencies),
        schema_contracts.contract(currencies),
        schema_contracts.asset(currencies),
        schema_deals.product(currencies),
        schema_deals.pricebook(currencies),
        schema_deals.pricebook_entry(currencies),
        schema_package.outbox(currencies),
        schema_package.invoice(currencies),
        schema_package.credit_note(currencies),
        schema_accounts.organization(),
        schema_accounts.user(currencies),
        *currencies.types(),
    ]
    return schema_of(with_cpq(objects, currencies) if config.cpq else objects)
