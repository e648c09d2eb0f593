"""Orders and their products.

Types and lengths: Salesforce Field Reference Guide, "Order"; object reference, "OrderItem".
Reduction orders are not simulated.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import (
    address,
    calculated,
    checkbox,
    date,
    datetime,
    key,
    long_text,
    money,
    number,
    picklist,
    reference,
    sobject,
    text,
)
from dealthread.simulators.salesforce.schema.model import Field, FieldType, SObject


def order(currencies: Currencies) -> SObject:
    """Order."""
    return sobject(
        "Order",
        "801",
        [
            reference(
                "AccountId", "Account", required=True, on_delete="guarded", children="Orders"
            ),
            reference("ContractId", "Contract", on_delete="restrict", children="Orders"),
            reference("OpportunityId", "Opportunity", children="Orders"),
            reference("QuoteId", "Quote", children="Orders"),
            reference("Pricebook2Id", "Pricebook2", on_delete="restrict", children="Orders"),
            calculated(text("OrderNumber", 30, auto_number="{:08d}")),
            text("Name", 80),
            text("OrderReferenceNumber", 80),
            date("EffectiveDate", required=True),
            date("EndDate"),
            picklist("Status", "Draft", "Activated", required=True),
            calculated(picklist("StatusCode", "Draft", "Activated", length=40, never_null=True)),
            picklist("Type", restricted=False),
            checkbox("IsReductionOrder"),
            calculated(datetime("ActivatedDate")),
            calculated(reference("ActivatedById", "User")),
            calculated(money("TotalAmount", never_null=True)),
            text("PoNumber", 80),
            date("PoDate"),
            reference("BillToContactId", "Contact", on_delete="restrict"),
            reference("ShipToContactId", "Contact", on_delete="restrict"),
            reference("CustomerAuthorizedById", "Contact", on_delete="restrict"),
            date("CustomerAuthorizedDate"),
            reference("CompanyAuthorizedById", "User"),
            date("CompanyAuthorizedDate"),
            long_text("Description"),
            *address("Billing"),
            *address("Shipping"),
            *currencies.own(),
            *_package_fields(),
        ],
        owner=True,
    )


def _package_fields() -> list[Field]:
    return [
        key("Dealthread_Subscription_Id__c", 80),
        text("Dealthread_Status__c", 80),
        datetime("Dealthread_Status_At__c"),
        text("Dealthread_Workflow_Id__c", 120),
        text("Dealthread_Last_Error__c", 255),
        number("Dealthread_Sync_Seq__c", 12, 0),
    ]


def order_item(currencies: Currencies) -> SObject:
    """OrderItem ("order product")."""
    return sobject(
        "OrderItem",
        "802",
        [
            reference(
                "OrderId",
                "Order",
                required=True,
                updateable=False,
                on_delete="cascade",
                children="OrderItems",
            ),
            reference(
                "PricebookEntryId",
                "PricebookEntry",
                required=True,
                updateable=False,
                on_delete="restrict",
                children="OrderItems",
            ),
            calculated(reference("Product2Id", "Product2", on_delete="restrict")),
            reference("QuoteLineItemId", "QuoteLineItem", children="OrderItems"),
            calculated(text("OrderItemNumber", 30, auto_number="{:010d}")),
            number("Quantity", 16, 2, required=True),
            calculated(number("AvailableQuantity", 16, 2)),
            money("UnitPrice", 16, 4, required=True),
            calculated(money("ListPrice", 16, 4)),
            calculated(money("TotalPrice")),
            date("ServiceDate"),
            date("EndDate"),
            Field("Description", FieldType.STRING, length=255),
            *currencies.inherited(),
            key("Dealthread_Item_Id__c", 80),
        ],
    )
