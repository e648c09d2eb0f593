"""The calculator's price steps and the package's formulas of a quote line."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.cpq.terms import (
    effective_end,
    effective_start,
    effective_term,
    prorate_multiplier,
)
from dealthread.simulators.salesforce.cpq.vocabulary import CUSTOM, FIXED_PRICE, LIST
from dealthread.simulators.salesforce.errors import not_simulated
from dealthread.simulators.salesforce.rules.save import decimal_or_none, decimal_or_zero
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.values import cents

_HUNDRED = Decimal(100)


def work_out(line: Row, quote: Row) -> None:
    """Fill the derived fields of a line in place. Raises NOT_SIMULATED for other price methods.

    List price → prorated → regular → customer (less the discount) → partner → net, as Salesforce
    Help's "CPQ Price Waterfall" has it, without the steps that are not carried.
    """
    _refuse_other_methods(line)
    line["SBQQ__EffectiveStartDate__c"] = effective_start(line, quote)
    line["SBQQ__EffectiveEndDate__c"] = effective_end(line, quote)
    line["SBQQ__EffectiveSubscriptionTerm__c"] = effective_term(line, quote)
    multiplier = prorate_multiplier(line, quote)
    listed = decimal_or_zero(line.get("SBQQ__ListPrice__c"))
    discount = decimal_or_none(line.get("SBQQ__Discount__c"))
    if discount is None:
        # Help, "CPQ Quote Fields": lines without a discount take the quote's.
        discount = decimal_or_zero(quote.get("SBQQ__CustomerDiscount__c"))
    share = (_HUNDRED - discount) / _HUNDRED
    regular = cents(listed * multiplier)
    net = cents(listed * multiplier * share)
    if line.get("SBQQ__Bundled__c"):
        # Help, "CPQ Quote Line Fields": bundled line items have a price of 0.
        regular = net = Decimal("0.00")
    line["SBQQ__ProrateMultiplier__c"] = multiplier
    line["SBQQ__ProratedListPrice__c"] = cents(listed * multiplier)
    line["SBQQ__RegularPrice__c"] = regular
    for name in ("CustomerPrice", "PartnerPrice", "NetPrice"):
        line[f"SBQQ__{name}__c"] = net
    line["SBQQ__UnproratedNetPrice__c"] = cents(listed * share)
    _total(line)


def effective_quantity(line: Row) -> Decimal:
    """The quantity that this quote changes: of an existing line, what differs from before.

    The package's formula for list prices: an asset that may not be refunded is not reduced.
    """
    quantity = decimal_or_zero(line.get("SBQQ__Quantity__c"))
    if not line.get("SBQQ__Existing__c") and not line.get("SBQQ__CarryoverLine__c"):
        return quantity
    prior = decimal_or_zero(line.get("SBQQ__PriorQuantity__c"))
    change = quantity - prior + decimal_or_zero(line.get("SBQQ__UpgradedQuantity__c"))
    is_subscription = line.get("SBQQ__SubscriptionPricing__c") is not None
    if change < 0 and not line.get("SBQQ__AllowAssetRefund__c") and not is_subscription:
        return Decimal(0)
    return change


def _total(line: Row) -> None:
    effective = effective_quantity(line)
    line["SBQQ__EffectiveQuantity__c"] = effective
    # The package's formulas: what a renewal quote adds counts only with a prior quantity.
    is_unpriced = (
        bool(line.get("SBQQ__Renewal__c"))
        and not line.get("SBQQ__Existing__c")
        and line.get("SBQQ__PriorQuantity__c") is None
    )
    counted = Decimal(0) if is_unpriced else effective
    for total, price in (
        ("RegularTotal", "RegularPrice"),
        ("CustomerTotal", "CustomerPrice"),
        ("NetTotal", "NetPrice"),
        ("ListTotal", "ProratedListPrice"),
    ):
        amount = decimal_or_zero(line.get(f"SBQQ__{price}__c")) * counted
        line[f"SBQQ__{total}__c"] = cents(amount)
    if line.get("SBQQ__Bundled__c"):
        line["SBQQ__ListTotal__c"] = Decimal("0.00")


def _refuse_other_methods(line: Row) -> None:
    method = line.get("SBQQ__PricingMethod__c")
    if method not in (None, LIST, CUSTOM):
        raise not_simulated(f"the CPQ pricing method {method}")
    pricing = line.get("SBQQ__SubscriptionPricing__c")
    if pricing not in (None, FIXED_PRICE):
        raise not_simulated(f"the CPQ subscription pricing {pricing}")
    if line.get("SBQQ__AdditionalDiscountAmount__c") is not None:
        raise not_simulated("discounts by amount on CPQ quote lines")
