"""Salesforce simulator: orders, order products and contracts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.simulators.salesforce.sales import (
    Shop,
    error_of,
    open_shop,
    patch,
    refusal,
    refused_insert,
)


@pytest.fixture
def shop(org: Any) -> Shop:
    return open_shop(org)


def test_an_order_begins_as_a_draft_with_an_account_and_a_start(shop: Shop) -> None:
    """Account, start and status are required; creating it activated is refused."""
    for missing in ("AccountId", "EffectiveDate", "Status"):
        fields = {"AccountId": shop.account, "EffectiveDate": "2026-01-01", "Status": "Draft"}
        del fields[missing]
        assert refused_insert(shop.org, "Order", **fields) == "REQUIRED_FIELD_MISSING"
    fields = {"AccountId": shop.account, "EffectiveDate": "2026-01-01"}
    assert refused_insert(shop.org, "Order", Status="Activated", **fields) == "FAILED_ACTIVATION"
    other = refused_insert(shop.org, "Order", Status="Shipped", **fields)
    assert other == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    order = shop.org.read("Order", shop.order())
    assert (order["StatusCode"], order["TotalAmount"]) == ("Draft", 0)
    assert order["OrderNumber"]


def test_an_order_product_needs_the_orders_price_book(shop: Shop) -> None:
    """Without one on the order, or from another, it is refused; product and price follow."""
    item = {"PricebookEntryId": shop.entry, "Quantity": 1, "UnitPrice": 90}
    bare = shop.order(Pricebook2Id=None)
    assert (
        refused_insert(shop.org, "OrderItem", OrderId=bare, **item) == "FIELD_INTEGRITY_EXCEPTION"
    )
    other = shop.order(Pricebook2Id=shop.org.create("Pricebook2", Name="Other", IsActive=True))
    assert refused_insert(shop.org, "OrderItem", OrderId=other, **item) == (
        "FIELD_INTEGRITY_EXCEPTION"
    )
    row = shop.org.read("OrderItem", shop.item(shop.order(), UnitPrice=90))
    assert (row["Product2Id"], row["ListPrice"], row["UnitPrice"]) == (shop.product, 100, 90)


def test_an_order_product_needs_an_entry_in_the_orders_currency(shop: Shop) -> None:
    """The simulated org's corporate currency is EUR."""
    order = shop.order(CurrencyIsoCode="USD")
    item = {"PricebookEntryId": shop.entry, "Quantity": 1, "UnitPrice": 90}
    assert refused_insert(shop.org, "OrderItem", OrderId=order, **item) == (
        "FIELD_INTEGRITY_EXCEPTION"
    )
    assert shop.org.read("OrderItem", shop.item(shop.order()))["CurrencyIsoCode"] == "EUR"


def test_the_orders_amount_is_the_sum_of_its_products(shop: Shop) -> None:
    """3 × 9.99 + 2 × 100 − what is deleted; it cannot be written."""
    order = shop.order()
    shop.item(order, Quantity=3, UnitPrice=9.99)
    second = shop.item(order, Quantity=2)
    assert shop.org.read("Order", order)["TotalAmount"] == float(
        Decimal("9.99") * 3 + Decimal(100) * 2
    )
    shop.org.http.delete(f"/sobjects/OrderItem/{second}")
    assert shop.org.read("Order", order)["TotalAmount"] == float(Decimal("9.99") * 3)
    assert refusal(shop.org, "Order", order, TotalAmount=1) == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_activation_needs_products_and_changes_nothing_else(shop: Shop) -> None:
    """Object reference, "Order": only the status may be written when it is activated."""
    order = shop.order()
    assert refusal(shop.org, "Order", order, Status="Activated") == "FAILED_ACTIVATION"
    shop.item(order)
    assert refusal(shop.org, "Order", order, Status="Activated", Description="x") == (
        "FAILED_ACTIVATION"
    )
    patch(shop.org, "Order", order, Status="Activated")
    row = shop.org.read("Order", order)
    assert (row["StatusCode"], row["ActivatedDate"] is None) == ("Activated", False)
    assert row["ActivatedById"] == row["LastModifiedById"]


def test_the_products_of_an_activated_order_stay_as_they_are(shop: Shop) -> None:
    """No new one, no change, no deletion; the order neither; back in draft all is open again."""
    order = shop.order()
    item = shop.item(order)
    patch(shop.org, "Order", order, Status="Activated")
    more = {"PricebookEntryId": shop.entry, "Quantity": 1, "UnitPrice": 1}
    assert refused_insert(shop.org, "OrderItem", OrderId=order, **more) == (
        "FIELD_INTEGRITY_EXCEPTION"
    )
    assert refusal(shop.org, "OrderItem", item, Quantity=2) == "FIELD_INTEGRITY_EXCEPTION"
    assert error_of(shop.org.http.delete(f"/sobjects/OrderItem/{item}"))[0] == 400
    assert error_of(shop.org.http.delete(f"/sobjects/Order/{order}")) == (400, "DELETE_FAILED")
    assert refusal(shop.org, "Order", order, EffectiveDate="2027-01-01") == (
        "FIELD_INTEGRITY_EXCEPTION"
    )
    patch(shop.org, "OrderItem", item, Dealthread_Item_Id__c="si_1")
    patch(shop.org, "Order", order, Dealthread_Status__c="billed")
    patch(shop.org, "Order", order, Status="Draft")
    patch(shop.org, "OrderItem", item, Quantity=2)
    assert shop.org.http.delete(f"/sobjects/Order/{order}").status_code == 204
    assert shop.org.query("SELECT Id FROM OrderItem") == []


def test_an_order_keeps_price_book_and_currency_while_it_has_products(shop: Shop) -> None:
    """As an opportunity does."""
    order = shop.order()
    shop.item(order)
    assert refusal(shop.org, "Order", order, CurrencyIsoCode="USD") == "FIELD_INTEGRITY_EXCEPTION"
    assert refusal(shop.org, "Order", order, Pricebook2Id=None) == "FIELD_INTEGRITY_EXCEPTION"


def test_what_is_not_simulated_of_orders_is_refused(shop: Shop) -> None:
    """Reduction orders; negative quantities without CPQ."""
    fields = {"AccountId": shop.account, "EffectiveDate": "2026-01-01", "Status": "Draft"}
    assert refused_insert(shop.org, "Order", IsReductionOrder=True, **fields) == "NOT_SIMULATED"
    item = {"OrderId": shop.order(), "PricebookEntryId": shop.entry, "UnitPrice": 1}
    for quantity in (0, -1):
        assert refused_insert(shop.org, "OrderItem", Quantity=quantity, **item) == (
            "FIELD_INTEGRITY_EXCEPTION"
        )


def test_an_order_is_of_the_contracts_account_and_ends_after_it_starts(shop: Shop) -> None:
    """Field integrity."""
    contract = shop.org.create("Contract", AccountId=shop.org.create("Account", Name="Other"))
    fields = {"AccountId": shop.account, "EffectiveDate": "2026-01-01", "Status": "Draft"}
    assert refused_insert(shop.org, "Order", ContractId=contract, **fields) == (
        "FIELD_INTEGRITY_EXCEPTION"
    )
    assert refused_insert(shop.org, "Order", EndDate="2025-12-31", **fields) == (
        "FIELD_INTEGRITY_EXCEPTION"
    )


def test_parents_and_children_of_orders_are_reached_in_soql(shop: Shop) -> None:
    """Account.Orders, Contract.Orders, Order.OrderItems and up again."""
    contract = shop.org.create("Contract", AccountId=shop.account)
    order = shop.order(ContractId=contract)
    shop.item(order)
    for parent in ("Account", "Contract"):
        soql = f"SELECT Id, (SELECT Id FROM Orders) FROM {parent}"  # noqa: S608
        (row,) = shop.org.query(soql)
        assert [one["Id"] for one in row["Orders"]["records"]] == [order]
    (row,) = shop.org.query("SELECT Id, (SELECT Product2.Name FROM OrderItems) FROM Order")
    assert row["OrderItems"]["records"][0]["Product2"]["Name"] == "Seat"
    (item,) = shop.org.query(
        "SELECT Order.Contract.ContractNumber, Order.Account.Name FROM OrderItem"
    )
    assert item["Order"]["Account"]["Name"] == "Buyer"
    described = shop.org.http.get("/sobjects/Order/describe").json()
    names = {one["relationshipName"] for one in described["childRelationships"]}
    assert "OrderItems" in names


def test_a_contracts_code_follows_its_status_and_its_end_its_term(shop: Shop) -> None:
    """Draft → Activated, never back; the last day of twelve months from 1 March is 28 February."""
    contract = shop.org.create(
        "Contract", AccountId=shop.account, StartDate="2026-03-01", ContractTerm=12
    )
    row = shop.org.read("Contract", contract)
    assert (row["StatusCode"], row["EndDate"]) == ("Draft", "2027-02-28")
    assert refusal(shop.org, "Contract", contract, EndDate="2027-01-01") == (
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    patch(shop.org, "Contract", contract, Status="In Approval Process")
    assert shop.org.read("Contract", contract)["StatusCode"] == "InApproval"
    assert refusal(shop.org, "Contract", contract, Status="Activated", ContractTerm=24) == (
        "FAILED_ACTIVATION"
    )
    patch(shop.org, "Contract", contract, Status="Activated")
    row = shop.org.read("Contract", contract)
    assert (row["StatusCode"], row["ActivatedDate"] is None) == ("Activated", False)
    assert refusal(shop.org, "Contract", contract, Status="Draft") == "INVALID_STATUS"


def test_an_asset_needs_an_owner_and_shows_its_products_code(shop: Shop) -> None:
    """Account, contact or both."""
    assert refused_insert(shop.org, "Asset", Name="Box") == "FIELD_INTEGRITY_EXCEPTION"
    product, _ = shop.sell(Name="Box", ProductCode="BX")
    asset = shop.org.create("Asset", Name="Box", AccountId=shop.account, Product2Id=product)
    assert shop.org.read("Asset", asset)["ProductCode"] == "BX"
    (row,) = shop.org.query("SELECT Id, (SELECT Id FROM Assets) FROM Account")
    assert row["Assets"]["totalSize"] == 1
