"""Accounts, contacts, users and the org itself.

Types, lengths and defaults: describes of real orgs and the Salesforce Field Reference Guide.
"""

from __future__ import annotations

from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import (
    address,
    calculated,
    checkbox,
    date,
    key,
    long_text,
    money,
    phone,
    picklist,
    reference,
    sobject,
    text,
)
from dealthread.simulators.salesforce.schema.model import Field, FieldType, SObject

INDUSTRIES = (
    "Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications",
    "Construction", "Consulting", "Education", "Electronics", "Energy", "Engineering",
    "Entertainment", "Environmental", "Finance", "Food & Beverage", "Government", "Healthcare",
    "Hospitality", "Insurance", "Machinery", "Manufacturing", "Media", "Not For Profit",
    "Recreation", "Retail", "Shipping", "Technology", "Telecommunications", "Transportation",
    "Utilities", "Other",
)  # fmt: skip
SALUTATIONS = ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")


def account(currencies: Currencies) -> SObject:
    """Account."""
    return sobject(
        "Account",
        "001",
        [
            text("Name", 255, required=True, indexed=True),
            reference("ParentId", "Account", children="ChildAccounts"),
            text("AccountNumber", 40),
            picklist(
                "Type",
                "Prospect",
                "Customer - Direct",
                "Customer - Channel",
                "Channel Partner / Reseller",
                "Installation Partner",
                "Technology Partner",
                "Other",
                length=40,
                restricted=False,
            ),
            picklist("Industry", *INDUSTRIES, length=40, restricted=False),
            picklist("Rating", "Hot", "Warm", "Cold", length=40, restricted=False),
            picklist("AccountSource", *SOURCES, length=40, restricted=False),
            money("AnnualRevenue", 18, 0),
            Field("NumberOfEmployees", FieldType.INT, precision=8),
            text("Site", 80),
            text("Sic", 20),
            text("TickerSymbol", 20),
            phone("Phone"),
            phone("Fax"),
            Field("Website", FieldType.URL, length=255),
            long_text("Description"),
            *address("Billing"),
            *address("Shipping"),
            *currencies.own(),
            key("Dealthread_Customer_Key__c", 40),
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
            text("Dealthread_Health__c", 40),
        ],
        owner=True,
    )


def contact(currencies: Currencies) -> SObject:
    """Contact; its Name is made of the parts."""
    return sobject(
        "Contact",
        "003",
        [
            reference("AccountId", "Account", on_delete="cascade", children="Contacts"),
            text("LastName", 80, required=True),
            text("FirstName", 40),
            picklist(
                "Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", length=40, restricted=False
            ),
            calculated(text("Name", 121)),
            text("Title", 128),
            text("Department", 80),
            reference("ReportsToId", "Contact"),
            *[
                phone(name)
                for name in (
                    "Phone",
                    "Fax",
                    "MobilePhone",
                    "HomePhone",
                    "OtherPhone",
                    "AssistantPhone",
                )
            ],
            text("AssistantName", 40),
            Field("Email", FieldType.EMAIL, length=80, id_lookup=True),
            picklist("LeadSource", *SOURCES, restricted=False),
            date("Birthdate"),
            long_text("Description"),
            *address("Mailing"),
            *address("Other"),
            *currencies.own(),
            picklist("Dealthread_Purpose__c", "accounts_payable", "signatory", "admin"),
            text("Dealthread_Language__c", 10),
        ],
        owner=True,
    )


def organization() -> SObject:
    """Organization: one row, read-only."""
    return sobject(
        "Organization",
        "00D",
        [
            text("Name", 80, required=True),
            text("Country", 80),
            text("DefaultLocaleSidKey", 40, never_null=True),
            text("LanguageLocaleKey", 40, never_null=True),
            text("TimeZoneSidKey", 40, never_null=True),
            Field("FiscalYearStartMonth", FieldType.INT, precision=9),
            text("InstanceName", 5, createable=False, updateable=False),
            text("NamespacePrefix", 15, createable=False, updateable=False),
            text("OrganizationType", 40, createable=False, updateable=False),
            checkbox("IsSandbox", createable=False, updateable=False),
            checkbox("IsReadOnly", createable=False, updateable=False),
        ],
        createable=False,
        updateable=False,
        deletable=False,
    )


def user(currencies: Currencies) -> SObject:
    """User: the integration user only, read-only."""
    return sobject(
        "User",
        "005",
        [
            text("Username", 80, required=True, unique=True),
            text("LastName", 80, required=True),
            text("FirstName", 40),
            calculated(text("Name", 121)),
            text("Alias", 8, never_null=True),
            Field("Email", FieldType.EMAIL, length=128, required=True),
            checkbox("IsActive"),
            text("TimeZoneSidKey", 40, never_null=True),
            text("LocaleSidKey", 40, never_null=True),
            text("LanguageLocaleKey", 40, never_null=True),
            text("EmailEncodingKey", 40, never_null=True),
            *currencies.own(),
            *_default_currency(currencies),
        ],
        createable=False,
        updateable=False,
        deletable=False,
    )


def _default_currency(currencies: Currencies) -> list[Field]:
    """What new records of the user get (Object reference, "User.DefaultCurrencyIsoCode")."""
    return [
        picklist("DefaultCurrencyIsoCode", *one.picklist, length=3, default=one.default)
        for one in currencies.own()
    ]
