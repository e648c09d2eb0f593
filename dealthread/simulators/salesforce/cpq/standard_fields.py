"""What the package adds to the platform's objects."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from dealthread.simulators.salesforce.cpq.vocabulary import (
    PAYMENT_TERMS,
    billing_fields,
    contracting_method,
    pricing_method,
    subscription_pricing,
    subscription_type,
)
from dealthread.simulators.salesforce.schema.fields import (
    calculated,
    checkbox,
    date,
    money,
    number,
    percent,
    picklist,
    reference,
    text,
)
from dealthread.simulators.salesforce.schema.model import Field


def package_fields() -> Mapping[str, list[Field]]:
    """Object → fields."""
    return {
        "Account": [
            picklist(
                "SBQQ__RenewalModel__c",
                "Contract Based",
                "Asset Based",
                default="Contract Based",
            ),
            picklist("SBQQ__RenewalPricingMethod__c", "Same", "List", "Uplift", default="Same"),
        ],
        "Product2": _product(),
        "Opportunity": _opportunity(),
        "OpportunityLineItem": [
            reference(
                "SBQQ__QuoteLine__c", "SBQQ__QuoteLine__c", children="SBQQ__OpportunityProducts__r"
            ),
            subscription_type("SBQQ__SubscriptionType__c"),
        ],
        "Contract": _contract(),
        "Order": _order(),
        "OrderItem": _order_item(),
        "Asset": _asset(),
    }


def _product() -> list[Field]:
    return [
        *billing_fields(),
        subscription_type("SBQQ__SubscriptionType__c", default="Renewable"),
        subscription_pricing(),
        pricing_method(),
        number("SBQQ__SubscriptionTerm__c", 5, 0),
        number("SBQQ__DefaultQuantity__c", 13, 5, default=Decimal(1)),
        picklist(
            "SBQQ__AssetConversion__c",
            "One per quote line",
            "One per unit",
            default="One per quote line",
        ),
        picklist("SBQQ__AssetAmendmentBehavior__c", "Default", "Allow Refund", default="Default"),
        checkbox("SBQQ__ExcludeFromOpportunity__c"),
        checkbox("SBQQ__Taxable__c"),
        text("SBQQ__TaxCode__c", 255),
    ]


def _opportunity() -> list[Field]:
    return [
        reference(
            "SBQQ__AmendedContract__c", "Contract", children="SBQQ__AmendmentOpportunities__r"
        ),
        reference("SBQQ__RenewedContract__c", "Contract", children="SBQQ__RenewalOpportunities__r"),
        # At Salesforce a lookup that may be written, too; here only the quote's flag sets it.
        calculated(
            reference(
                "SBQQ__PrimaryQuote__c", "SBQQ__Quote__c", children="SBQQ__PrimaryOpportunities__r"
            )
        ),
        checkbox("SBQQ__Renewal__c"),
        checkbox("SBQQ__Contracted__c"),
        checkbox("SBQQ__Ordered__c"),
        text("SBQQ__OrderGroupID__c", 255),
        text("SBQQ__QuotePricebookId__c", 18),
    ]


def _contract() -> list[Field]:
    return [
        reference("SBQQ__Opportunity__c", "Opportunity", children="SBQQ__Contracts__r"),
        reference("SBQQ__Order__c", "Order", children="SBQQ__Contracts__r"),
        reference("SBQQ__Quote__c", "SBQQ__Quote__c", children="SBQQ__Contracts__r"),
        reference(
            "SBQQ__RenewalOpportunity__c", "Opportunity", children="SBQQ__RenewedContracts__r"
        ),
        date("SBQQ__AmendmentStartDate__c"),
        text("SBQQ__AmendmentOpportunityStage__c", 60),
        picklist(
            "SBQQ__AmendmentRenewalBehavior__c",
            "Latest End Date",
            "Earliest End Date",
            default="Latest End Date",
        ),
        text("SBQQ__RenewalOpportunityStage__c", 60),
        number("SBQQ__RenewalTerm__c", 18, 0),
        percent("SBQQ__RenewalUpliftRate__c", 8, 3),
        checkbox("SBQQ__RenewalForecast__c"),
        checkbox("SBQQ__RenewalQuoted__c"),
        checkbox("SBQQ__SubscriptionQuantitiesCombined__c"),
        checkbox("SBQQ__Evergreen__c"),
        calculated(date("SBQQ__ExpirationDate__c")),
    ]


def _order() -> list[Field]:
    return [
        reference("SBQQ__Quote__c", "SBQQ__Quote__c", children="SBQQ__Orders__r"),
        checkbox("SBQQ__Contracted__c"),
        contracting_method(),
        picklist("SBQQ__PaymentTerm__c", *PAYMENT_TERMS, restricted=False),
        number("SBQQ__RenewalTerm__c", 18, 0),
        calculated(money("SBQQ__TaxAmount__c")),
    ]


def _order_item() -> list[Field]:
    return [
        reference("SBQQ__QuoteLine__c", "SBQQ__QuoteLine__c", children="SBQQ__OrderProducts__r"),
        reference("SBQQ__Contract__c", "Contract", children="SBQQ__OrderProducts__r"),
        reference(
            "SBQQ__Subscription__c",
            "SBQQ__Subscription__c",
            children="SBQQ__SubscriptionOrderProducts__r",
        ),
        reference("SBQQ__Asset__c", "Asset", children="SBQQ__OrderProducts__r"),
        reference(
            "SBQQ__UpgradedSubscription__c",
            "SBQQ__Subscription__c",
            children="SBQQ__OrderProducts__r",
        ),
        reference(
            "SBQQ__RevisedOrderProduct__c", "OrderItem", children="SBQQ__RevisingOrderProducts__r"
        ),
        reference("SBQQ__RequiredBy__c", "OrderItem", children="SBQQ__Components__r"),
        picklist(
            "SBQQ__ContractAction__c",
            "New",
            "Quantity Increase",
            "Quantity Decrease",
            "Product Swap",
            "Renew",
        ),
        picklist(
            "SBQQ__ContractingMethod__c",
            "Inherit",
            "Contract Separately",
            "Do Not Contract",
            default="Inherit",
        ),
        picklist("SBQQ__Status__c", "Draft", "Activated", default="Draft"),
        checkbox("SBQQ__Activated__c"),
        checkbox("SBQQ__Contracted__c"),
        *billing_fields(),
        subscription_type("SBQQ__SubscriptionType__c"),
        subscription_type("SBQQ__ProductSubscriptionType__c"),
        subscription_pricing(),
        pricing_method(),
        number("SBQQ__DefaultSubscriptionTerm__c", 5, 0),
        number("SBQQ__SubscriptionTerm__c", 18, 0),
        number("SBQQ__ProrateMultiplier__c", 4, 4),
        number("SBQQ__QuotedQuantity__c", 10, 2),
        number("SBQQ__OrderedQuantity__c", 16, 2),
        money("SBQQ__QuotedListPrice__c", 12),
        money("SBQQ__UnproratedNetPrice__c", 14),
        number("SBQQ__SegmentIndex__c", 2, 0),
        text("SBQQ__SegmentKey__c", 30),
        date("SBQQ__TerminatedDate__c"),
        money("SBQQ__TaxAmount__c"),
        text("SBQQ__TaxCode__c", 255),
    ]


def _asset() -> list[Field]:
    return [
        reference("SBQQ__QuoteLine__c", "SBQQ__QuoteLine__c", children="SBQQ__Assets__r"),
        reference("SBQQ__OrderProduct__c", "OrderItem", children="SBQQ__Assets__r"),
        money("SBQQ__ListPrice__c", 12),
        money("SBQQ__RegularPrice__c", 12),
        percent("SBQQ__Discount__c", 9, 2),
    ]
