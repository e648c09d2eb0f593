"""Rules of orders and their products.

Object reference, "Order": created as a draft; activated by an update of the status and nothing
else; an activated order cannot be deleted, its products do not change. It goes back to draft by
the status, too (Salesforce Help, "Guidelines for Setting Up Salesforce CPQ Orders").
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated
from dealthread.simulators.salesforce.rules.price_books import place_line, refuse_change_of_book
from dealthread.simulators.salesforce.rules.save import (
    Rules,
    Save,
    decimal_or_none,
    decimal_or_zero,
    integrity,
    refuse_other_changes,
)
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import cents

FIXED = ("AccountId", "ContractId", "Pricebook2Id", "CurrencyIsoCode", "EffectiveDate", "QuoteId")
"""What an activated order keeps."""


class OrderRules(Rules):
    """Draft → Activated → Draft."""

    def before_save(self, save: Save) -> None:
        """Derive the status code and keep what an activation fixes."""
        row, old = save.row, save.old
        if row.get("IsReductionOrder"):
            raise not_simulated("reduction orders")
        row["StatusCode"] = row.get("Status")
        if old is None:
            if row.get("Status") == "Activated":
                raise _failed("Choose a valid order status and save your changes.")
            row["TotalAmount"] = Decimal("0.00")
        elif row["StatusCode"] != old["StatusCode"]:
            self._change_status(save)
        elif row["StatusCode"] == "Activated":
            for name in FIXED:
                if save.is_changed(name):
                    raise integrity(f"{name} cannot be changed on an activated order", name)
        if old is not None and items_of(save.store, row):
            refuse_change_of_book(save, "order products")
        self._check_dates(row)
        self._check_contract(save)

    @staticmethod
    def _change_status(save: Save) -> None:
        row = save.row
        if row["StatusCode"] != "Activated":
            row["ActivatedDate"] = row["ActivatedById"] = None
            return
        refuse_other_changes(save)
        if not items_of(save.store, row):
            raise _failed("An order must have at least one product.")
        row["ActivatedDate"], row["ActivatedById"] = save.now, row["LastModifiedById"]

    @staticmethod
    def _check_dates(row: Row) -> None:
        start, end = row.get("EffectiveDate"), row.get("EndDate")
        if isinstance(start, str) and isinstance(end, str) and end < start:
            raise integrity("The order ends before it starts", "EndDate")

    @staticmethod
    def _check_contract(save: Save) -> None:
        contract = save.store.live("Contract", save.row.get("ContractId"))
        if contract is not None and contract["AccountId"] != save.row.get("AccountId"):
            raise integrity("The contract belongs to another account", "ContractId")

    def before_delete(self, save: Save) -> None:
        """Activated orders stay."""
        if save.row["StatusCode"] == "Activated":
            raise SalesforceError(
                "DELETE_FAILED", "An activated order cannot be deleted.", fields=[]
            )


class OrderItemRules(Rules):
    """Product, list price and currency from the entry; the order's amount is rolled up."""

    def __init__(self, *, allows_negative: bool) -> None:
        self._allows_negative = allows_negative

    def before_save(self, save: Save) -> None:
        """Derive and check."""
        row = save.row
        order = save.store.live("Order", row.get("OrderId"))
        if order is None:
            return
        if order["StatusCode"] == "Activated" and save.is_changed(
            "Quantity", "UnitPrice", "ServiceDate", "EndDate"
        ):
            raise _of_activated()
        if save.is_new:
            place_line(save, "Order", order, takes_book=False)
        quantity = decimal_or_none(row.get("Quantity"))
        price = decimal_or_none(row.get("UnitPrice"))
        if quantity is None or price is None:
            return
        if quantity <= 0 and not self._allows_negative:
            # Zero and negative quantities are settings of an org that CPQ asks for.
            raise integrity("Quantity must be greater than zero", "Quantity")
        row["TotalPrice"] = cents(quantity * price)
        row["AvailableQuantity"] = max(quantity, Decimal(0))

    def after_save(self, save: Save) -> None:
        """Roll up."""
        roll_up_order(save)

    def before_delete(self, save: Save) -> None:
        """Products of an activated order stay."""
        order = save.store.live("Order", save.row["OrderId"])
        if order is not None and order["StatusCode"] == "Activated":
            raise _of_activated()

    def after_delete(self, save: Save) -> None:
        """Roll up."""
        roll_up_order(save)


def items_of(store: Store, order: Row) -> list[Row]:
    """The products of an order."""
    return store.live_lookup("OrderItem", "OrderId", order["Id"])


def roll_up_order(save: Save) -> None:
    """TotalAmount is the sum of the products' totals."""
    order = save.store.live("Order", save.row["OrderId"])
    if order is None:
        return
    totals = [decimal_or_zero(item["TotalPrice"]) for item in items_of(save.store, order)]
    save.derive("Order", order["Id"], TotalAmount=sum(totals, Decimal("0.00")))


def _failed(message: str) -> SalesforceError:
    return SalesforceError("FAILED_ACTIVATION", message, fields=["Status"])


def _of_activated() -> SalesforceError:
    return integrity("The products of an activated order cannot be changed", "OrderId")
