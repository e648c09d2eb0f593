"""Contracts and assets."""

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


def contract(currencies: Currencies) -> SObject:
    """Contract with our package's fields."""
    return sobject(
        "Contract",
        "800",
        [
            reference(
                "AccountId", "Account", required=True, on_delete="guarded", children="Contracts"
            ),
            calculated(text("ContractNumber", 30, auto_number="{:08d}")),
            text("Name", 80),
            date("StartDate"),
            Field("ContractTerm", FieldType.INT, precision=4),
            calculated(date("EndDate")),
            picklist(
                "Status",
                "Draft",
                "In Approval Process",
                "Activated",
                default="Draft",
                required=True,
            ),
            calculated(
                picklist(
                    "StatusCode", "Draft", "InApproval", "Activated", length=40, never_null=True
                )
            ),
            calculated(datetime("ActivatedDate")),
            calculated(reference("ActivatedById", "User")),
            reference("Pricebook2Id", "Pricebook2", on_delete="restrict"),
            picklist("OwnerExpirationNotice", "15", "30", "45", "60", "90", "120", length=40),
            # Describe of Contact in a real org: deleting the signatory is refused.
            reference(
                "CustomerSignedId", "Contact", on_delete="restrict", children="ContractsSigned"
            ),
            text("CustomerSignedTitle", 40),
            date("CustomerSignedDate"),
            reference("CompanySignedId", "User", children="ContractsSigned"),
            date("CompanySignedDate"),
            Field("SpecialTerms", FieldType.TEXTAREA, length=4000),
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
        key("Dealthread_Contract_Key__c", 20),
        reference("Dealthread_Opportunity__c", "Opportunity", children="Dealthread_Contracts__r"),
        text("Dealthread_Status__c", 80),
        datetime("Dealthread_Status_At__c"),
        text("Dealthread_Subscription_Id__c", 80),
        text("Dealthread_Billing_Account__c", 40),
        text("Dealthread_Booking_Id__c", 40),
        text("Dealthread_Booking_Company__c", 40),
        text("Dealthread_Entitlement_Id__c", 80),
        long_text("Dealthread_Previous_Ids__c", 32768),
        text("Dealthread_Seller__c", 10),
        money("Dealthread_TCV__c"),
        number("Dealthread_Sync_Seq__c", 12, 0),
        text("Dealthread_Write_Key__c", 120),
        date("Dealthread_End__c"),
        number("Dealthread_Version__c", 6, 0),
        text("Dealthread_Change_Id__c", 120),
        text("Dealthread_Change_Status__c", 80),
        text("Dealthread_Change_Booking_Id__c", 40),
    ]


def asset(currencies: Currencies) -> SObject:
    """Asset (Salesforce Field Reference Guide, "Asset")."""
    return sobject(
        "Asset",
        "02i",
        [
            text("Name", 255, required=True),
            reference("AccountId", "Account", on_delete="cascade", children="Assets"),
            reference("ContactId", "Contact", on_delete="cascade", children="Assets"),
            reference("ParentId", "Asset", children="ChildAssets"),
            reference("Product2Id", "Product2", children="Assets"),
            calculated(text("ProductCode", 255)),
            text("SerialNumber", 80),
            number("Quantity", 10, 2),
            money("Price", 18, 0),
            date("PurchaseDate"),
            date("InstallDate"),
            date("UsageEndDate"),
            picklist(
                "Status",
                "Shipped",
                "Installed",
                "Registered",
                "Obsolete",
                "Purchased",
                length=40,
                restricted=False,
            ),
            checkbox("IsCompetitorProduct"),
            long_text("Description"),
            *currencies.own(),
        ],
        owner=True,
    )
