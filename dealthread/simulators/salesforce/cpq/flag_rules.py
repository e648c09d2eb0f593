"""The package's checkboxes that start background work, and what an activation does to products."""

from __future__ import annotations

from dealthread.simulators.salesforce.cpq import renewing
from dealthread.simulators.salesforce.cpq.background import Background, JobRefused, Work
from dealthread.simulators.salesforce.cpq.contracting import contract_opportunity, contract_order
from dealthread.simulators.salesforce.cpq.ordering import order_quote
from dealthread.simulators.salesforce.cpq.quote_rules import QUOTE
from dealthread.simulators.salesforce.rules.orders import items_of
from dealthread.simulators.salesforce.rules.save import Rules, Save, Worker, decimal_or_zero
from dealthread.simulators.salesforce.store import Store


def _order_opportunity(worker: Worker, opportunity_id: str) -> None:
    opportunity = worker.store.live("Opportunity", opportunity_id)
    if opportunity is None:
        return
    if opportunity["SBQQ__PrimaryQuote__c"] is None:
        raise JobRefused("the opportunity has no primary quote")
    order_quote(worker, str(opportunity["SBQQ__PrimaryQuote__c"]))


FLAGS: tuple[tuple[str, str, str, Work], ...] = (
    ("Opportunity", "SBQQ__Ordered__c", "order", _order_opportunity),
    (QUOTE, "SBQQ__Ordered__c", "order", order_quote),
    ("Opportunity", "SBQQ__Contracted__c", "contract", contract_opportunity),
    ("Order", "SBQQ__Contracted__c", "contract", contract_order),
    ("Contract", "SBQQ__RenewalForecast__c", "forecast", renewing.forecast),
    ("Contract", "SBQQ__RenewalQuoted__c", "renew", renewing.quote),
)
"""(object, checkbox, name of the work, the work)."""


class FlagRules(Rules):
    """Starts the work when its box is ticked."""

    def __init__(self, background: Background, flag: str, name: str, work: Work) -> None:
        self._background = background
        self._flag = flag
        self._name = name
        self._work = work

    def after_save(self, save: Save) -> None:
        """Schedule."""
        if save.row[self._flag] and save.is_changed(self._flag):
            self._background.after_commit(self._name, self._work, str(save.row["Id"]))


class WonDealRules(Rules):
    """A flow that an org may have: a won deal with a primary quote is ordered."""

    def after_save(self, save: Save) -> None:
        """Tick the box."""
        row = save.row
        if row["IsWon"] and save.is_changed("IsWon") and row["SBQQ__PrimaryQuote__c"] is not None:
            save.update("Opportunity", row["Id"], {"SBQQ__Ordered__c": True})


class CpqOrderRules(Rules):
    """Activating an order activates its products; deactivating takes that back."""

    def before_save(self, save: Save) -> None:
        """A new order has no tax yet."""
        if save.is_new:
            save.row["SBQQ__TaxAmount__c"] = decimal_or_zero(None)

    def after_save(self, save: Save) -> None:
        """Follow the status."""
        if save.is_new or not save.is_changed("StatusCode"):
            return
        is_active = save.row["StatusCode"] == "Activated"
        for item in items_of(save.store, save.row):
            save.derive(
                "OrderItem",
                item["Id"],
                SBQQ__Activated__c=is_active,
                SBQQ__Status__c="Activated" if is_active else "Draft",
            )


class CpqOrderItemRules(Rules):
    """The order's tax is the sum of its products' tax."""

    def after_save(self, save: Save) -> None:
        """Roll up."""
        self._roll_up(save)

    def after_delete(self, save: Save) -> None:
        """Roll up."""
        self._roll_up(save)

    @staticmethod
    def _roll_up(save: Save) -> None:
        order = save.store.live("Order", save.row["OrderId"])
        if order is not None:
            taxes = (
                decimal_or_zero(item["SBQQ__TaxAmount__c"]) for item in items_of(save.store, order)
            )
            save.derive("Order", order["Id"], SBQQ__TaxAmount__c=sum(taxes, decimal_or_zero(None)))


class CpqContractRules(Rules):
    """The package's formula SBQQ__ExpirationDate__c is the contract's end."""

    def before_save(self, save: Save) -> None:
        """Derive."""
        save.row["SBQQ__ExpirationDate__c"] = save.row.get("EndDate")


def resume(store: Store, background: Background) -> None:
    """After a restart: start again whatever is ticked; work that was done finds nothing to do."""
    for name, flag, work_name, work in FLAGS:
        for row in store.rows(name):
            if row[flag] and not row["IsDeleted"]:
                background.schedule(work_name, work, str(row["Id"]))
