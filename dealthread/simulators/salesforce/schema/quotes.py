"""Quotes of the platform itself (CPQ has its own) and their lines.

Types and lengths: Salesforce Field Reference Guide, "Quote" and "QuoteLineItem". Quote is the
detail of an opportunity, a line the detail of a quote.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import (
    address,
    calculated,
    checkbox,
    date,
    long_text,
    money,
    number,
    percent,
    phone,
    picklist,
    reference,
    sobject,
    text,
)
from dealthread.simulators.salesforce.schema.model import Field, FieldType, SObject


def quote(currencies: Currencies) -> SObject:
    """Quote; amounts are rolled up from its lines."""
    return sobject(
        "Quote",
        "0Q0",
        [
            reference(
                "OpportunityId",
                "Opportunity",
                required=True,
                updateable=False,
                on_delete="cascade",
                children="Quotes",
            ),
            text("Name", 255, required=True),
            calculated(text("QuoteNumber", 255, auto_number="{:08d}")),
            calculated(reference("AccountId", "Account", children="Quotes")),
            reference("ContactId", "Contact", children="Quotes"),
            reference("ContractId", "Contract", children="Quotes"),
            reference("Pricebook2Id", "Pricebook2", on_delete="restrict"),
            picklist(
                "Status",
                "Draft",
                "Needs Review",
                "In Review",
                "Approved",
                "Rejected",
                "Presented",
                "Accepted",
                "Denied",
            ),
            calculated(checkbox("IsSyncing")),
            date("ExpirationDate"),
            calculated(Field("LineItemCount", FieldType.INT, precision=9)),
            calculated(money("Subtotal")),
            calculated(percent("Discount", 3, 2)),
            calculated(money("TotalPrice")),
            money("ShippingHandling"),
            money("Tax"),
            calculated(money("GrandTotal")),
            phone("Phone"),
            phone("Fax"),
            Field("Email", FieldType.EMAIL, length=80),
            text("BillingName", 255),
            text("ShippingName", 255),
            long_text("Description"),
            *address("Billing"),
            *address("Shipping"),
            *currencies.inherited(),
        ],
        owner=True,
    )


def quote_line_item(currencies: Currencies) -> SObject:
    """QuoteLineItem."""
    return sobject(
        "QuoteLineItem",
        "0QL",
        [
            reference(
                "QuoteId",
                "Quote",
                required=True,
                updateable=False,
                on_delete="cascade",
                children="QuoteLineItems",
            ),
            reference(
                "PricebookEntryId",
                "PricebookEntry",
                required=True,
                updateable=False,
                on_delete="restrict",
                children="QuoteLineItems",
            ),
            calculated(reference("Product2Id", "Product2", on_delete="restrict")),
            calculated(reference("OpportunityLineItemId", "OpportunityLineItem")),
            calculated(text("LineNumber", 255, auto_number="{:08d}")),
            number("Quantity", 10, 2, required=True),
            money("UnitPrice", 16, 4, required=True),
            percent("Discount", 3, 2),
            calculated(money("ListPrice", 16, 4)),
            calculated(money("Subtotal")),
            calculated(money("TotalPrice")),
            date("ServiceDate"),
            text("Description", 255),
            *currencies.inherited(),
        ],
    )
