"""Values of the package's picklists (Salesforce Help; the package's metadata)."""

from __future__ import annotations

from dealthread.simulators.salesforce.schema.fields import picklist
from dealthread.simulators.salesforce.schema.model import Field

FIXED_PRICE = "Fixed Price"
EVERGREEN = "Evergreen"
RENEWABLE = "Renewable"
LIST = "List"
CUSTOM = "Custom"
PAYMENT_TERMS = ("Due on receipt", "Net 15", "Net 30", "Net 45", "Net 60", "Net 90")


def billing_fields() -> list[Field]:
    """How a product, a line, an order product and a subscription are billed."""
    return [
        picklist(
            "SBQQ__BillingFrequency__c",
            "Invoice Plan",
            "Monthly",
            "Quarterly",
            "Semiannual",
            "Annual",
            "Usage",
        ),
        picklist("SBQQ__BillingType__c", "Advance", "Arrears"),
        picklist("SBQQ__ChargeType__c", "One-Time", "Recurring", "Usage"),
    ]


def subscription_type(name: str, **more: str) -> Field:
    """Whether it renews, ends or goes on."""
    return picklist(name, RENEWABLE, "One-time", "Renewable/Evergreen", EVERGREEN, **more)


def subscription_pricing() -> Field:
    """Set on what is a subscription, empty on what is sold once."""
    return picklist("SBQQ__SubscriptionPricing__c", FIXED_PRICE, "Percent Of Total")


def pricing_method() -> Field:
    """How the calculator finds the price."""
    return picklist(
        "SBQQ__PricingMethod__c", LIST, "Cost", "Block", "Percent Of Total", CUSTOM, default=LIST
    )


def contracting_method() -> Field:
    """One contract for each end date, or one for all."""
    return picklist(
        "SBQQ__ContractingMethod__c",
        "By Subscription End Date",
        "Single Contract",
        default="By Subscription End Date",
    )
