"""Labels of standard objects and fields, as recorded describes of real orgs tell them."""

from __future__ import annotations

from dealthread.simulators.salesforce.schema.model import Field, SObject

_SYSTEM = {
    "IsDeleted": "Deleted",
    "OwnerId": "Owner ID",
    "CreatedDate": "Created Date",
    "CreatedById": "Created By ID",
    "LastModifiedDate": "Last Modified Date",
    "LastModifiedById": "Last Modified By ID",
    "SystemModstamp": "System Modstamp",
}
_FIELDS = {
    "Account": {
        "Name": "Account Name",
        "ParentId": "Parent Account ID",
        "AccountNumber": "Account Number",
        "Type": "Account Type",
        "Rating": "Account Rating",
        "AccountSource": "Account Source",
        "AnnualRevenue": "Annual Revenue",
        "NumberOfEmployees": "Employees",
        "Site": "Account Site",
        "Sic": "SIC Code",
        "TickerSymbol": "Ticker Symbol",
        "Phone": "Account Phone",
        "Fax": "Account Fax",
        "Description": "Account Description",
    },
    "Contact": {
        "AccountId": "Account ID",
        "LastName": "Last Name",
        "FirstName": "First Name",
        "Name": "Full Name",
        "ReportsToId": "Reports To ID",
        "Phone": "Business Phone",
        "Fax": "Business Fax",
        "MobilePhone": "Mobile Phone",
        "HomePhone": "Home Phone",
        "OtherPhone": "Other Phone",
        "AssistantPhone": "Asst. Phone",
        "AssistantName": "Assistant's Name",
        "LeadSource": "Lead Source",
        "Description": "Contact Description",
    },
    "Opportunity": {
        "AccountId": "Account ID",
        "StageName": "Stage",
        "CloseDate": "Close Date",
        "Probability": "Probability (%)",
        "ExpectedRevenue": "Expected Amount",
        "IsWon": "Won",
        "IsClosed": "Closed",
        "HasOpportunityLineItem": "Has Line Item",
        "LastStageChangeDate": "Last Stage Change Date",
        "Type": "Opportunity Type",
        "NextStep": "Next Step",
        "LeadSource": "Lead Source",
        "IsPrivate": "Private",
        "ContactId": "Contact ID",
        "Pricebook2Id": "Price Book ID",
    },
}
_ADDRESS_PARTS = {
    "Street": "Street",
    "City": "City",
    "State": "State/Province",
    "PostalCode": "Zip/Postal Code",
    "Country": "Country",
    "Address": "Address",
}
_ADDRESSES = ("Billing", "Shipping", "Mailing", "Other")
_PLURALS = {"Opportunity": "Opportunities"}


def label_of(sobject: SObject, one: Field) -> str:
    """A field's label; its name where no recording tells the label."""
    if one.label:
        return one.label
    if one.name == "Id":
        return f"{sobject.label or sobject.name} ID"
    known = _SYSTEM.get(one.name) or _FIELDS.get(sobject.name, {}).get(one.name)
    return known or _address_label(one.name) or one.name


def plural_of(sobject: SObject) -> str:
    """The label of several rows."""
    return _PLURALS.get(sobject.name, f"{sobject.label or sobject.name}s")


def _address_label(name: str) -> str | None:
    for kind in _ADDRESSES:
        part = _ADDRESS_PARTS.get(name.removeprefix(kind))
        if name.startswith(kind) and part is not None:
            return f"{kind} {part}"
    return None
