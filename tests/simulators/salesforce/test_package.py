"""Salesforce simulator: the fields and objects of our own package."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.salesforce.sales import error_of, open_shop

KEYS = {
    "Account": "Dealthread_Customer_Key__c",
    "Product2": "Dealthread_Product_Key__c",
    "PricebookEntry": "Dealthread_Price_Id__c",
    "Opportunity": "Dealthread_Renewal_Key__c",
    "Contract": "Dealthread_Contract_Key__c",
    "Order": "Dealthread_Subscription_Id__c",
    "OrderItem": "Dealthread_Item_Id__c",
    "Dealthread_Invoice__c": "Dealthread_Invoice_Id__c",
    "Dealthread_Credit_Note__c": "Dealthread_Credit_Note_Id__c",
}


@pytest.mark.parametrize(("sobject", "key"), KEYS.items())
def test_our_keys_are_unique_external_ids_that_tell_cases_apart(
    org: Any, sobject: str, key: str
) -> None:
    """As the package declares them."""
    described = org.http.get(f"/sobjects/{sobject}/describe").json()["fields"]
    (field,) = [one for one in described if one["name"] == key]
    words = ("unique", "externalId", "caseSensitive", "idLookup", "createable", "updateable")
    assert [word for word in words if not field[word]] == []


def test_each_row_that_is_billed_is_found_by_its_key(org: Any) -> None:
    """Order, its product and the entry: written once, upserted by key, refused twice."""
    shop = open_shop(org)
    order = shop.order(Dealthread_Subscription_Id__c="sub_1")
    item = shop.item(order, Dealthread_Item_Id__c="si_1")
    path = f"/sobjects/PricebookEntry/{shop.entry}"
    org.http.patch(path, json={"Dealthread_Price_Id__c": "price_1"})
    for sobject, value, record_id in (
        ("Order", "sub_1", order),
        ("OrderItem", "si_1", item),
        ("PricebookEntry", "price_1", shop.entry),
    ):
        found = org.http.get(f"/sobjects/{sobject}/{KEYS[sobject]}/{value}")
        assert found.json()["Id"] == record_id
    again = org.http.patch(
        f"/sobjects/OrderItem/{KEYS['OrderItem']}/si_1", json={"Description": "billed"}
    )
    assert (again.status_code, again.json()["created"]) == (200, False)
    body = {"AccountId": shop.account, "EffectiveDate": "2026-01-01", "Status": "Draft"}
    body["Dealthread_Subscription_Id__c"] = "sub_1"
    assert error_of(org.http.post("/sobjects/Order", json=body)) == (400, "DUPLICATE_VALUE")


def test_an_invoice_is_shown_beside_its_contract(org: Any) -> None:
    """Upserted by the billing system's id; its status is one of that system's."""
    account = org.create("Account", Name="Buyer")
    contract = org.create("Contract", AccountId=account)
    path = f"/sobjects/Dealthread_Invoice__c/{KEYS['Dealthread_Invoice__c']}/in_1"
    body = {
        "Dealthread_Account__c": account,
        "Dealthread_Contract__c": contract,
        "Dealthread_Number__c": "R-1",
        "Dealthread_Status__c": "open",
        "Dealthread_Total__c": 119.0,
        "Dealthread_Amount_Due__c": 119.0,
        "Dealthread_Due_On__c": "2026-12-31",
    }
    assert org.http.patch(path, json=body).status_code == 201
    paid = {"Dealthread_Status__c": "paid", "Dealthread_Amount_Due__c": 0}
    assert org.http.patch(path, json=paid).status_code == 200
    for parent in ("Account", "Contract"):
        (row,) = org.query(
            "SELECT Id, (SELECT Dealthread_Status__c, Dealthread_Total__c"  # noqa: S608
            f" FROM Dealthread_Invoices__r) FROM {parent}"
        )
        (invoice,) = row["Dealthread_Invoices__r"]["records"]
        assert (invoice["Dealthread_Status__c"], invoice["Dealthread_Total__c"]) == ("paid", 119)
    unknown = org.http.patch(path, json={"Dealthread_Status__c": "lost"})
    assert error_of(unknown) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
