"""The objects of an org with our package installed: standard fields and `Dealthread_…__c`."""

from __future__ import annotations

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.schema import Field, FieldType, Schema, SObject
from dealthread.simulators.salesforce.schema_fields import (
    address,
    calculated,
    checkbox,
    currency_code,
    date,
    datetime,
    money,
    number,
    picklist,
    reference,
    schema_of,
    sobject,
    text,
)
from dealthread.simulators.salesforce.stages import STAGES


def org_schema(config: SalesforceConfig) -> Schema:
    """Everything the org knows."""
    currency = currency_code(config.currencies, config.default_currency)
    return schema_of(
        [
            _account(currency),
            _contact(currency),
            _opportunity(currency),
            _opportunity_line_item(currency),
            _contract(currency),
            _product(currency),
            _pricebook(currency),
            _pricebook_entry(currency),
            _outbox(currency),
            _organization(),
            _user(currency),
        ]
    )


def _account(currency: Field) -> SObject:
    return sobject(
        "Account",
        "001",
        [
            text("Name", 255, required=True, indexed=True),
            reference("ParentId", "Account", on_delete="restrict"),
            text("AccountNumber", 40),
            text("Type", 255),
            text("Industry", 255),
            Field("Phone", FieldType.PHONE, length=40),
            Field("Website", FieldType.URL, length=255),
            Field("Description", FieldType.LONG_TEXT, length=32000),
            *address("Billing"),
            *address("Shipping"),
            currency,
            text("Dealthread_Customer_Key__c", 40, unique=True, external_id=True),
            text("Dealthread_Tax_Id__c", 30),
            picklist("Dealthread_Tax_Scheme__c", "eu_vat", "gb_vat", "us_ein"),
            picklist("Dealthread_Buyer_Type__c", "business", "consumer", "public"),
            checkbox("Dealthread_PO_Required__c"),
            text("Dealthread_Registration_No__c", 40),
            text("Dealthread_Language__c", 10),
            text("Dealthread_Exemption_Certificate__c", 80),
            text("Dealthread_Exemption_Jurisdiction__c", 80),
            date("Dealthread_Exemption_Until__c"),
            picklist("Dealthread_Screening_Result__c", "clear", "hit"),
            date("Dealthread_Screened_On__c"),
        ],
        owner=True,
    )


def _contact(currency: Field) -> SObject:
    return sobject(
        "Contact",
        "003",
        [
            reference("AccountId", "Account", on_delete="restrict"),
            text("LastName", 80, required=True),
            text("FirstName", 40),
            calculated(text("Name", 121)),
            text("Title", 128),
            Field("Phone", FieldType.PHONE, length=40),
            Field("Email", FieldType.EMAIL, length=80, id_lookup=True),
            currency,
            picklist("Dealthread_Purpose__c", "accounts_payable", "signatory", "admin"),
            text("Dealthread_Language__c", 10),
        ],
        owner=True,
    )


def _opportunity(currency: Field) -> SObject:
    return sobject(
        "Opportunity",
        "006",
        [
            reference("AccountId", "Account", on_delete="restrict"),
            text("Name", 120, required=True),
            picklist("StageName", *STAGES, required=True),
            date("CloseDate", required=True),
            money("Amount"),
            Field("Probability", FieldType.PERCENT, precision=3, scale=0),
            calculated(checkbox("IsWon")),
            calculated(checkbox("IsClosed")),
            calculated(checkbox("HasOpportunityLineItem")),
            calculated(datetime("LastStageChangeDate")),
            picklist("Type", "Existing Business", "New Business"),
            Field("Description", FieldType.LONG_TEXT, length=32000),
            reference("Pricebook2Id", "Pricebook2", on_delete="restrict"),
            currency,
            date("Dealthread_Signed_On__c"),
            text("Dealthread_Signed_Document__c", 120),
            date("Dealthread_Price_Date__c"),
            text("Dealthread_Seller__c", 10),
            date("Dealthread_Term_Start__c"),
            date("Dealthread_Term_End__c"),
            picklist("Dealthread_Term_Kind__c", "fixed", "evergreen"),
            number("Dealthread_Term_Months__c", 3, 0),
            checkbox("Dealthread_Cancellable__c"),
            checkbox("Dealthread_Termination_For_Convenience__c"),
            picklist(
                "Dealthread_Billing_Frequency__c",
                "monthly",
                "quarterly",
                "semi_annual",
                "yearly",
                "term",
            ),
            picklist("Dealthread_Billing_Timing__c", "advance", "arrears"),
            text("Dealthread_Payment_Terms__c", 20),
            picklist("Dealthread_Collection_Method__c", "card", "bank_transfer"),
            text("Dealthread_PO_Number__c", 40),
            Field("Dealthread_Approved_Discount__c", FieldType.PERCENT, precision=7, scale=2),
            checkbox("Dealthread_Auto_Renew__c"),
            number("Dealthread_Notice_Days__c", 4, 0),
            text("Dealthread_Partner__c", 40),
            picklist("Dealthread_Kind__c", "new", "amendment", "renewal", "win_back"),
            text("Dealthread_Waived_Rules__c", 255),
            text("Dealthread_Status__c", 80),
            datetime("Dealthread_Status_At__c"),
            text("Dealthread_Workflow_Id__c", 120),
            text("Dealthread_Last_Error__c", 255),
            number("Dealthread_Sync_Seq__c", 12, 0),
            text("Dealthread_Contract_Key__c", 20, indexed=True),
        ],
        owner=True,
    )


def _opportunity_line_item(currency: Field) -> SObject:
    return sobject(
        "OpportunityLineItem",
        "00k",
        [
            reference(
                "OpportunityId",
                "Opportunity",
                required=True,
                updateable=False,
                on_delete="cascade",
            ),
            reference(
                "PricebookEntryId",
                "PricebookEntry",
                required=True,
                updateable=False,
                on_delete="restrict",
            ),
            calculated(reference("Product2Id", "Product2", on_delete="restrict")),
            calculated(text("ProductCode", 255)),
            calculated(text("Name", 376)),
            number("Quantity", 10, 4, required=True),
            money("UnitPrice", 16, 4, required=True),
            calculated(money("ListPrice", 16, 4)),
            calculated(money("TotalPrice")),
            text("Description", 255),
            date("ServiceDate"),
            calculated(currency),
            date("Dealthread_End__c"),
            number("Dealthread_Segment__c", 3, 0),
        ],
    )


def _contract(currency: Field) -> SObject:
    return sobject(
        "Contract",
        "800",
        [
            reference("AccountId", "Account", required=True, on_delete="restrict"),
            calculated(text("ContractNumber", 30, auto_number="{:08d}")),
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
            Field("Description", FieldType.LONG_TEXT, length=32000),
            currency,
            text("Dealthread_Contract_Key__c", 20, unique=True, external_id=True),
            reference("Dealthread_Opportunity__c", "Opportunity"),
            text("Dealthread_Status__c", 80),
            datetime("Dealthread_Status_At__c"),
            text("Dealthread_Subscription_Id__c", 80),
            text("Dealthread_Billing_Account__c", 40),
            text("Dealthread_Booking_Id__c", 40),
            text("Dealthread_Booking_Company__c", 40),
            text("Dealthread_Entitlement_Id__c", 80),
            Field("Dealthread_Previous_Ids__c", FieldType.LONG_TEXT, length=32768),
            text("Dealthread_Seller__c", 10),
            money("Dealthread_TCV__c"),
            number("Dealthread_Sync_Seq__c", 12, 0),
            text("Dealthread_Write_Key__c", 120),
            date("Dealthread_End__c"),
        ],
        owner=True,
    )


def _product(currency: Field) -> SObject:
    return sobject(
        "Product2",
        "01t",
        [
            text("Name", 255, required=True),
            text("ProductCode", 255, indexed=True),
            checkbox("IsActive"),
            text("Family", 255),
            Field("Description", FieldType.TEXTAREA, length=4000),
            currency,
            text("Dealthread_Product_Key__c", 40, unique=True, external_id=True),
        ],
    )


def _pricebook(currency: Field) -> SObject:
    return sobject(
        "Pricebook2",
        "01s",
        [
            text("Name", 255, required=True),
            checkbox("IsActive"),
            checkbox("IsStandard", createable=False, updateable=False),
            text("Description", 255),
            currency,
        ],
    )


def _pricebook_entry(currency: Field) -> SObject:
    fixed = Field(**{**currency.__dict__, "updateable": False})
    return sobject(
        "PricebookEntry",
        "01u",
        [
            reference(
                "Pricebook2Id", "Pricebook2", required=True, updateable=False, on_delete="restrict"
            ),
            reference(
                "Product2Id", "Product2", required=True, updateable=False, on_delete="restrict"
            ),
            calculated(text("Name", 255)),
            calculated(text("ProductCode", 255)),
            money("UnitPrice", 16, 4, required=True),
            checkbox("IsActive"),
            fixed,
        ],
    )


def _outbox(currency: Field) -> SObject:
    return sobject(
        "Dealthread_Outbox__c",
        "a00",
        [
            calculated(text("Name", 80, auto_number="OB-{:06d}")),
            text("Dealthread_Record_Id__c", 18, indexed=True),
            text("Dealthread_Object__c", 80),
            text("Dealthread_Event_Id__c", 36, unique=True, external_id=True),
            checkbox("Dealthread_Delivered__c"),
            currency,
        ],
        owner=True,
    )


def _organization() -> SObject:
    return sobject(
        "Organization",
        "00D",
        [
            text("Name", 80, required=True),
            text("Country", 80),
            text("DefaultLocaleSidKey", 40),
            text("TimeZoneSidKey", 40),
            text("OrganizationType", 40, createable=False, updateable=False),
            checkbox("IsSandbox", createable=False, updateable=False),
        ],
        createable=False,
        updateable=False,
        deletable=False,
    )


def _user(currency: Field) -> SObject:
    return sobject(
        "User",
        "005",
        [
            text("Username", 80, required=True, unique=True),
            text("LastName", 80, required=True),
            text("FirstName", 40),
            calculated(text("Name", 121)),
            Field("Email", FieldType.EMAIL, length=128, required=True),
            checkbox("IsActive"),
            currency,
        ],
        createable=False,
        updateable=False,
        deletable=False,
    )
