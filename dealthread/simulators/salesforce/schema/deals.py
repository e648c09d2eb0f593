"""Opportunities, their products, the catalogue and price books."""

from __future__ import annotations

from dealthread.simulators.salesforce.rules.stages import STAGES
from dealthread.simulators.salesforce.schema.accounts import SOURCES
from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import (
    calculated,
    checkbox,
    date,
    datetime,
    key,
    long_text,
    money,
    number,
    percent,
    picklist,
    reference,
    sobject,
    text,
)
from dealthread.simulators.salesforce.schema.model import Field, FieldType, SObject


def opportunity(currencies: Currencies) -> SObject:
    """Opportunity with our package's fields."""
    return sobject(
        "Opportunity",
        "006",
        [
            reference("AccountId", "Account", on_delete="cascade", children="Opportunities"),
            text("Name", 120, required=True, id_lookup=True),
            picklist("StageName", *STAGES, required=True),
            date("CloseDate", required=True),
            money("Amount"),
            percent("Probability", 3, 0),
            calculated(money("ExpectedRevenue")),
            calculated(checkbox("IsWon")),
            calculated(checkbox("IsClosed")),
            calculated(checkbox("HasOpportunityLineItem")),
            calculated(datetime("LastStageChangeDate")),
            picklist("Type", "Existing Business", "New Business", restricted=False),
            text("NextStep", 255),
            picklist("LeadSource", *SOURCES, restricted=False),
            checkbox("IsPrivate"),
            long_text("Description"),
            # Describes of real orgs: createable only, and without a relationship's name.
            reference(
                "ContactId",
                "Contact",
                updateable=False,
                relationship="",
                children="Opportunities",
            ),
            reference("ContractId", "Contract"),
            reference("Pricebook2Id", "Pricebook2", on_delete="restrict", children="Opportunities"),
            reference("SyncedQuoteId", "Quote"),
            *currencies.own(),
            *_package_fields(),
        ],
        owner=True,
    )


def _package_fields() -> list[Field]:
    return [
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
        percent("Dealthread_Approved_Discount__c", 5, 2),
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
        key("Dealthread_Renewal_Key__c", 120),
        *_change_fields(),
    ]


def _change_fields() -> list[Field]:
    """What an opportunity asks of a running contract, which `ContractId` names."""
    return [
        date("Dealthread_Effective_From__c"),
        picklist("Dealthread_Timing__c", "now", "period_end", "term_end", "on_date"),
        picklist(
            "Dealthread_Scope_Reason__c",
            "customer_request",
            "error",
            "concession",
            "service_failure",
            "collections_settlement",
        ),
        number("Dealthread_Base_Version__c", 6, 0),
        text("Dealthread_Regional_Deals__c", 255),
        percent("Dealthread_Renewal_Uplift__c", 5, 2),
    ]


def opportunity_line_item(currencies: Currencies) -> SObject:
    """OpportunityLineItem."""
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
                children="OpportunityLineItems",
            ),
            reference(
                "PricebookEntryId",
                "PricebookEntry",
                required=True,
                updateable=False,
                on_delete="restrict",
                children="OpportunityLineItems",
            ),
            calculated(reference("Product2Id", "Product2", on_delete="restrict")),
            calculated(text("ProductCode", 255)),
            calculated(text("Name", 376)),
            number("Quantity", 10, 4, required=True),
            money("UnitPrice", 16, 4, required=True),
            percent("Discount", 3, 2),
            calculated(money("ListPrice", 16, 4)),
            calculated(money("TotalPrice")),
            text("Description", 255),
            date("ServiceDate"),
            *currencies.inherited(),
            date("Dealthread_End__c"),
            number("Dealthread_Segment__c", 3, 0),
            picklist("Dealthread_Action__c", "add", "quantity", "price", "swap", "remove"),
            text("Dealthread_Changes_Line__c", 20),
        ],
    )


def product(currencies: Currencies) -> SObject:
    """Product2."""
    return sobject(
        "Product2",
        "01t",
        [
            text("Name", 255, required=True),
            text("ProductCode", 255, indexed=True),
            text("StockKeepingUnit", 180),
            text("QuantityUnitOfMeasure", 40),
            checkbox("IsActive"),
            text("Family", 255),
            Field("Description", FieldType.TEXTAREA, length=4000),
            *currencies.own(),
            key("Dealthread_Product_Key__c", 40),
        ],
    )


def pricebook(currencies: Currencies) -> SObject:
    """Pricebook2."""
    return sobject(
        "Pricebook2",
        "01s",
        [
            text("Name", 255, required=True),
            checkbox("IsActive"),
            checkbox("IsStandard", createable=False, updateable=False),
            text("Description", 255),
            *currencies.own(),
        ],
    )


def pricebook_entry(currencies: Currencies) -> SObject:
    """PricebookEntry: one per price book, product and currency."""
    return sobject(
        "PricebookEntry",
        "01u",
        [
            reference(
                "Pricebook2Id",
                "Pricebook2",
                required=True,
                updateable=False,
                on_delete="restrict",
                children="PricebookEntries",
            ),
            reference(
                "Product2Id",
                "Product2",
                required=True,
                updateable=False,
                on_delete="restrict",
                children="PricebookEntries",
            ),
            calculated(text("Name", 255)),
            calculated(text("ProductCode", 255)),
            money("UnitPrice", 16, 4, required=True),
            checkbox("IsActive"),
            *currencies.own(updateable=False),
            key("Dealthread_Price_Id__c", 80),
        ],
    )
