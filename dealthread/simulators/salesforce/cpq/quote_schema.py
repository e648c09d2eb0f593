"""SBQQ__Quote__c and SBQQ__QuoteLine__c."""

from __future__ import annotations

from dealthread.simulators.salesforce.cpq.vocabulary import (
    PAYMENT_TERMS,
    billing_fields,
    contracting_method,
    pricing_method,
    subscription_pricing,
    subscription_type,
)
from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import (
    calculated,
    checkbox,
    date,
    long_text,
    money,
    number,
    percent,
    picklist,
    reference,
    sobject,
    text,
)
from dealthread.simulators.salesforce.schema.model import Field, FieldType, SObject


def quote(currencies: Currencies) -> SObject:
    """SBQQ__Quote__c."""
    return sobject(
        "SBQQ__Quote__c",
        "a0p",
        [
            calculated(text("Name", 80, auto_number="Q-{:05d}")),
            reference("SBQQ__Account__c", "Account", children="SBQQ__Quotes__r"),
            reference("SBQQ__Opportunity2__c", "Opportunity", children="SBQQ__Quotes2__r"),
            reference("SBQQ__PrimaryContact__c", "Contact", children="SBQQ__Quotes__r"),
            reference("SBQQ__SalesRep__c", "User", children="SBQQ__Quotes__r"),
            reference("SBQQ__PriceBook__c", "Pricebook2", children="SBQQ__Quotes__r"),
            reference(
                "SBQQ__MasterContract__c", "Contract", children="SBQQ__CoTerminatedQuotes__r"
            ),
            text("SBQQ__PricebookId__c", 18),
            picklist(
                "SBQQ__Type__c",
                "Quote",
                "Renewal",
                "Amendment",
                "Re-Quote",
                "Change Order",
                default="Quote",
            ),
            picklist(
                "SBQQ__Status__c",
                "Draft",
                "In Review",
                "Approved",
                "Denied",
                "Presented",
                "Accepted",
                "Rejected",
                default="Draft",
            ),
            checkbox("SBQQ__Primary__c"),
            checkbox("SBQQ__Ordered__c"),
            date("SBQQ__StartDate__c"),
            date("SBQQ__EndDate__c"),
            date("SBQQ__ExpirationDate__c"),
            number("SBQQ__SubscriptionTerm__c", 5, 0),
            number("SBQQ__RenewalTerm__c", 18, 0),
            picklist(
                "SBQQ__PaymentTerms__c",
                *PAYMENT_TERMS,
                default="Net 30",
            ),
            contracting_method(),
            # Help, "CPQ Quote Fields": does nothing by itself; the line's counts.
            next(one for one in billing_fields() if one.name == "SBQQ__BillingFrequency__c"),
            percent("SBQQ__CustomerDiscount__c", 3, 2),
            *_address("Billing"),
            *_address("Shipping"),
            long_text("SBQQ__Notes__c", 2000),
            calculated(number("SBQQ__LineItemCount__c", 18, 0)),
            calculated(money("SBQQ__ListAmount__c")),
            calculated(money("SBQQ__RegularAmount__c")),
            calculated(money("SBQQ__CustomerAmount__c")),
            calculated(money("SBQQ__NetAmount__c")),
            *currencies.own(),
        ],
        owner=True,
    )


def _address(side: str) -> list[Field]:
    return [
        text(f"SBQQ__{side}Name__c", 255),
        Field(f"SBQQ__{side}Street__c", FieldType.TEXTAREA, length=255),
        text(f"SBQQ__{side}City__c", 40),
        text(f"SBQQ__{side}State__c", 80),
        text(f"SBQQ__{side}PostalCode__c", 20),
        text(f"SBQQ__{side}Country__c", 80),
    ]


def quote_line(currencies: Currencies) -> SObject:
    """SBQQ__QuoteLine__c: prices are worked out, formulas are the package's."""
    return sobject(
        "SBQQ__QuoteLine__c",
        "a0l",
        [
            calculated(text("Name", 80, auto_number="QL-{:07d}")),
            reference(
                "SBQQ__Quote__c",
                "SBQQ__Quote__c",
                required=True,
                updateable=False,
                on_delete="cascade",
                children="SBQQ__LineItems__r",
            ),
            reference("SBQQ__Product__c", "Product2"),
            reference("SBQQ__RequiredBy__c", "SBQQ__QuoteLine__c", children="SBQQ__Quote_Lines__r"),
            reference(
                "SBQQ__UpgradedSubscription__c",
                "SBQQ__Subscription__c",
                children="SBQQ__UpgradeLines__r",
            ),
            reference(
                "SBQQ__RenewedSubscription__c",
                "SBQQ__Subscription__c",
                on_delete="restrict",
                children="SBQQ__RenewalQuoteLines__r",
            ),
            number("SBQQ__Number__c", 5, 0),
            number("SBQQ__Quantity__c", 10, 2),
            number("SBQQ__PriorQuantity__c", 10, 2),
            number("SBQQ__UpgradedQuantity__c", 10, 2),
            number("SBQQ__BundledQuantity__c", 10, 2),
            checkbox("SBQQ__Existing__c"),
            checkbox("SBQQ__Renewal__c"),
            checkbox("SBQQ__CarryoverLine__c"),
            checkbox("SBQQ__Optional__c"),
            checkbox("SBQQ__Bundle__c"),
            checkbox("SBQQ__Bundled__c"),
            checkbox("SBQQ__AllowAssetRefund__c"),
            date("SBQQ__StartDate__c"),
            date("SBQQ__EndDate__c"),
            number("SBQQ__SubscriptionTerm__c", 5, 0),
            number("SBQQ__DefaultSubscriptionTerm__c", 5, 0),
            *billing_fields(),
            subscription_type("SBQQ__SubscriptionType__c"),
            subscription_type("SBQQ__ProductSubscriptionType__c"),
            subscription_pricing(),
            pricing_method(),
            text("SBQQ__PricebookEntryId__c", 64),
            money("SBQQ__ListPrice__c", 12),
            percent("SBQQ__Discount__c", 9, 2),
            money("SBQQ__AdditionalDiscountAmount__c", 12),
            *_segments(),
            text("SBQQ__TaxCode__c", 255),
            *[calculated(one) for one in _worked_out()],
            *currencies.inherited(),
        ],
    )


def _segments() -> list[Field]:
    """Multi-dimensional quoting: one line for each segment, held together by the key."""
    return [
        number("SBQQ__SegmentIndex__c", 2, 0),
        text("SBQQ__SegmentKey__c", 30),
        text("SBQQ__SegmentLabel__c", 25),
    ]


def _worked_out() -> list[Field]:
    """The calculator's prices and the package's formulas."""
    return [
        text("SBQQ__ProductCode__c", 1300),
        text("SBQQ__ProductName__c", 1300),
        number("SBQQ__ProrateMultiplier__c", 4, 4),
        money("SBQQ__ProratedListPrice__c"),
        money("SBQQ__RegularPrice__c", 12),
        money("SBQQ__CustomerPrice__c", 12),
        money("SBQQ__PartnerPrice__c", 12),
        money("SBQQ__NetPrice__c", 12),
        money("SBQQ__UnproratedNetPrice__c", 14),
        date("SBQQ__EffectiveStartDate__c"),
        date("SBQQ__EffectiveEndDate__c"),
        number("SBQQ__EffectiveSubscriptionTerm__c", 18, 0),
        number("SBQQ__EffectiveQuantity__c", 16, 2),
        money("SBQQ__ListTotal__c"),
        money("SBQQ__RegularTotal__c"),
        money("SBQQ__CustomerTotal__c"),
        money("SBQQ__NetTotal__c"),
    ]
