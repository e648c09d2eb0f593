"""What is contracted: quote lines, or the order products made of them, in one shape."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dealthread.simulators.salesforce.cpq.quote_rules import lines_of
from dealthread.simulators.salesforce.cpq.terms import last_day
from dealthread.simulators.salesforce.cpq.vocabulary import EVERGREEN
from dealthread.simulators.salesforce.rules.save import Worker, decimal_or_zero
from dealthread.simulators.salesforce.schema.model import Row, Value
from dealthread.simulators.salesforce.store import Store


@dataclass(frozen=True)
class Sold:
    """One line that was sold."""

    line: Row
    item: Row | None
    """The order product, when an order is contracted."""
    quantity: Decimal
    start: Value
    end: Value
    """Last day; None for an evergreen and for what is sold once."""

    @property
    def is_subscription(self) -> bool:
        """Whether it lasts."""
        return self.line["SBQQ__SubscriptionPricing__c"] is not None

    @property
    def is_evergreen(self) -> bool:
        """Whether it has no end."""
        return self.is_subscription and self.line["SBQQ__SubscriptionType__c"] == EVERGREEN

    @property
    def method(self) -> str:
        """How the product asks to be contracted."""
        return "Inherit" if self.item is None else str(self.item["SBQQ__ContractingMethod__c"])


def sold_by_order(store: Store, order: Row) -> list[Sold]:
    """The products of an order that come from lines and are not contracted yet."""
    found = []
    for item in store.live_lookup("OrderItem", "OrderId", order["Id"]):
        line = store.live("SBQQ__QuoteLine__c", item["SBQQ__QuoteLine__c"])
        if line is None or item["SBQQ__Contracted__c"]:
            continue
        quantity = decimal_or_zero(item["Quantity"])
        found.append(Sold(line, item, quantity, item["ServiceDate"], item["EndDate"]))
    return sorted(found, key=lambda one: decimal_or_zero(one.line["SBQQ__Number__c"]))


def sold_by_quote(worker: Worker, quote: Row) -> list[Sold]:
    """The lines of a quote that change something."""
    found = []
    for line in lines_of(worker.store, quote["Id"]):
        quantity = decimal_or_zero(line["SBQQ__EffectiveQuantity__c"])
        if line["SBQQ__Optional__c"] or quantity == 0:
            continue
        start = line["SBQQ__EffectiveStartDate__c"] or worker.now[:10]
        is_subscription = line["SBQQ__SubscriptionPricing__c"] is not None
        end = last_day(line, quote, start) if is_subscription else None
        found.append(Sold(line, None, quantity, start, end))
    return found
