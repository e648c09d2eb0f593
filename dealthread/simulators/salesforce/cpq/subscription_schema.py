"""SBQQ__Subscription__c."""

from __future__ import annotations

from dealthread.simulators.salesforce.cpq.vocabulary import (
    billing_fields,
    pricing_method,
    subscription_type,
)
from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import (
    calculated,
    checkbox,
    date,
    money,
    number,
    percent,
    reference,
    sobject,
    text,
)
from dealthread.simulators.salesforce.schema.model import Field, SObject


def subscription(currencies: Currencies) -> SObject:
    """A right to a product over time; an amendment adds a row and changes none."""
    return sobject(
        "SBQQ__Subscription__c",
        "a0s",
        [
            calculated(text("Name", 80, auto_number="SUB-{:07d}")),
            reference("SBQQ__Account__c", "Account", children="SBQQ__Subscriptions__r"),
            reference("SBQQ__Contract__c", "Contract", children="SBQQ__Subscriptions__r"),
            reference("SBQQ__Product__c", "Product2", children="SBQQ__Subscriptions__r"),
            reference(
                "SBQQ__QuoteLine__c", "SBQQ__QuoteLine__c", children="SBQQ__Subscriptions__r"
            ),
            reference("SBQQ__OrderProduct__c", "OrderItem", children="SBQQ__Subscriptions__r"),
            reference(
                "SBQQ__RevisedSubscription__c",
                "SBQQ__Subscription__c",
                children="SBQQ__Revisions__r",
            ),
            reference(
                "SBQQ__RequiredByProduct__c", "Product2", children="SBQQ__ChildSubscriptions__r"
            ),
            text("SBQQ__RequiredById__c", 18),
            text("SBQQ__RootId__c", 18, external_id=True),
            number("SBQQ__Number__c", 5, 0),
            number("SBQQ__Quantity__c", 10, 2, required=True),
            number("SBQQ__RenewalQuantity__c", 10, 2),
            number("SBQQ__BundledQuantity__c", 10, 2),
            checkbox("SBQQ__Bundle__c"),
            checkbox("SBQQ__Bundled__c"),
            date("SBQQ__SubscriptionStartDate__c"),
            date("SBQQ__SubscriptionEndDate__c"),
            calculated(date("SBQQ__StartDate__c")),
            calculated(date("SBQQ__EndDate__c")),
            date("SBQQ__TerminatedDate__c"),
            date("SBQQ__RenewedDate__c"),
            *billing_fields(),
            subscription_type("SBQQ__SubscriptionType__c"),
            subscription_type("SBQQ__ProductSubscriptionType__c"),
            pricing_method(),
            number("SBQQ__ProrateMultiplier__c", 4, 4),
            money("SBQQ__ListPrice__c", 12),
            money("SBQQ__RegularPrice__c", 12),
            money("SBQQ__CustomerPrice__c", 12),
            money("SBQQ__NetPrice__c", 12),
            money("SBQQ__RenewalPrice__c", 12),
            money("SBQQ__SpecialPrice__c", 12),
            percent("SBQQ__Discount__c", 9, 2),
            money("SBQQ__AdditionalDiscountAmount__c", 12),
            percent("SBQQ__RenewalUpliftRate__c", 8, 3),
            *_segments(),
            calculated(text("SBQQ__ContractNumber__c", 1300)),
            calculated(text("SBQQ__ProductId__c", 1300)),
            calculated(text("SBQQ__ProductName__c", 1300)),
            *currencies.own(),
        ],
        owner=True,
    )


def _segments() -> list[Field]:
    return [
        number("SBQQ__SegmentIndex__c", 2, 0),
        text("SBQQ__SegmentKey__c", 30),
        text("SBQQ__SegmentLabel__c", 25),
        number("SBQQ__SegmentQuantity__c", 10, 2),
        date("SBQQ__SegmentStartDate__c"),
        date("SBQQ__SegmentEndDate__c"),
    ]
